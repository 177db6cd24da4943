"""Quantities: numbers in digits and words, with scale, currency or unit."""

from collections.abc import Sequence
from dataclasses import dataclass

from nlp2filters.core import units
from nlp2filters.core.catalog import NUMERIC, Field
from nlp2filters.core.filters import Unit
from nlp2filters.core.languages import Language, is_currency
from nlp2filters.core.parser.cursor import TokenCursor
from nlp2filters.core.words import Token

# A double cannot distinguish numbers of more digits.
MAX_DIGITS = 15
# A number in words has at most this many parts.
MAX_PARTS = 8
TOO_LARGE = 10 ** (MAX_DIGITS + 6)


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number, and the units that it may be in (several if a word has several meanings: "pounds").

    `length` counts tokens, `number_length` those before the unit. `scaled`: a word or letter such as "million"
    multiplied it. `per` is the period of a rate ("40 hours a week"). `open`: a "+" makes it a minimum.
    """

    value: int | float
    units: tuple[str, ...]
    length: int
    number_length: int
    scaled: bool = False
    per: Unit | None = None
    open: bool = False

    @property
    def whole(self) -> bool:
        """True for a bare whole number, such as a count or a year."""
        return isinstance(self.value, int) and not self.units


@dataclass(frozen=True, slots=True)
class _Number:
    """A number, its length in tokens, and whether a scale multiplied it."""

    value: int | float
    length: int
    scaled: bool = False


def read(tokens: Sequence[Token], at: int, language: Language) -> Quantity | None:
    """Read the quantity that begins at the token `at`."""
    cursor = TokenCursor(tokens, at, language)
    before: tuple[str, ...] = ()
    offset = 0
    if unit := cursor.unit():
        offset, names = unit
        before = tuple(name for name in names if is_currency(name))
        if not before:
            return None
    number = _number(cursor.moved(offset))
    if not number:
        return None
    value, offset = number.value, offset + number.length
    number_length = offset
    plus = cursor.norm(offset) == "+" and cursor.unit(offset + 1) is not None
    after: tuple[str, ...] = ()
    if (unit := cursor.unit(offset + plus)) and _is_unit(cursor.moved(offset + plus), unit[0]):
        length, after = unit
        if before and not set(before) & set(after):
            after, plus = (), False
        else:
            offset += plus + length
            if length := cursor.phrase_length(language.numbers.and_half, offset):
                value, offset = value + 0.5, offset + length
            elif part := _smaller(cursor.moved(offset), after):
                value, offset = units.whole(round(value + part.value, 6)), offset + part.length
    else:
        plus = False
    per, length = _rate(cursor.moved(offset)) if before or after else (None, 0)
    return Quantity(value, before or after, offset + length, number_length, number.scaled, per, plus)


def _smaller(cursor: TokenCursor, larger: tuple[str, ...]) -> _Number | None:
    """Read "30 minutes" after "1 hour", "30" after "1h", as a part of the larger unit."""
    skip = cursor.phrase_length(cursor.language.numbers.joining)
    token = cursor.token(skip)
    if not token or token.kind != "number" or not token.norm.isdecimal() or len(token.norm) > 2:
        return None
    if unit := cursor.unit(skip + 1):
        length, names = unit
        length += skip + 1
    elif not skip and cursor.adjoin(2, -1):
        names, length = (cursor.language.numbers.below.get(larger[0], ""),), 1
    else:
        return None
    for name in names:
        if not name or is_currency(name) or is_currency(larger[0]):
            continue
        part = units.convert(int(token.norm), name, larger[0])
        if part is not None and part < 1 and name != larger[0]:
            return _Number(part, length)
    return None


def _rate(cursor: TokenCursor) -> tuple[Unit | None, int]:
    """Read the period of a rate, such as "a week" or "per month", and its length in tokens."""
    if not (length := cursor.phrase_length(cursor.language.numbers.per)):
        return None, 0
    unit = cursor.language.unit_of_time(cursor.norm(length))
    return (unit, length + 1) if unit else (None, 0)


def fit(quantity: Quantity, field: Field, language: Language) -> int | float | None:
    """Convert the quantity to the field's own unit; None if the field cannot hold it.

    A bare number fits any numeric field, a unit only a field of the same dimension, a currency only itself.
    """
    if field.type not in NUMERIC:
        return None
    if not quantity.units:
        return quantity.value
    for unit in quantity.units:
        if field.type == "money":
            if unit == field.currency:
                return quantity.value
        elif not is_currency(unit) and field.unit:
            value = units.convert(quantity.value, unit, language.canonical(field.unit))
            if value is not None:
                return value
    return None


def _number(cursor: TokenCursor) -> _Number | None:
    """Read a number in digits or words, with its sign, a half and scales."""
    numbers = cursor.language.numbers
    negative = _is_sign(cursor)
    number = _digits(cursor.moved(negative)) or _words(cursor)
    if not number:
        return None
    sign, value, offset = -1 if negative else 1, number.value, negative + number.length
    if number.scaled:
        return _Number(sign * value, offset, scaled=True)
    if length := cursor.phrase_length(numbers.and_half, offset):
        value, offset = value + 0.5, offset + length
    scaled = False
    while abs(value) < TOO_LARGE and (scale := numbers.scales.get(cursor.norm(offset))):
        value, offset, scaled = _times(value, scale), offset + 1, True
    if len(str(value)) > MAX_DIGITS + 6:
        return None
    return _Number(sign * value, offset, scaled)


def _digits(cursor: TokenCursor) -> _Number | None:
    """Read a number in digits, with a letter such as "k" right after them."""
    token = cursor.token()
    if not token or token.kind != "number" or len(token.text) > MAX_DIGITS:
        return None
    digits = token.norm.replace(",", "")
    value = float(digits) if "." in digits else int(digits)
    scale = cursor.language.numbers.suffixes.get(cursor.norm(1)) if cursor.adjoin(2) else None
    return _Number(_times(value, scale), 2, scaled=True) if scale else _Number(value, 1)


def _words(cursor: TokenCursor, parts: int = MAX_PARTS) -> _Number | None:
    """Read a number in words: "twenty five", "two hundred and fifty", "half a", "a", or a year ("nineteen seventy")."""
    numbers = cursor.language.numbers
    if not parts or cursor.is_at_end:
        return None
    for share, length in numbers.fractions.matches(cursor.tokens, cursor.at):
        if _is_counted(cursor, length):
            return _Number(share, length)
    if cursor.norm() in numbers.one:
        return _Number(1, 1) if _is_counted(cursor, 1) else None
    value = cursor.language.number(cursor.norm())
    if value is None:
        return None
    length = 1
    if value >= 20 and value % 10 == 0:
        skip = cursor.phrase_length(numbers.tens_joining, 1)
        ones = cursor.number_word(1 + skip) or 0
        if 0 < ones < 10:
            value, length = value + ones, 2 + skip
    if value >= 100 and (rest := _words(cursor.moved(length), parts - 1)):
        return (
            _Number(int(value + rest.value), length + rest.length)
            if 1 <= rest.value < value
            else _Number(value, length)
        )
    if 17 <= value <= 20 and (cursor.number_word(1) or 0) >= 10:
        rest = _words(cursor.moved(1), parts - 1)
        return (
            _Number(int(value * 100 + rest.value), 1 + rest.length) if rest and rest.value < 100 else _Number(value, 1)
        )
    if numbers.scales.get(cursor.norm(length)) == 100:
        value, length = value * 100, length + 1
        skip = cursor.phrase_length(numbers.joining, length)
        if rest := _words(cursor.moved(length + skip), parts - 1):
            value, length = int(value + rest.value), length + skip + rest.length
    return _Number(value, length)


def _is_counted(cursor: TokenCursor, offset: int) -> bool:
    """Return whether a scale or a unit is there, as after "half a" or "a"."""
    return cursor.norm(offset) in cursor.language.numbers.scales or cursor.unit(offset) is not None


def _times(value: int | float, scale: int) -> int | float:
    return units.whole(round(value * scale, 6))


def _is_unit(cursor: TokenCursor, length: int) -> bool:
    """Return whether the word is a unit: "5 in" is not inches if more follows, "20 g of protein" is grams."""
    norm = cursor.norm()
    if cursor.adjoin(2, -1) or cursor.token(length) is None:
        return True
    if not norm.isalpha() or (len(norm) > 1 and norm not in cursor.language.numbers.ambiguous_units):
        return True
    return len(norm) == 1 and cursor.language.match(cursor.tokens, cursor.at + length) is not None


def _is_sign(cursor: TokenCursor) -> bool:
    """Return whether a minus belongs to the digits after it: it touches them and nothing before it."""
    following = cursor.token(1)
    is_minus = cursor.norm() in {"-", "–"} and following is not None and following.kind == "number"
    return is_minus and cursor.adjoin(2) and not (cursor.at and cursor.adjoin(2, -1))
