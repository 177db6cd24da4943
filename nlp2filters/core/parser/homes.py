"""Homes: the field of a value, if none was named before it."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

from nlp2filters.core.catalog import NUMERIC, Field
from nlp2filters.core.interpretation import Source
from nlp2filters.core.linking import MAX_FIELDS, Lexicon
from nlp2filters.core.parser import sides, values
from nlp2filters.core.parser.row import Row
from nlp2filters.core.parser.scan import Item
from nlp2filters.core.parser.tagger import LEXICONS, likelihood

# The tagger must be at least this sure.
LEAST_SURE = 0.5
_NUMBERS = tuple(sorted(NUMERIC))


@dataclass(frozen=True, slots=True)
class Home:
    """The field that a value belongs to, the place after its words, and how it was found.

    `others` are fields that may be meant as well, with the confidence `rivals`, or that of the field itself.
    """

    field: Field
    end: int
    confidence: float
    source: Source
    others: tuple[Field, ...] = ()
    rivals: float | None = None

    @property
    def others_confidence(self) -> float:
        """The confidence that one of the others is meant."""
        return self.confidence if self.rivals is None else self.rivals


def find(row: Row, at: int, items: Sequence[Item], *, last: Field | None, joined: bool, compared: bool) -> Home | None:
    """Find the home of the values `items`, the last of which is at `at`.

    `last` is the field of the previous test; `joined`: only a word such as "and" comes between. `compared`: there was
    a comparison, so that any number is a value.
    """
    if named := named_after(row, at, items):
        return named
    repeated = _as_before(row, at, items, last) if joined else None
    if repeated and not any(item.period or (item.quantity and item.quantity.units) for item in items):
        return repeated
    ruled = (
        _by_clock(row, at, items)
        or _by_unit(row, at, items, last)
        or _by_year(row, at, items, last)
        or repeated
        or (_by_range(row, at, items) if compared else None)
    )
    return _by_tagger(row, at, items, ruled) or ruled


def _by_tagger(row: Row, at: int, items: Sequence[Item], ruled: Home | None) -> Home | None:
    """Return the field that the tagger finds for the values; the rules' fields are the others that may be meant.

    If both agree, the higher confidence counts.
    """
    field, share = row.meant(items)
    if not field or share < LEAST_SURE:
        return None
    if ruled and ruled.field is field and ruled.confidence >= likelihood(share):
        return ruled
    others = tuple(other for other in (ruled.field, *ruled.others) if other is not field) if ruled else ()
    return Home(field, at + 1, likelihood(share), "embedding", others, rivals=1 - share)


def named_after(row: Row, at: int, items: Sequence[Item]) -> Home | None:
    """Return a field named right after the value: "200 horsepower", "$80 in price", "8 or more votes"."""
    place = row.skip(at + 2, 1) if row.says(at + 1, "bound") else row.skip(at + 1, 2)
    places = [place]
    if place == at + 1 and (row.is_noun(place) or (row.items[place : place + 1] and row.items[place].is_word)):
        # A noun or an unknown word may come between: "3 hotel rooms".
        places.append(place + 1)
    for place in places:
        for field, candidate in row.fields(place):
            if row.fit(items, field) and not (row.has_own_value(place) and _by_year(row, at, items, None)):
                return Home(field, place + 1, candidate.confidence, candidate.source)
    return None


def _by_clock(row: Row, at: int, items: Sequence[Item]) -> Home | None:
    """Return the field that holds times of day, if the values are times of day."""
    if not all(item.clock for item in items):
        return None
    found = row.lexicon.typed("time")
    if not found:
        return None
    chosen = _spoken_of(row, at, found)
    first = chosen or found[0]
    others = tuple(field for field in found if field is not first)
    return Home(first, at + 1, 0.9 if chosen or not others else 0.6, "type", others)


def _by_unit(row: Row, at: int, items: Sequence[Item], last: Field | None) -> Home | None:
    """Return the fields with such a unit or currency, those first whose data reach that far."""
    if not any(item.quantity and item.quantity.units for item in items):
        return None
    if row.texts[at].lower().rpartition(" ")[2] in row.language.dates.old and (aged := _by_age(row, at, items)):
        return aged
    units = next(item.quantity.units for item in items if item.quantity and item.quantity.units)
    found = [field for field in row.lexicon.measured_in(units) if row.fit(items, field)]
    if not found:
        return _by_age(row, at, items)
    if len(found) == 1:
        return Home(found[0], at + 1, 0.95, "unit")
    if rated := [field for field in found if _is_per(field, items, row)]:
        return Home(rated[0], at + 1, 0.9, "unit")
    if last and last.type in NUMERIC and row.fit(items, last):
        return Home(last, at + 1, 0.8, "unit")
    first, *others = sorted(found, key=lambda field: not _seen(row, items, field))
    return Home(first, at + 1, max(0.4, 1 / len(found)), "unit", tuple(others))


def _is_per(field: Field, items: Sequence[Item], row: Row) -> bool:
    """Return whether the field's words name the period of a rate: "hours a week" is weekly hours."""
    periods = [item.quantity.per for item in items if item.quantity and item.quantity.per]
    said = {word for period in periods for word in row.language.dates.periods[period]}
    names = " ".join((field.name, field.title, *field.synonyms)).lower().replace("_", " ").split()
    return any(name.startswith(word) for name in names for word in said)


def _by_age(row: Row, at: int, items: Sequence[Item]) -> Home | None:
    """Read "less than 2 years old" as a test of the only date, if there is one."""
    found = [field for field in row.lexicon.typed("date", "datetime") if row.fit(items, field)]
    return Home(found[0], at + 1, 0.8, "unit") if len(found) == 1 else None


def _by_year(row: Row, at: int, items: Sequence[Item], last: Field | None) -> Home | None:
    """Return the first date, or the field that holds years, for dates and years."""
    if not all(item.period or values.looks_like_year(item) for item in items):
        return None
    fields, years = row.lexicon.typed("date", "datetime"), _years(row.lexicon)
    if not fields or (years and all(item.period and item.period.is_decade for item in items)):
        fields = years
    found = [field for field in fields if row.fit(items, field)]
    if not found:
        return None
    if chosen := _spoken_of(row, at, found):
        return Home(chosen, at + 1, 0.85, "type", tuple(field for field in found if field is not chosen))
    if last in found:
        return Home(last, at + 1, 0.9, "type")
    return Home(found[0], at + 1, 0.9 if len(found) == 1 else 0.6, "type", tuple(found[1:]))


def _spoken_of(row: Row, at: int, fields: Sequence[Field]) -> Field | None:
    """Return the field that the words around a value refer to.

    Of very many fields, it is the only one of their types that is named there.
    """
    if len(fields) < MAX_FIELDS:
        return sides.choose(row, at, fields)
    types = {field.type for field in fields}
    places = range(at - sides.BEFORE, at + sides.AFTER + 1)
    named = {field for place in places for field, _ in row.fields(place) if field.type in types}
    return named.pop() if len(named) == 1 else None


@lru_cache(maxsize=LEXICONS)
def _years(lexicon: Lexicon) -> Sequence[Field]:
    """Return the fields that hold calendar years, only the first of them in a large catalog."""
    years = (field for field in lexicon.catalog.fields if values.is_year(field, lexicon.language))
    return tuple(islice(years, MAX_FIELDS))


def _as_before(row: Row, at: int, items: Sequence[Item], last: Field | None) -> Home | None:
    """Read "over 100 hp and under 200" as two tests of the same field."""
    if not last or last.type not in NUMERIC or not row.fit(items, last):
        return None
    return Home(last, at + 1, 0.85, "type")


def _by_range(row: Row, at: int, items: Sequence[Item]) -> Home | None:
    """Return the only numeric field, or the only one whose data reach that far."""
    numbers = row.lexicon.typed(*_NUMBERS)
    # One of the fields that were not looked at may be meant as well.
    if len(numbers) == MAX_FIELDS:
        return None
    found = [field for field in numbers if row.fit(items, field)]
    seen = [field for field in found if _seen(row, items, field)]
    if len(found) == 1:
        return Home(found[0], at + 1, 0.85, "type")
    return Home(seen[0], at + 1, 0.6, "type") if len(seen) == 1 else None


def _seen(row: Row, items: Sequence[Item], field: Field) -> bool:
    """Return whether the data of the field reach the values."""
    low, high = field.minimum, field.maximum
    if not isinstance(low, int | float) or not isinstance(high, int | float):
        return False
    held = [row.held(item, field) for item in items]
    return all(value and isinstance(value.low, int | float) and low <= value.low <= high for value in held)
