"""Orders: the records that come first, and how many are wanted."""

from dataclasses import dataclass
from typing import cast

from nlp2filters.core.catalog import NUMERIC, TEMPORAL
from nlp2filters.core.interpretation import Direction, Sort
from nlp2filters.core.parser.row import Row

MAX_LIMIT = 1000
# At most this many items separate a number from the records that it counts.
NEAR = 5


@dataclass(frozen=True, slots=True)
class Order:
    """Sort keys, and the place after the words for them. `extreme`: a superlative that may mean one record."""

    sorts: tuple[Sort, ...]
    end: int
    extreme: bool = False


@dataclass(frozen=True, slots=True)
class Limit:
    """The number of records that are wanted. `top`: "top 10", which a key may follow ("by horsepower")."""

    count: int
    end: int
    top: bool


def order(row: Row, at: int, *, top: bool) -> Order | None:
    """Read the order at `at`. `top`: "top 10" came before."""
    return (
        (_ranked_by(row, at) if top else None)
        or _sorted_by(row, at)
        or _directed(row, at)
        or _superlative(row, at)
        or _high(row, at)
    )


def limit(row: Row, at: int) -> Limit | None:
    """Read "top 10", "first 5 results", "the ten cheapest", "the cheapest ten", "10 japanese cars"."""
    word = row.says(at, "limit")
    number = at + 1 if word else at
    item = row.item(number)
    quantity = item.quantity if item else None
    if not quantity or not quantity.whole or not 1 <= quantity.value <= MAX_LIMIT:
        return None
    named = word is not None or any(found[1] == number for back in (1, 2) if (found := _extreme(row, number - back)))
    if word == "top" or _counts_records(row, number + 1, named=named):
        return Limit(int(quantity.value), number + 1, word == "top")
    return None


def opposite(direction: Direction) -> Direction:
    """Return the opposite direction."""
    return "asc" if direction == "desc" else "desc"


def _sorted_by(row: Row, at: int) -> Order | None:
    """Read "sorted by weight descending, then by year"."""
    default = cast(Direction | None, row.says(at, "sort")) or ("asc" if _stands_alone(row, at) else None)
    if not default:
        return None
    sorts: list[Sort] = []
    place, end = row.skip(at + 1), at
    while found := _key(row, place, default):
        sort, end = found
        sorts.append(sort)
        place = end
        while row.says(place, "junction") in ("and", ","):
            place += 1
        if place == end:
            break
        place = row.skip(place)
        place = row.skip(place + (row.says(place, "sort") is not None))
    return Order(tuple(sorts), end) if sorts else None


def _stands_alone(row: Row, at: int) -> bool:
    """Return whether "by price" is an order by itself.

    It is if only the records or nothing come before it, and only keys after it.
    """
    if row.says(at, "ranking") != "by" or not (at == 0 or row.is_noun(at - 1)):
        return False
    key = row.skip(at + 1)
    orderly = any(field.type in NUMERIC | TEMPORAL for field, _ in row.fields(key)) and not row.has_own_value(key)
    return orderly and (row.item(key + 1) is None or row.says(key + 1, "junction") is not None)


def _directed(row: Row, at: int) -> Order | None:
    """Read "mpg descending"."""
    direction = cast(Direction | None, row.says(at + 1, "direction"))
    for field, _ in row.fields(at) if direction else ():
        if direction and field.type in NUMERIC | TEMPORAL:
            return Order((Sort(field.name, direction),), at + 2)
    return None


def _key(row: Row, at: int, default: Direction) -> tuple[Sort, int] | None:
    """Read one key and its direction; return them as a sort, with the place after them."""
    extreme = cast(Direction | None, row.says(at, "extreme"))
    at = row.skip(at + 1) if extreme else at
    for adjective, _ in row.adjectives(at, "base", "comparative", "superlative"):
        return Sort(adjective.field.name, adjective.order), at + 1 + (row.says(at + 1, "first") is not None)
    for field, _ in row.fields(at):
        for place in (at + 1, row.skip(at + 1, 1)):
            if direction := row.says(place, "direction"):
                return Sort(field.name, cast(Direction, direction)), place + 1
        return Sort(field.name, extreme or default), at + 1
    return None


def _ranked_by(row: Row, at: int) -> Order | None:
    """Read "top 10 cars by horsepower"."""
    key = row.skip(at + 1)
    for field, _ in row.fields(key) if row.says(at, "ranking") else ():
        if field.type in NUMERIC | TEMPORAL and not row.has_own_value(key):
            return Order((Sort(field.name, "desc"),), key + 1)
    return None


def _superlative(row: Row, at: int) -> Order | None:
    """Read "cheapest", "most economical", "highest rating", "lightest first"."""
    found = _extreme(row, at)
    if not found:
        return None
    sort, end = found
    first = row.says(end, "first") is not None
    return Order((sort,), end + first, extreme=not first)


def _extreme(row: Row, at: int) -> tuple[Sort, int] | None:
    direction = cast(Direction | None, row.says(at, "extreme"))
    key = row.skip(at + 1)
    for field, _ in row.fields(key) if direction else ():
        if direction and field.type in NUMERIC | TEMPORAL:
            return Sort(field.name, direction), key + 1
    for adjective, _ in row.adjectives(at, "superlative"):
        return Sort(adjective.field.name, adjective.order), at + 1
    if not direction:
        return None
    for adjective, _ in row.adjectives(key, "base"):
        # The "least economical" are at the other end.
        end = adjective.order if direction == "desc" else opposite(adjective.order)
        return Sort(adjective.field.name, end), key + 1
    return None


def _high(row: Row, at: int) -> Order | None:
    """Read "high mileage"."""
    direction = cast(Direction | None, row.says(at, "end"))
    for field, _ in row.fields(at + 1) if direction else ():
        if direction and field.type in NUMERIC and not row.has_own_value(at + 1):
            return Order((Sort(field.name, direction),), at + 2)
    return None


def _counts_records(row: Row, after: int, *, named: bool) -> bool:
    """Return whether the number before `after` counts records. `named`: a word such as "first" says so already."""
    following = row.skip(after)
    if row.says(after, "results") or _extreme(row, following):
        return True
    if row.item(following) is None:
        return named
    for at in range(after, min(after + NEAR, len(row.items))):
        if row.is_noun(at):
            return True
        known = any(True for _ in row.values(at))
        # A known value in the plural may be counted: "3 dramas".
        if at == following and known and row.texts[at].lower().endswith(row.language.plural_endings):
            return True
        if not (known or any(True for _ in row.adjectives(at, "base")) or (named and row.items[at].skippable)):
            return False
    return False
