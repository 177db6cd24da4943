"""Sorting: the records that come first, and how many are wanted."""

from collections.abc import Iterator
from typing import cast

from nlp2filters.core.catalog import NUMERIC, TEMPORAL, Field
from nlp2filters.core.interpretation import Direction, Sort
from nlp2filters.core.linking import AdjectiveTarget
from nlp2filters.core.parser.clauses.clause import MATCH, VALUE, Clause, Context, Rule
from nlp2filters.core.parser.sentence import Sentence

MAX_LIMIT = 1000
# At most this many chunks separate a number from the records that it counts.
NEAR = 5

_ORDERED = NUMERIC | TEMPORAL


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
    if word == "top" or _counts_records(sentence, number + 1, sure=sure):
        return Clause(number + 1, limit=count, top=word == "top")
    return None


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
    if sentence.role(after, "results") or _extreme(sentence, following):
        return True
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


def _is_plural_value(sentence: Sentence, at: int) -> bool:
    """Return whether the chunk is a known value in the plural, which may be counted: "3 dramas"."""
    plural = sentence.texts[at].lower().endswith(sentence.language.plural_endings)
    return plural and any(True for _ in sentence.values(at))


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
    if not context.top or not sentence.role(start, "ranking"):
        return None
    key = sentence.skip_stopwords(start + 1)
    for field, _ in sentence.fields(key):
        if field.type in _ORDERED and not sentence.has_own_value(key):
            return _clause(sentence, start, key + 1, Sort(field.name, "desc"))
    return None


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
    if sentence.role(at, "ranking") != "by" or not (at == 0 or sentence.is_noun(at - 1)):
        return False
    key = sentence.skip_stopwords(at + 1)
    if _ordered_field(sentence, key) is None or sentence.has_own_value(key):
        return False
    return sentence.chunk(key + 1) is None or sentence.role(key + 1, "junction") is not None


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
    extreme = cast(Direction | None, sentence.role(at, "extreme"))
    at = sentence.skip_stopwords(at + 1) if extreme else at
    for adjective, _ in sentence.adjectives(at, "base", "comparative", "superlative"):
        return Sort(adjective.field.name, adjective.order), at + 1 + (sentence.role(at + 1, "first") is not None)
    for field, _ in sentence.fields(at):
        for place in (at + 1, sentence.skip_stopwords(at + 1, 1)):
            if direction := sentence.role(place, "direction"):
                return Sort(field.name, cast(Direction, direction)), place + 1
        return Sort(field.name, extreme or default), at + 1
    return None


def _directed(sentence: Sentence, start: int, _: Context) -> Clause | None:
    direction = cast(Direction | None, sentence.role(start + 1, "direction"))
    field = _ordered_field(sentence, start) if direction else None
    return _clause(sentence, start, start + 2, Sort(field.name, direction)) if field and direction else None


def _superlative(sentence: Sentence, start: int, _: Context) -> Clause | None:
    extreme = _extreme(sentence, start)
    if not extreme:
        return None
    sort, end = extreme
    first = sentence.role(end, "first") is not None
    return _clause(sentence, start, end + first, sort, superlative=not first)


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
    for target, _candidate in sentence.adjectives(key, *degrees):
        if target.degree == "comparative" or not _describes_another(sentence, key):
            return _by_adjective(sentence, start, key, target, context, less=less)
    return None


def _describes_another(sentence: Sentence, key: int) -> bool:
    """Return whether an adjective describes the word after it instead of the records: "long hikes"."""
    following = sentence.chunk(key + 1)
    return following is not None and following.is_unknown


def _by_adjective(
    sentence: Sentence, start: int, key: int, target: AdjectiveTarget, context: Context, *, less: bool
) -> Clause:
    """Read "cheap", "lighter" and "not cheap" as an order."""
    negated = context.negation is not None
    order = _opposite(target.order) if less != negated else target.order
    end = key + 1 + (sentence.role(key + 1, "first") is not None)
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
RANKED_BY = Rule("ranked by", {"ranking"}, _ranked_by, {"top 10 cars by horsepower": "sort power desc limit 10"})
SORTED_BY = Rule(
    "sorted by",
    {"sort", "ranking"},
    _sorted_by,
    {
        "sorted by weight descending, then by price": "sort weight desc, price asc",
        "cars by price": "sort price asc",
    },
)
DIRECTED = Rule("field and direction", {MATCH}, _directed, {"weight descending": "sort weight desc"})
SUPERLATIVE = Rule(
    "superlative",
    {"extreme", MATCH},
    _superlative,
    {
        "the cheapest cars": "sort price asc",
        "the lightest car": "sort weight asc limit 1",
        "highest horsepower": "sort power desc",
        "least expensive first": "sort price asc",
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
