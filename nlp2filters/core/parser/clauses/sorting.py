"""Sorting: the records that come first, and how many are wanted."""

from collections.abc import Iterator, Set
from dataclasses import replace
from typing import cast

from nlp2filters.core.catalog import NUMERIC, STRINGS, TEMPORAL, Field
from nlp2filters.core.interpretation import Direction, Sort
from nlp2filters.core.linking import AdjectiveTarget, FieldTarget
from nlp2filters.core.parser.clauses.clause import MATCH, STOPWORD, VALUE, WORD, Clause, Context, Rule
from nlp2filters.core.parser.sentence import Sentence
from nlp2filters.core.words import fold

MAX_LIMIT = 1000
# At most this many chunks separate a number from the records that it counts.
NEAR = 5

_ORDERED = NUMERIC | TEMPORAL
# Which end of a key that follows is wanted.
_ENDS: dict[str, Direction] = {"top": "desc", "bottom": "asc"}


def _clause(
    sentence: Sentence, start: int, end: int, *sorts: Sort, superlative: bool = False, absorbs_connective: bool = False
) -> Clause:
    """Return a clause that sorts, unless a field has no order: lists and points have none."""
    for field in (sentence.catalog.by_name[sort.field] for sort in sorts):
        if field.many or field.type == "geo":
            reasons = dict.fromkeys(range(start, end), f"{field.title} has no order")
            return Clause(end, reasons=reasons, superlative=superlative, absorbs_connective=absorbs_connective)
    return Clause(end, sorts=sorts, superlative=superlative, absorbs_connective=absorbs_connective)


def _opposite(direction: Direction) -> Direction:
    return "asc" if direction == "desc" else "desc"


def _ordered_field(sentence: Sentence, at: int) -> Field | None:
    """Return the first field that the chunk may name of those that hold numbers, dates or times."""
    return next((field for field, _ in sentence.fields(at) if field.type in _ORDERED), None)


# the number of records


def _limit(sentence: Sentence, start: int, _: Context) -> Clause | None:
    word = sentence.role(start, "limit")
    number = start + 1 if word else start
    count = _count(sentence, number)
    if count is None:
        return None
    sure = word is not None or _counts_extreme(sentence, number)
    top = _ENDS.get(word or "")
    if not word and any(
        _ranking_key(sentence, at) for at in _soon_after(sentence, number) if sentence.role(at, "ranking") == "by"
    ):
        # The best of them are wanted: "5 dramas by rating".
        top = "desc"
    if (word and top) or _counts_records(sentence, number + 1, sure=sure) or _counts_unknown_noun(sentence, number):
        return Clause(number + 1, limit=count, top=top)
    return None


def _latest(sentence: Sentence, start: int, _: Context) -> Clause | None:
    count = _count(sentence, start + 1) if _is_one_of(sentence, start, sentence.language.placement.latest) else None
    if count is None:
        return None
    following = sentence.skip_stopwords(start + 2)
    date = _date_nearby(sentence, following)
    if not (date or _counts_records(sentence, start + 2, sure=True)):
        return None
    date = date or sentence.lexicon.main_date
    return Clause(start + 2, limit=count, sorts=(Sort(date.name, "desc"),)) if date else None


def _date_nearby(sentence: Sentence, start: int) -> Field | None:
    """Return the date that is named soon after a count, without a value of its own: "last 5 cameras added"."""
    for at in range(start, start + NEAR):
        for field, _ in sentence.fields(at):
            if field.type in ("date", "datetime") and not sentence.has_own_value(at):
                return field
    return None


def _is_one_of(sentence: Sentence, at: int, words: Set[str]) -> bool:
    return sentence.chunk(at) is not None and fold(sentence.texts[at]) in words


def _count(sentence: Sentence, at: int) -> int | None:
    chunk = sentence.chunk(at)
    quantity = chunk.quantity if chunk else None
    return int(quantity.value) if quantity and quantity.whole and 1 <= quantity.value <= MAX_LIMIT else None


def _counts_extreme(sentence: Sentence, number: int) -> bool:
    """Return whether a superlative ends right before the number: "the cheapest ten"."""
    return any(key[1] == number for back in (1, 2) if (key := _extreme(sentence, number - back)))


def _counts_records(sentence: Sentence, after: int, *, sure: bool) -> bool:
    """Return whether the number before `after` counts records. `sure`: a word such as "first" says so already."""
    following = sentence.skip_stopwords(after)
    if sentence.role(following, "results") or _extreme(sentence, following) or _leads_to_key(sentence, following):
        return True
    if _ranking_key(sentence, after):
        return sure
    if sentence.chunk(following) is None:
        return sure
    return _noun_follows(sentence, after, sure=sure)


def _noun_follows(sentence: Sentence, after: int, *, sure: bool) -> bool:
    """Return whether the noun of the records follows, with nothing but words that describe them before it."""
    for at in range(after, min(after + NEAR, len(sentence.chunks))):
        if sentence.is_noun(at) or _is_plural_value(sentence, at):
            return True
        is_measured = at > after and _is_measured(sentence, at - 1)
        if not (is_measured or _describes(sentence, at) or (sure and sentence.chunks[at].is_stopword)):
            return False
    return False


def _counts_unknown_noun(sentence: Sentence, number: int) -> bool:
    """Return whether the number begins a text about records that the catalog calls otherwise, and an order follows.

    "10 films with the most votes": a unit that no field has would be a plural, too.
    """
    begins = all(chunk.is_stopword for chunk in sentence.chunks[:number])
    noun = sentence.chunk(number + 1)
    if not begins or not noun or not _is_plural(sentence, number + 1):
        return False
    is_name = all(isinstance(c.target, FieldTarget) and c.target.field.type in STRINGS for c in noun.candidates)
    return is_name and not noun.roles and any(_extreme(sentence, at) for at in _soon_after(sentence, number + 1))


def _is_plural_value(sentence: Sentence, at: int) -> bool:
    """Return whether the chunk is a known value in the plural, which may be counted: "3 dramas"."""
    return _is_plural(sentence, at) and any(True for _ in sentence.values(at))


def _is_plural(sentence: Sentence, at: int) -> bool:
    return sentence.chunk(at) is not None and sentence.texts[at].lower().endswith(sentence.language.plural_endings)


def _describes(sentence: Sentence, at: int) -> bool:
    """Return whether the chunk is a known value, a boolean field, an amount with its unit, or an adjective."""
    quantity = sentence.chunks[at].quantity
    has_unit = quantity is not None and bool(quantity.units)
    if has_unit or _is_measured(sentence, at) or any(field.type == "boolean" for field, _ in sentence.fields(at)):
        return True
    return any(True for _ in sentence.values(at)) or any(True for _ in sentence.adjectives(at, "base"))


def _is_measured(sentence: Sentence, at: int) -> bool:
    """Return whether a number is there with the name of its field behind it: "2 bedroom flats"."""
    quantity = sentence.chunks[at].quantity
    return quantity is not None and quantity.whole and any(True for _ in sentence.fields(at + 1))


# sort keys


def _ranked_by(sentence: Sentence, start: int, context: Context) -> Clause | None:
    key = _ranking_key(sentence, start) if context.top else None
    if not key or not context.top:
        return None
    at, field = key
    # In "by price under 80", the key is compared as well.
    order, end = _direction(sentence, at + 1, field) or (context.top, at + 1)
    end = at if _has_own_value(sentence, at, field) else end
    return _clause(sentence, start, end, Sort(field.name, order))


def _ranking_key(sentence: Sentence, start: int) -> tuple[int, Field] | None:
    """Read "by horsepower" as the place of the key and its field."""
    word, at = sentence.role(start, "ranking"), sentence.skip_stopwords(start + 1)
    field = _ordered_field(sentence, at) if word else None
    return (at, field) if field and (word == "by" or not sentence.has_own_value(at)) else None


def _has_own_value(sentence: Sentence, at: int, field: Field) -> bool:
    """Return whether a value of the field follows its name: not in "by rating from the 90s"."""
    following = sentence.skip_stopwords(at + 1)
    if sentence.role(following, "comparator"):
        following = sentence.skip_stopwords(following + 1)
    return sentence.coerce_at(following, field) is not None


def _leads_to_key(sentence: Sentence, at: int) -> bool:
    """Return whether the chunk is a superlative without a field, which is named later: "longest trips by distance"."""
    if not _end_word(sentence, at) or _extreme(sentence, at):
        return False
    return any(_ranking_key(sentence, place) for place in _soon_after(sentence, at))


def _soon_after(sentence: Sentence, at: int) -> range:
    return range(at + 1, min(at + 1 + NEAR, len(sentence.chunks)))


def _end_word(sentence: Sentence, at: int) -> Direction | None:
    """Return the end that a word such as "longest" or "best" puts first."""
    extreme = cast(Direction | None, sentence.role(at, "extreme"))
    return extreme or _ENDS.get(sentence.role(at, "limit") or "")


def _sort_verb(sentence: Sentence, start: int, _: Context) -> Clause | None:
    """Read "rank the red ones by price": the key comes later."""
    placement = sentence.language.placement
    descends = _is_one_of(sentence, start, placement.descending)
    if not descends and not _is_one_of(sentence, start, placement.ascending):
        return None
    if not any(_ranking_key(sentence, at) for at in _soon_after(sentence, start)):
        return None
    return Clause(start + 1, top="desc" if descends else "asc")


def _extreme_by(sentence: Sentence, start: int, _: Context) -> Clause | None:
    """Read a superlative whose key comes later, or after a count: "longest trips by distance", "lowest 3 prices"."""
    direction = _end_word(sentence, start)
    if not direction:
        return None
    count = _count(sentence, start + 1)
    end = start + 1 + (count is not None)
    if _leads_to_key(sentence, start):
        return Clause(end, limit=count, top=direction, superlative=count is None)
    key = sentence.skip_stopwords(end)
    # "5 star" is a value.
    field = _ordered_field(sentence, key) if count and _is_plural(sentence, key) else None
    if not field or sentence.has_own_value(key):
        return None
    return replace(_clause(sentence, start, key + 1, Sort(field.name, direction)), limit=count)


def _sorted_by(sentence: Sentence, start: int, _: Context) -> Clause | None:
    default = cast(Direction | None, sentence.role(start, "sort")) or (
        "asc" if _stands_alone(sentence, start) else None
    )
    if not default:
        return None
    keys = list(_keys(sentence, sentence.skip_stopwords(start + 1), default))
    return _clause(sentence, start, keys[-1][1], *(sort for sort, _ in keys)) if keys else None


def _stands_alone(sentence: Sentence, at: int) -> bool:
    """Return whether "by price" is an order by itself.

    It is if only the records or nothing come before it, and only keys after it.
    """
    if sentence.role(at, "ranking") != "by" or not (
        at == 0 or _describes(sentence, at - 1) or sentence.is_noun(at - 1)
    ):
        return False
    key = sentence.skip_stopwords(at + 1)
    if _ordered_field(sentence, key) is None or sentence.has_own_value(key):
        return False
    following = sentence.chunk(key + 1)
    return following is None or not following.roles.keys().isdisjoint(("junction", "direction"))


def _keys(sentence: Sentence, at: int, default: Direction) -> Iterator[tuple[Sort, int]]:
    """Yield the keys that begin at `at`, each with the place after it."""
    while key := _key(sentence, at, default):
        yield key
        at = end = key[1]
        while sentence.role(at, "junction") in ("and", ","):
            at += 1
        if at == end:
            return
        at = sentence.skip_stopwords(at)
        at = sentence.skip_stopwords(at + (sentence.role(at, "sort") is not None))


def _key(sentence: Sentence, at: int, default: Direction) -> tuple[Sort, int] | None:
    """Read one key and its direction; return them as a sort, with the place after them."""
    if extreme := _extreme(sentence, at):
        sort, end = extreme
        order, end = _placed(sentence, end, sort.direction)
        return Sort(sort.field, order), _end_of_scale(sentence, end, sentence.catalog.by_name[sort.field], order)
    before = cast(Direction | None, sentence.role(at, "extreme") or sentence.role(at, "direction"))
    at = sentence.skip_stopwords(at + 1) if before else at
    for adjective, _ in sentence.adjectives(at, "base", "comparative"):
        order, end = _placed(sentence, at + 1, adjective.order)
        return Sort(adjective.field.name, order), end
    for field, _ in sentence.fields(at):
        order, end = _direction(sentence, at + 1, field) or (before or default, at + 1)
        return Sort(field.name, order), end
    return None


def _direction(sentence: Sentence, at: int, field: Field) -> tuple[Direction, int] | None:
    """Read the direction of a key behind it, with the place after: "descending", ", highest first"."""
    at = sentence.skip_stopwords(at + (sentence.role(at, "junction") == ","), 2)
    if direction := sentence.role(at, "direction"):
        return cast(Direction, direction), at + 1
    end = _end_of(sentence, at, field)
    if not end:
        return None
    order, after = _placed(sentence, end[1], end[0])
    last = _end_of_scale(sentence, after, field, order)
    return (order, last) if last > end[1] else None


def _end_of(sentence: Sentence, at: int, field: Field) -> tuple[Direction, int] | None:
    """Read a word for one end of the field, with the place after: "newest", "highest"."""
    if (extreme := _extreme(sentence, at)) and extreme[0].field == field.name:
        return extreme[0].direction, extreme[1]
    for adjective, _ in sentence.adjectives(at, "base", "comparative"):
        if adjective.field is field:
            return adjective.order, at + 1
    direction = cast(Direction | None, sentence.role(at, "extreme") or sentence.role(at, "end"))
    return (direction, at + 1) if direction else None


def _end_of_scale(sentence: Sentence, at: int, field: Field, order: Direction) -> int:
    """Return the place after the other end, if that follows: "newest to oldest"."""
    other = _end_of(sentence, at + 1, field) if sentence.role(at, "range") == "to" else None
    return other[1] if other and other[0] != order else at


def _placed(sentence: Sentence, at: int, order: Direction) -> tuple[Direction, int]:
    """Return the order with one end first, or last, as the word at the place says, and the place after that word."""
    if sentence.role(at, "first"):
        return order, at + 1
    if _is_one_of(sentence, at, sentence.language.placement.last):
        return _opposite(order), at + 1
    return order, at


def _directed(sentence: Sentence, start: int, _: Context) -> Clause | None:
    """Read "mpg descending", "rating, highest first"."""
    field = _ordered_field(sentence, start)
    direction = _direction(sentence, start + 1, field) if field else None
    return _clause(sentence, start, direction[1], Sort(field.name, direction[0])) if field and direction else None


def _direction_first(sentence: Sentence, start: int, _: Context) -> Clause | None:
    """Read "descending by mpg"."""
    direction = cast(Direction | None, sentence.role(start, "direction"))
    key = sentence.skip_stopwords(start + 1)
    key = sentence.skip_stopwords(key + (sentence.role(key, "sort") is not None))
    field = _ordered_field(sentence, key)
    if not field and sentence.role(key - 1, "ranking"):
        field = next((field for field, _ in sentence.fields(key)), None)
    if not field or not direction or sentence.has_own_value(key):
        return None
    return _clause(sentence, start, key + 1, Sort(field.name, direction))


def _superlative(sentence: Sentence, start: int, _: Context) -> Clause | None:
    extreme = _extreme(sentence, start)
    if not extreme:
        return None
    sort, end = extreme
    order, after = _placed(sentence, end, sort.direction)
    after = _end_of_scale(sentence, after, sentence.catalog.by_name[sort.field], order)
    return _clause(sentence, start, after, Sort(sort.field, order), superlative=after == end)


def _extreme(sentence: Sentence, at: int) -> tuple[Sort, int] | None:
    """Read a superlative as a sort, with the place after it."""
    direction = cast(Direction | None, sentence.role(at, "extreme"))
    key = sentence.skip_stopwords(at + 1)
    field = _ordered_field(sentence, key) if direction else None
    if field and direction:
        return Sort(field.name, direction), key + 1
    for adjective, _ in sentence.adjectives(at, "superlative"):
        return Sort(adjective.field.name, adjective.order), at + 1
    for adjective, _ in sentence.adjectives(key, "base") if direction else ():
        # The "least economical" are at the other end.
        end = adjective.order if direction == "desc" else _opposite(adjective.order)
        return Sort(adjective.field.name, end), key + 1
    return None


def _high(sentence: Sentence, start: int, _: Context) -> Clause | None:
    direction = cast(Direction | None, sentence.role(start, "end"))
    for field, _candidate in sentence.fields(start + 1) if direction else ():
        if direction and field.type in NUMERIC and not sentence.has_own_value(start + 1):
            return _clause(sentence, start, start + 2, Sort(field.name, direction))
    return None


# adjectives


def _adjective(sentence: Sentence, start: int, context: Context) -> Clause | None:
    degree = sentence.role(start, "degree")
    key, less = start + (degree is not None), degree == "less"
    degrees = ("base",) if degree else ("base", "comparative")
    if not degree and any(candidate.source == "exact" for _, candidate in sentence.values(key)):
        # "A new phone" is one whose condition is new.
        return None
    for target, _candidate in sentence.adjectives(key, *degrees):
        if target.degree == "comparative" or not _describes_another(sentence, key):
            return _by_adjective(sentence, start, key, target, context, less=less)
    return None


def _describes_another(sentence: Sentence, key: int) -> bool:
    """Return whether an adjective describes the word after it instead of the records: "long hikes"."""
    following = sentence.chunk(key + 1)
    return following is not None and following.is_unknown and not _is_placed(sentence, key + 1)


def _is_placed(sentence: Sentence, at: int) -> bool:
    return _placed(sentence, at, "asc")[1] > at


def _by_adjective(
    sentence: Sentence, start: int, key: int, target: AdjectiveTarget, context: Context, *, less: bool
) -> Clause:
    """Read "cheap", "lighter" and "not cheap" as an order."""
    negated = context.negation is not None
    order, end = _placed(sentence, key + 1, _opposite(target.order) if less != negated else target.order)
    return _clause(sentence, start, end, Sort(target.field.name, order), absorbs_connective=negated)


LIMIT = Rule(
    "limit",
    {"limit", VALUE},
    _limit,
    {
        "top 10": "limit 10",
        "first 5 results": "limit 5",
        "the ten cheapest": "sort price asc limit 10",
        "the cheapest ten": "sort price asc limit 10",
        "10 red cars": "color = red limit 10",
        "two $500 cars": "price = 500 limit 2",
    },
)
LATEST = Rule(
    "the latest so many",
    {WORD, STOPWORD},
    _latest,
    {"last 5 cars": "sort released desc limit 5", "the last 3 red cars": "color = red sort released desc limit 3"},
)
RANKED_BY = Rule(
    "ranked by",
    {"ranking"},
    _ranked_by,
    {
        "top 10 cars by horsepower": "sort power desc limit 10",
        "bottom 10 by horsepower": "sort power asc limit 10",
        "top 10 by horsepower from the 90s": "1990-01-01 <= released <= 1999-12-31 sort power desc limit 10",
        "top 10 by horsepower under 200": "power < 200 sort power desc limit 10",
    },
)
EXTREME_BY = Rule(
    "superlative before its key",
    {"extreme", "limit"},
    _extreme_by,
    {
        "largest cars by seats": "sort seats desc",
        "highest 5 cars by power": "sort power desc limit 5",
        "lowest 3 prices": "sort price asc limit 3",
        "the ten best cars by power": "sort power desc limit 10",
    },
)
SORT_VERB = Rule(
    "verb before its key",
    {WORD, STOPWORD, "sort"},
    _sort_verb,
    {"rank red cars by power": "color = red sort power desc", "order red cars by price": "color = red sort price asc"},
)
SORTED_BY = Rule(
    "sorted by",
    {"sort", "ranking"},
    _sorted_by,
    {
        "sorted by weight descending, then by price": "sort weight desc, price asc",
        "cars by price": "sort price asc",
        "sorted by price, most expensive first": "sort price desc",
        "sorted by weight from highest to lowest": "sort weight desc",
    },
)
DIRECTED = Rule(
    "field and direction",
    {MATCH},
    _directed,
    {"weight descending": "sort weight desc", "weight, highest first": "sort weight desc"},
)
DIRECTION_FIRST = Rule(
    "direction and field", {"direction"}, _direction_first, {"descending by weight": "sort weight desc"}
)
SUPERLATIVE = Rule(
    "superlative",
    {"extreme", MATCH},
    _superlative,
    {
        "the cheapest cars": "sort price asc",
        "the lightest car": "sort weight asc limit 1",
        "highest horsepower": "sort power desc",
        "least expensive first": "sort price asc",
        "most expensive last": "sort price asc",
        "newest to oldest": "sort released desc",
    },
)
HIGH = Rule("high or low", {"end"}, _high, {"high horsepower": "sort power desc"})
ADJECTIVE = Rule(
    "adjective",
    {"degree", MATCH},
    _adjective,
    {
        "cheap cars": "sort price asc",
        "not cheap": "sort price desc",
        "lighter first": "sort weight asc",
    },
)
