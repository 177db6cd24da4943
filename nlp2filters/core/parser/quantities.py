"""Quantities: numbers in digits and words, with scale, currency or unit."""

from collections.abc import Sequence
from dataclasses import dataclass

from nlp2filters.core import units
from nlp2filters.core.catalog import NUMERIC, Field
from nlp2filters.core.filters import Unit
from nlp2filters.core.languages import Language, is_currency
from nlp2filters.core.languages.tables import Phrases
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


def read(tokens: Sequence[Token], at: int, language: Language) -> Quantity | None:
    """Read the quantity that begins at the token `at`."""
    start = at
    before: tuple[str, ...] = ()
    if found := language.unit(tokens, at):
        length, names = found
        before = tuple(name for name in names if is_currency(name))
        if not before:
            return None
        at += length
    number = _number(tokens, at, language)
    if not number:
        return None
    value, length, scaled = number
    at += length
    number_end = at
    plus = _norms(tokens, at, 1) == "+" and language.unit(tokens, at + 1) is not None
    after: tuple[str, ...] = ()
    if (found := language.unit(tokens, at + plus)) and _is_unit(tokens, at + plus, found[0], language):
        length, after = found
        if before and not set(before) & set(after):
            after, plus = (), False
        else:
            at += plus + length
            if length := _says(tokens, at, language.numbers.and_half):
                value, at = value + 0.5, at + length
            elif more := _smaller(tokens, at, after, language):
                value, at = units.whole(round(value + more[0], 6)), at + more[1]
    else:
        plus = False
    per, length = _rate(tokens, at, language) if before or after else (None, 0)
    return Quantity(value, before or after, at + length - start, number_end - start, scaled, per, plus)


def _smaller(
    tokens: Sequence[Token], at: int, larger: tuple[str, ...], language: Language
) -> tuple[int | float, int] | None:
    """Read "30 minutes" after "1 hour", "30" after "1h": the part of the larger unit, and its length in tokens."""
    skip = _says(tokens, at, language.numbers.joining)
    if at + skip >= len(tokens) or tokens[at + skip].kind != "number":
        return None
    digits = tokens[at + skip].norm
    if not digits.isdecimal() or len(digits) > 2:
        return None
    names: tuple[str, ...]
    found = language.unit(tokens, at + skip + 1)
    if found is None:
        attached = not skip and tokens[at].start == tokens[at - 1].end
        names, length = (language.numbers.below.get(larger[0], ""),), 1
        if not attached or not names[0]:
            return None
    else:
        names, length = found[1], skip + 1 + found[0]
    for name in names:
        part = None if is_currency(name) or is_currency(larger[0]) else units.convert(int(digits), name, larger[0])
        if part is not None and part < 1 and name != larger[0]:
            return part, length
    return None


def _rate(tokens: Sequence[Token], at: int, language: Language) -> tuple[Unit | None, int]:
    """Read the period of a rate, such as "a week" or "per month", and its length in tokens."""
    if not (length := _says(tokens, at, language.numbers.per)):
        return None, 0
    norm = _norms(tokens, at + length, 1)
    for unit, said in language.dates.periods.items():
        if norm in said:
            return unit, length + 1
    return None, 0


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


def _number(tokens: Sequence[Token], at: int, language: Language) -> tuple[int | float, int, bool] | None:
    """Read a number that begins at `at`: its value, its length in tokens, and whether a scale multiplied it."""
    sign, start = 1, at
    if at + 1 < len(tokens) and tokens[at].norm in "-–" and tokens[at + 1].kind == "number" and _sign(tokens, at):
        sign, at = -1, at + 1
    if at >= len(tokens):
        return None
    value: int | float
    if tokens[at].kind == "number":
        if len(tokens[at].text) > MAX_DIGITS:
            return None
        digits = tokens[at].norm.replace(",", "")
        value = float(digits) if "." in digits else int(digits)
        at += 1
        if _suffixed(tokens, at, language):
            value = _times(value, language.numbers.suffixes[tokens[at].norm])
            return sign * value, at + 1 - start, True
    elif words := _words(tokens, at, language):
        value, length = words
        at += length
    else:
        return None
    if length := _says(tokens, at, language.numbers.and_half):
        value, at = value + 0.5, at + length
    scaled = False
    while at < len(tokens) and abs(value) < TOO_LARGE and (scale := language.numbers.scales.get(tokens[at].norm)):
        value, at, scaled = _times(value, scale), at + 1, True
    if len(str(value)) > MAX_DIGITS + 6:
        return None
    return sign * value, at - start, scaled


def _words(
    tokens: Sequence[Token], at: int, language: Language, parts: int = MAX_PARTS
) -> tuple[int | float, int] | None:
    """Read a number in words: "twenty five", "two hundred and fifty", "half a", "a", or a year ("nineteen seventy")."""
    if not parts:
        return None
    for phrase, share in language.numbers.fractions.items():
        length = len(phrase.split())
        if _norms(tokens, at, length) == phrase and _is_counted(tokens, at + length, language):
            return share, length
    if tokens[at].norm in language.numbers.one:
        return (1, 1) if _is_counted(tokens, at + 1, language) else None
    value = language.numbers.words.get(tokens[at].norm)
    if value is None:
        return None
    length = 1
    if value >= 20 and value % 10 == 0 and at + 1 < len(tokens):
        skip = _says(tokens, at + 1, language.numbers.tens_joining)
        unit = language.numbers.words.get(_norms(tokens, at + 1 + skip, 1), 0)
        if 0 < unit < 10:
            value, length = value + unit, 2 + skip
    if value >= 100 and at + length < len(tokens) and (rest := _words(tokens, at + length, language, parts - 1)):
        return (int(value + rest[0]), length + rest[1]) if 1 <= rest[0] < value else (value, length)
    if 17 <= value <= 20 and at + 1 < len(tokens) and language.numbers.words.get(tokens[at + 1].norm, 0) >= 10:
        rest = _words(tokens, at + 1, language, parts - 1)
        return (int(value * 100 + rest[0]), 1 + rest[1]) if rest and rest[0] < 100 else (value, 1)
    if at + length < len(tokens) and language.numbers.scales.get(tokens[at + length].norm) == 100:
        value, length = value * 100, length + 1
        skip = _says(tokens, at + length, language.numbers.joining)
        if at + length + skip < len(tokens) and (rest := _words(tokens, at + length + skip, language, parts - 1)):
            value, length = int(value + rest[0]), length + skip + rest[1]
    return value, length


def _is_counted(tokens: Sequence[Token], at: int, language: Language) -> bool:
    """Return whether a scale or a unit is here, as after "half a" or "a"."""
    return at < len(tokens) and (tokens[at].norm in language.numbers.scales or language.unit(tokens, at) is not None)


def _says(tokens: Sequence[Token], at: int, phrases: Phrases) -> int:
    for phrase in phrases:
        length = len(phrase.split())
        if _norms(tokens, at, length) == phrase:
            return length
    return 0


def _norms(tokens: Sequence[Token], at: int, length: int) -> str:
    return " ".join(token.norm for token in tokens[at : at + length])


def _times(value: int | float, scale: int) -> int | float:
    return units.whole(round(value * scale, 6))


def _suffixed(tokens: Sequence[Token], at: int, language: Language) -> bool:
    """Return whether a letter such as k comes right after the digits."""
    return at < len(tokens) and tokens[at].start == tokens[at - 1].end and tokens[at].norm in language.numbers.suffixes


def _is_unit(tokens: Sequence[Token], at: int, length: int, language: Language) -> bool:
    """Return whether the word is a unit: "5 in" is not inches if more follows, "20 g of protein" is grams."""
    token = tokens[at]
    attached = token.start == tokens[at - 1].end
    clear = not token.norm.isalpha() or (len(token.norm) > 1 and token.norm != "in")
    letter = len(token.norm) == 1 and language.match(tokens, at + length) is not None
    return attached or clear or letter or at + length == len(tokens)


def _sign(tokens: Sequence[Token], at: int) -> bool:
    """Return whether a minus belongs to the digits after it: it touches them and nothing before it."""
    touches = tokens[at].end == tokens[at + 1].start
    return touches and (at == 0 or tokens[at - 1].end < tokens[at].start)
