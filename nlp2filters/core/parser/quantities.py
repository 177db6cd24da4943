"""Quantities: numbers in digits and words, with scale, currency or unit."""

import re
from dataclasses import dataclass, replace

from nlp2filters.core import units
from nlp2filters.core.catalog import NUMERIC, Field
from nlp2filters.core.filters import Unit
from nlp2filters.core.languages import ANY_CURRENCY, Language, is_currency
from nlp2filters.core.parser import numbers
from nlp2filters.core.parser.cursor import TokenCursor, read_once
from nlp2filters.core.parser.numbers import Number

PERCENT = "percent"
# A number that may be anything is taken for a year between these.
FIRST_LIKELY_YEAR, LAST_LIKELY_YEAR = 1800, 2199
# The codes that begin with a digit: "4xx" is 400 to 499.
CLASS_OF_CODES = re.compile(r"[1-9]xx")


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number, and the units that it may be in (several if a word has several meanings: "pounds").

    `length` counts tokens, `number_length` those before the unit. `scaled`: a word or letter such as "million"
    multiplied it. `per` is the period of a rate ("40 hours a week"). `open`: a "+" makes it a minimum. `grouped` is the
    value if a point separates thousands: "1.299 €". `high` is the last of a class of codes: "4xx" is 400 to 499.
    """

    value: int | float
    units: tuple[str, ...]
    length: int
    number_length: int
    scaled: bool = False
    per: Unit | None = None
    open: bool = False
    grouped: int | None = None
    high: int | None = None

    @property
    def whole(self) -> bool:
        """True for a bare whole number, such as a count or a year."""
        return isinstance(self.value, int) and not self.units and self.high is None


@read_once
def read(cursor: TokenCursor) -> Quantity | None:
    """Read the quantity that begins at the cursor."""
    if _is_inside_name(cursor):
        return None
    if codes := _class_of_codes(cursor):
        return codes
    before: tuple[str, ...] = ()
    offset = 0
    if unit := cursor.unit():
        names, offset = unit
        before = tuple(name for name in names if is_currency(name))
        if not before:
            return None
    number = numbers.read(cursor.moved(offset))
    if not number:
        return None if before else _share(cursor)
    offset += number.length
    if not before and (cents := _hundredths(cursor.moved(offset), number)):
        return replace(cents, length=offset + cents.length, number_length=offset)
    return _with_unit(cursor, number, before, offset)


def _with_unit(cursor: TokenCursor, number: Number, before: tuple[str, ...], offset: int) -> Quantity:
    """Add to the number that ends at the offset what follows it: a unit, a part of that, the period of a rate."""
    value, number_length = number.value, offset
    plus = cursor.norm(offset) == "+" and cursor.unit(offset + 1) is not None
    after: tuple[str, ...] = ()
    if (unit := cursor.unit(offset + plus)) and _is_unit(cursor.moved(offset + plus), unit[1]):
        after, length = unit
        if before and not set(before) & set(after):
            after, plus = (), False
        else:
            offset += plus + length
            if part := cursor.phrase(cursor.language.numbers.and_part, offset):
                value, offset = value + part[0], offset + part[1]
            elif smaller := _smaller(cursor.moved(offset), after):
                value, offset = units.whole(round(value + smaller.value, 6)), offset + smaller.length
    else:
        plus = False
    per, length = _rate(cursor.moved(offset)) if before or after or isinstance(value, int) else (None, 0)
    names = before or after or ((ANY_CURRENCY,) if number.is_money else ())
    return Quantity(value, names, offset + length, number_length, number.scaled, per, plus, number.grouped)


def _share(cursor: TokenCursor) -> Quantity | None:
    """Read "half" as 50 percent, where a value is needed: "over half"."""
    share = cursor.phrase(cursor.language.numbers.quantifiers)
    if not share or share[0] >= 1 or not numbers.takes_value(cursor):
        return None
    return Quantity(units.whole(share[0] * 100), (PERCENT,), share[1], share[1])


def _is_inside_name(cursor: TokenCursor) -> bool:
    """Return whether the cursor is within a name such as "V8s", where letters come right before the digits.

    In "2br1ba" and "under500", they are a word by themselves.
    """
    before = cursor.token(-1) if cursor.at else None
    if not before or before.kind != "word" or not cursor.adjoin(2, -1):
        return False
    is_behind_number = cursor.at > 1 and cursor.tokens[cursor.at - 2].kind == "number" and cursor.adjoin(2, -2)
    is_word = len(before.norm) > 1 and (before.norm,) in cursor.language.phrase_roles
    return not (is_behind_number or is_word)


def _class_of_codes(cursor: TokenCursor) -> Quantity | None:
    """Read "4xx" as the codes from 400 to 499."""
    if not cursor.adjoin(2) or not CLASS_OF_CODES.fullmatch(cursor.norm() + cursor.norm(1)):
        return None
    first = int(cursor.norm()) * 100
    return Quantity(first, (), 2, 2, high=first + 99)


def _hundredths(cursor: TokenCursor, number: Number) -> Quantity | None:
    """Read "cents" behind a number, as the part of every currency that has such."""
    matches = list(cursor.language.numbers.hundredths.matches(cursor.tokens, cursor.at))
    if not matches or (len(cursor.norm()) == 1 and cursor.norm().isalpha() and not cursor.adjoin(2, -1)):
        return None
    length = matches[0][1]
    currencies = tuple(currency for currency, length_ in matches if length_ == length)
    return Quantity(units.whole(round(number.value / 100, 6)), currencies, length, 0)


def _smaller(cursor: TokenCursor, larger: tuple[str, ...]) -> Number | None:
    """Read "30 minutes" after "1 hour", "30" after "1h", "50 cents" after "5 dollars", as a part of the larger unit."""
    skip = cursor.phrase_length(cursor.language.numbers.joining)
    number = numbers.below_hundred(cursor.moved(skip))
    if not number:
        return None
    after = skip + number.length
    if cents := _hundredths(cursor.moved(after), number):
        return Number(cents.value, after + cents.length) if set(cents.units) & set(larger) else None
    if unit := cursor.unit(after):
        names, length = unit
        length += after
    elif not skip and cursor.adjoin(2, -1):
        names, length = (cursor.language.numbers.below.get(larger[0], ""),), 1
    else:
        return None
    for name in names:
        if not name or is_currency(name) or is_currency(larger[0]):
            continue
        part = units.convert(number.value, name, larger[0])
        if part is not None and part < 1 and name != larger[0]:
            return Number(part, length)
    return None


def _rate(cursor: TokenCursor) -> tuple[Unit | None, int]:
    """Read the period of a rate, such as "a week" or "per month", and its length in tokens."""
    if not (length := cursor.phrase_length(cursor.language.numbers.per)):
        return None, 0
    unit = cursor.language.unit_of_time(cursor.norm(length))
    # "Posted 3 a week ago" is no rate.
    is_ago = cursor.norm(length + 1) in cursor.language.dates.ago
    return (unit, length + 1) if unit and not is_ago else (None, 0)


def fit(quantity: Quantity, field: Field, language: Language) -> int | float | None:
    """Convert the quantity to the field's own unit; None if the field cannot hold it.

    A bare number fits any numeric field, a unit only a field of the same dimension, a currency only itself, and a class
    of codes only whole numbers.
    """
    if field.type not in NUMERIC or (quantity.high is not None and (field.type != "integer" or field.unit)):
        return None
    if not quantity.units:
        return _amount(quantity, field)
    for unit in quantity.units:
        if field.type == "money":
            if unit in (field.currency, ANY_CURRENCY):
                return _amount(quantity, field)
        elif not is_currency(unit) and field.unit:
            value = units.convert(quantity.value, unit, language.canonical(field.unit))
            if value is not None:
                return value
    return None


def _amount(quantity: Quantity, field: Field) -> int | float:
    """Return the value of the two readings of "1.250" that is within the data; without such, money has thousands."""
    value, grouped = quantity.value, quantity.grouped
    if grouped is None:
        return value
    low, high = field.minimum, field.maximum
    if isinstance(low, int | float) and isinstance(high, int | float) and value < low <= grouped <= high:
        return grouped
    is_too_much = isinstance(high, int | float) and value <= high < grouped
    return grouped if field.type == "money" and not is_too_much else value


def _is_unit(cursor: TokenCursor, length: int) -> bool:
    """Return whether the word is a unit: "5 in" is not inches if more follows, "20 g of protein" is grams."""
    norm = cursor.norm()
    if cursor.adjoin(2, -1) or cursor.token(length) is None:
        return True
    if not norm.isalpha():
        # The "$" of "two $500 laptops" belongs to the digits that it touches.
        following = cursor.token(length)
        return not (following and following.kind == "number" and cursor.adjoin(length + 1))
    if len(norm) > 1 and norm not in cursor.language.numbers.ambiguous_units:
        return True
    return len(norm) == 1 and cursor.language.match(cursor.tokens, cursor.at + length) is not None
