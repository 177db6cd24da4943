"""Sorting: the records that come first, and how many are wanted."""

from collections.abc import Iterator
from typing import cast

from nlp2filters.core.catalog import NUMERIC, TEMPORAL, Field
from nlp2filters.core.interpretation import Direction, Sort
from nlp2filters.core.linking import AdjectiveTarget, Candidate
from nlp2filters.core.parser import values
from nlp2filters.core.parser.clauses.clause import MATCH, VALUE, Atom, Clause, Context, Rule
from nlp2filters.core.parser.row import Row

MAX_LIMIT = 1000
# At most this many items separate a number from the records that it counts.
NEAR = 5

_ORDERED = NUMERIC | TEMPORAL


def _clause(
    sentence: Row, start: int, end: int, *sorts: Sort, superlative: bool = False, absorbs_mark: bool = False
) -> Clause:
    """Return a clause that sorts, unless a field has no order: lists and points have none."""
    for field in (sentence.catalog.by_name[sort.field] for sort in sorts):
        if field.many or field.type == "geo":
            reasons = dict.fromkeys(range(start, end), f"{field.title} has no order")
            return Clause(end, reasons=reasons, superlative=superlative, absorbs_mark=absorbs_mark)
    return Clause(end, sorts=sorts, superlative=superlative, absorbs_mark=absorbs_mark)


def _opposite(direction: Direction) -> Direction:
    return "asc" if direction == "desc" else "desc"


def _ordered_field(sentence: Row, at: int) -> Field | None:
    """Return the first field that the item may name of those that hold numbers, dates or times."""
    return next((field for field, _ in sentence.fields(at) if field.type in _ORDERED), None)


# the number of records


def _limit(sentence: Row, start: int, _: Context) -> Clause | None:
    word = sentence.says(start, "limit")
    number = start + 1 if word else start
    count = _count(sentence, number)
    if count is None:
        return None
    sure = word is not None or _counts_extreme(sentence, number)
    if word == "top" or _counts_records(sentence, number + 1, sure=sure):
        return Clause(number + 1, limit=count, top=word == "top")
    return None


def _count(sentence: Row, at: int) -> int | None:
    chunk = sentence.item(at)
    quantity = chunk.quantity if chunk else None
    return int(quantity.value) if quantity and quantity.whole and 1 <= quantity.value <= MAX_LIMIT else None


def _counts_extreme(sentence: Row, number: int) -> bool:
    """Return whether a superlative ends right before the number: "the cheapest ten"."""
    return any(key[1] == number for back in (1, 2) if (key := _extreme(sentence, number - back)))


def _counts_records(sentence: Row, after: int, *, sure: bool) -> bool:
    """Return whether the number before `after` counts records. `sure`: a word such as "first" says so already."""
    following = sentence.skip(after)
    if sentence.says(after, "results") or _extreme(sentence, following):
        return True
    if sentence.item(following) is None:
        return sure
    return _noun_follows(sentence, after, following, sure=sure)


def _noun_follows(sentence: Row, after: int, following: int, *, sure: bool) -> bool:
    """Return whether the noun of the records follows, with nothing but words that describe them before it."""
    for at in range(after, min(after + NEAR, len(sentence.items))):
        if sentence.is_noun(at) or (at == following and _is_plural_value(sentence, at)):
            return True
        if not (_describes(sentence, at) or (sure and sentence.items[at].skippable)):
            return False
    return False


def _is_plural_value(sentence: Row, at: int) -> bool:
    """Return whether the item is a known value in the plural, which may be counted: "3 dramas"."""
    plural = sentence.texts[at].lower().endswith(sentence.language.plural_endings)
    return plural and any(True for _ in sentence.values(at))


def _describes(sentence: Row, at: int) -> bool:
    """Return whether the item is a known value or an adjective."""
    return any(True for _ in sentence.values(at)) or any(True for _ in sentence.adjectives(at, "base"))


# sort keys


def _ranked_by(sentence: Row, start: int, context: Context) -> Clause | None:
    if not context.top or not sentence.says(start, "ranking"):
        return None
    key = sentence.skip(start + 1)
    for field, _ in sentence.fields(key):
        if field.type in _ORDERED and not sentence.has_own_value(key):
            return _clause(sentence, start, key + 1, Sort(field.name, "desc"))
    return None


def _sorted_by(sentence: Row, start: int, _: Context) -> Clause | None:
    default = cast(Direction | None, sentence.says(start, "sort")) or (
        "asc" if _stands_alone(sentence, start) else None
    )
    if not default:
        return None
    keys = list(_keys(sentence, sentence.skip(start + 1), default))
    return _clause(sentence, start, keys[-1][1], *(sort for sort, _ in keys)) if keys else None


def _stands_alone(sentence: Row, at: int) -> bool:
    """Return whether "by price" is an order by itself.

    It is if only the records or nothing come before it, and only keys after it.
    """
    if sentence.says(at, "ranking") != "by" or not (at == 0 or sentence.is_noun(at - 1)):
        return False
    key = sentence.skip(at + 1)
    if _ordered_field(sentence, key) is None or sentence.has_own_value(key):
        return False
    return sentence.item(key + 1) is None or sentence.says(key + 1, "junction") is not None


def _keys(sentence: Row, at: int, default: Direction) -> Iterator[tuple[Sort, int]]:
    """Yield the keys that begin at `at`, each with the place after it."""
    while key := _key(sentence, at, default):
        yield key
        at = end = key[1]
        while sentence.says(at, "junction") in ("and", ","):
            at += 1
        if at == end:
            return
        at = sentence.skip(at)
        at = sentence.skip(at + (sentence.says(at, "sort") is not None))


def _key(sentence: Row, at: int, default: Direction) -> tuple[Sort, int] | None:
    """Read one key and its direction; return them as a sort, with the place after them."""
    extreme = cast(Direction | None, sentence.says(at, "extreme"))
    at = sentence.skip(at + 1) if extreme else at
    for adjective, _ in sentence.adjectives(at, "base", "comparative", "superlative"):
        return Sort(adjective.field.name, adjective.order), at + 1 + (sentence.says(at + 1, "first") is not None)
    for field, _ in sentence.fields(at):
        for place in (at + 1, sentence.skip(at + 1, 1)):
            if direction := sentence.says(place, "direction"):
                return Sort(field.name, cast(Direction, direction)), place + 1
        return Sort(field.name, extreme or default), at + 1
    return None


def _directed(sentence: Row, start: int, _: Context) -> Clause | None:
    direction = cast(Direction | None, sentence.says(start + 1, "direction"))
    field = _ordered_field(sentence, start) if direction else None
    return _clause(sentence, start, start + 2, Sort(field.name, direction)) if field and direction else None


def _superlative(sentence: Row, start: int, _: Context) -> Clause | None:
    extreme = _extreme(sentence, start)
    if not extreme:
        return None
    sort, end = extreme
    first = sentence.says(end, "first") is not None
    return _clause(sentence, start, end + first, sort, superlative=not first)


def _extreme(sentence: Row, at: int) -> tuple[Sort, int] | None:
    """Read a superlative as a sort, with the place after it."""
    direction = cast(Direction | None, sentence.says(at, "extreme"))
    key = sentence.skip(at + 1)
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


def _high(sentence: Row, start: int, _: Context) -> Clause | None:
    direction = cast(Direction | None, sentence.says(start, "end"))
    for field, _candidate in sentence.fields(start + 1) if direction else ():
        if direction and field.type in NUMERIC and not sentence.has_own_value(start + 1):
            return _clause(sentence, start, start + 2, Sort(field.name, direction))
    return None


# adjectives


def _adjective(sentence: Row, start: int, context: Context) -> Clause | None:
    degree = sentence.says(start, "degree")
    key, less = start + (degree is not None), degree == "less"
    degrees = ("base",) if degree else ("base", "comparative")
    for target, candidate in sentence.adjectives(key, *degrees):
        compared = target.degree == "comparative" or degree in ("more", "less")
        if compared and sentence.says(key + 1, "than") and sentence.is_value(sentence.skip(key + 2)):
            if clause := _compared(sentence, start, key, target, candidate, less=less):
                return clause
        elif target.degree == "comparative" or not _describes_another(sentence, key):
            return _by_adjective(sentence, start, key, target, context, less=less)
    return None


def _describes_another(sentence: Row, key: int) -> bool:
    """Return whether an adjective describes the word after it instead of the records: "long hikes"."""
    following = sentence.item(key + 1)
    return following is not None and following.is_word


def _compared(
    sentence: Row, start: int, key: int, target: AdjectiveTarget, candidate: Candidate, *, less: bool
) -> Clause | None:
    """Read "heavier than 3000 lbs" as a test."""
    at = sentence.skip(key + 2)
    value = sentence.range(at, target.field)
    if value is None:
        return None
    test = values.test(">" if target.high != less else "<", target.field, value)
    return Clause(at + 1, (Atom(test, start, at + 1, candidate.confidence, candidate.source),), target.field)


def _by_adjective(
    sentence: Row, start: int, key: int, target: AdjectiveTarget, context: Context, *, less: bool
) -> Clause:
    """Read "cheap", "lighter" and "not cheap" as an order."""
    negated = context.negation is not None
    order = _opposite(target.order) if less != negated else target.order
    end = key + 1 + (sentence.says(key + 1, "first") is not None)
    return _clause(sentence, start, end, Sort(target.field.name, order), absorbs_mark=negated)


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
        "heavier than 3 kg": "weight > 3000",
        "less heavy than 3 kg": "weight < 3000",
        "cheap cars": "sort price asc",
        "not cheap": "sort price desc",
        "lighter first": "sort weight asc",
    },
)
