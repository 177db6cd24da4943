"""Numbers in digits and words: "1,200", "2 1/2", "a hundred and fifty", "three point five", "half a million"."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from nlp2filters.core import units
from nlp2filters.core.languages import is_currency
from nlp2filters.core.parser.cursor import TokenCursor

# A double cannot distinguish numbers of more digits.
MAX_DIGITS = 15
# A number in words has at most this many parts.
MAX_PARTS = 8
TOO_LARGE = 10 ** (MAX_DIGITS + 6)
HUNDRED, THOUSAND = 100, 1000
# Decimals in words are at most this many digits.
MAX_DECIMALS = 6
# The numbers below the line of a fraction, as rulers and recipes have them.
DENOMINATORS = frozenset({2, 3, 4, 8, 16, 32, 64})
# The best marks of usual scales: "4 out of 5".
BEST_MARKS = frozenset({5, 6, 10, 20, 100})

_GROUP = re.compile(r"\d{3}(?:[.,]\d{1,2})?")
_AMBIGUOUS_POINT = re.compile(r"\d{1,3}\.\d{3}")


@dataclass(frozen=True, slots=True)
class Number:
    """A number and its length in tokens.

    `scaled`: a word or letter such as "million" multiplied it. `is_money`: one that only counts money, such as "grand".
    `grouped` is the other reading of a point that may separate thousands: "1.299" in a language with decimal points.
    """

    value: int | float
    length: int
    scaled: bool = False
    is_money: bool = False
    grouped: int | None = None


def read(cursor: TokenCursor) -> Number | None:
    """Read the number that begins at the cursor, with its sign."""
    negative = _is_sign(cursor)
    number = _unsigned(cursor.moved(negative), MAX_PARTS)
    if not number or len(str(number.value)) > MAX_DIGITS + 6:
        return None
    if not negative:
        return _with_best_mark(cursor, number)
    return replace(number, value=-number.value, length=number.length + 1, grouped=None)


def below_hundred(cursor: TokenCursor) -> Number | None:
    """Read a whole number of two digits, in digits or words."""
    token = cursor.token()
    if token and token.kind == "number":
        return Number(int(token.norm), 1) if token.norm.isdecimal() and len(token.norm) <= 2 else None
    number = _words(cursor, MAX_PARTS)
    return number if number and isinstance(number.value, int) and number.value < 100 else None


def takes_value(cursor: TokenCursor) -> bool:
    """Return whether a word before the cursor needs a value, such as "over" or "between", or a currency is there."""
    unit = cursor.unit(-1) if cursor.at else None
    return (unit is not None and is_currency(unit[0][0])) or cursor.follows("comparator", "range")


def _unsigned(cursor: TokenCursor, parts: int) -> Number | None:
    """Read a number with all its parts: "two million five hundred thousand", "a hundred and twenty thousand"."""
    first = _digits(cursor) or _spoken(cursor, parts) or _bare_scale(cursor)
    if not first:
        return None
    number, smallest = _with_part(cursor, first, 1), None
    while abs(number.value) < TOO_LARGE:
        if scale := _scale(cursor, number.length):
            smallest, number = scale, _scaled(cursor, number, scale)
        elif smallest and (rest := _rest(cursor.moved(number.length), smallest, parts - 1)):
            # "Two thousand fourteen" may be a year, "two thousand five hundred" is an amount.
            scaled = rest.value >= HUNDRED
            value, length = number.value + rest.value, number.length + rest.length
            number, smallest = replace(number, value=value, length=length, scaled=scaled), None
        else:
            break
    return number if first.length or takes_value(cursor) or _is_money(cursor, number.length) else None


def _scale(cursor: TokenCursor, offset: int) -> int | None:
    return cursor.language.numbers.scales.get(cursor.norm(offset))


def _scaled(cursor: TokenCursor, number: Number, scale: int) -> Number:
    """Multiply a number by the scale behind it, and by a part of the scale: "a million and a half"."""
    is_money = number.is_money or cursor.norm(number.length) in cursor.language.numbers.money
    scaled = Number(_times(number.value, scale), number.length + 1, scaled=True, is_money=is_money)
    return _with_part(cursor, scaled, scale)


def _with_part(cursor: TokenCursor, number: Number, scale: int) -> Number:
    """Add "and a half" of the scale."""
    part = cursor.phrase(cursor.language.numbers.and_part, number.length)
    if not part:
        return number
    value = units.whole(round(number.value + part[0] * scale, 6))
    return replace(number, value=value, length=number.length + part[1], grouped=None)


def _rest(cursor: TokenCursor, below: int, parts: int) -> Number | None:
    """Read what follows a scale as a part of the same number: the "five hundred" of "two thousand five hundred"."""
    if parts <= 0 or below < HUNDRED:
        return None
    has_comma = below >= THOUSAND and cursor.norm() == ","
    skip = 1 if has_comma else cursor.phrase_length(cursor.language.numbers.joining)
    after = cursor.moved(skip)
    token = after.token()
    if token is None or (token.kind == "number" and skip):
        return None
    if token.kind == "number":
        rest = _digits(after) if len(token.text) == len(str(THOUSAND)) - 1 and below >= THOUSAND else None
    elif below >= THOUSAND and after.number_word() is not None:
        rest = _unsigned(after, parts)
    else:
        rest = _words(after, parts)
    if not rest or not isinstance(rest.value, int) or not 1 <= rest.value < below:
        return None
    # "Three thousand, four hundred" is one number, but not "three thousand, four bedrooms".
    return replace(rest, length=skip + rest.length) if rest.value >= HUNDRED or not has_comma else None


def _bare_scale(cursor: TokenCursor) -> Number | None:
    """Read nothing before a scale as one: "hundred dollars"."""
    scale, word = _scale(cursor, 0), cursor.norm()
    is_scale = scale is not None and scale >= HUNDRED
    return Number(1, 0) if is_scale and word not in cursor.language.numbers.money else None


# digits


def _digits(cursor: TokenCursor) -> Number | None:
    """Read a number in digits, with a letter such as "k" right after them."""
    token = cursor.token()
    if not token or token.kind != "number" or len(token.text) > MAX_DIGITS:
        return None
    for read_more in (_fraction, _mixed, _with_blanks, _with_other_comma, _with_spoken_point):
        if number := read_more(cursor):
            return _with_suffix(cursor, number)
    return _with_suffix(cursor, _plain(cursor))


def _plain(cursor: TokenCursor) -> Number:
    digits = cursor.norm()
    grouped = int(digits.replace(".", "")) if _AMBIGUOUS_POINT.fullmatch(cursor.tokens[cursor.at].text) else None
    return Number(_value(digits), 1, grouped=grouped)


def _value(digits: str) -> int | float:
    return units.whole(float(digits)) if "." in digits else int(digits)


def _with_suffix(cursor: TokenCursor, number: Number) -> Number:
    """Multiply by a letter such as "k"; one for a million may also be a unit, unless it touches the digits."""
    scale = cursor.language.numbers.suffixes.get(cursor.norm(number.length))
    if scale and scale != THOUSAND and not cursor.adjoin(2, number.length - 1):
        scale = None
    return Number(_times(number.value, scale), number.length + 1, scaled=True) if scale else number


def _fraction(cursor: TokenCursor) -> Number | None:
    """Read "3/4" before a unit, a scale or another limit, or behind a comparator."""
    share = _share(cursor, 0)
    if share is None:
        return None
    is_limit = "range" in cursor.roles(3) and _share(cursor, 4) is not None
    return Number(share, 3) if is_limit or _is_counted(cursor, 3) or cursor.follows("comparator", "range") else None


def _mixed(cursor: TokenCursor) -> Number | None:
    """Read "2 1/2", "2-1/2", "2 and 1/2", "2 ½"."""
    if not cursor.norm().isdecimal():
        return None
    has_hyphen = cursor.norm(1) == "-" and cursor.adjoin(3)
    offset = 1 + (has_hyphen or cursor.phrase_length(cursor.language.numbers.joining, 1))
    if (share := _share(cursor, offset)) is not None:
        return Number(int(cursor.norm()) + share, offset + 3)
    sign = cursor.token(offset)
    if sign and sign.kind == "number" and sign.text.isnumeric() and not sign.text.isdecimal():
        return Number(int(cursor.norm()) + float(sign.norm), offset + 1)
    return None


def _share(cursor: TokenCursor, offset: int) -> float | None:
    """Return the value of a fraction below one in three tokens: "1/2"."""
    above, below = cursor.digits(offset, 1, 63, longest=2), cursor.digits(offset + 2, 2, 64, longest=2)
    if above is None or below not in DENOMINATORS or above >= below:
        return None
    return above / below if cursor.norm(offset + 1) == "/" and cursor.adjoin(3, offset) else None


def _with_blanks(cursor: TokenCursor) -> Number | None:
    """Read a number with blanks between thousands: "1 000 000"; "12 500" where only one number can be."""
    first, length = cursor.norm(), 1
    if not first.isdecimal() or len(first) > 3 or first.startswith("0"):
        return None
    while _is_group(cursor, length):
        length += 1
    digits = "".join(cursor.norm(offset) for offset in range(length))
    if length > 1 and _is_decimal_comma(cursor.moved(length - 1)):
        digits, length = f"{digits}.{cursor.norm(length + 1)}", length + 2
    has_zeros = any(cursor.norm(offset) == "000" for offset in range(1, length))
    is_measured = cursor.unit(length) is not None and (length > 2 or bool(cursor.roles(-1)))
    is_limit = "range" in cursor.roles(length) and _is_group(cursor, length + 2)
    is_one = "." in digits or has_zeros or is_measured or is_limit or takes_value(cursor)
    return Number(_value(digits), length) if length > 1 and is_one and len(digits) <= MAX_DIGITS else None


def _is_group(cursor: TokenCursor, offset: int) -> bool:
    """Return whether three digits are there, one blank behind the last three."""
    before, token = cursor.token(offset - 1), cursor.token(offset)
    if not before or not token or token.start != before.end + 1 or not before.norm.isdecimal():
        return False
    return token.kind == "number" and _GROUP.fullmatch(token.text) is not None


def _with_other_comma(cursor: TokenCursor) -> Number | None:
    """Read a decimal comma in a language with decimal points, where a list of two numbers is less likely."""
    if not _is_decimal_comma(cursor):
        return None
    has_zero = cursor.norm() == "0" or cursor.norm(2).startswith("0")
    one_number = has_zero or takes_value(cursor) or _is_counted(cursor, 3) or _has_suffix(cursor, 3)
    if not one_number and not ("range" in cursor.roles(3) and _is_decimal_comma(cursor.moved(4))):
        return None
    return Number(_value(f"{cursor.norm()}.{cursor.norm(2)}"), 3)


def _is_decimal_comma(cursor: TokenCursor) -> bool:
    """Return whether digits, a comma, and one or two digits adjoin, and no more."""
    token = cursor.token(2)
    if cursor.norm(1) != "," or not cursor.adjoin(3) or not token or token.kind != "number":
        return False
    if not (token.text.isdecimal() and cursor.norm().isdecimal() and len(token.text) <= 2):
        return False
    is_list = (cursor.norm(3) == "," and cursor.adjoin(5)) or (cursor.norm(-1) == "," and cursor.adjoin(2, -1))
    return not is_list


def _has_suffix(cursor: TokenCursor, offset: int) -> bool:
    return cursor.adjoin(2, offset - 1) and cursor.norm(offset) in cursor.language.numbers.suffixes


def _with_spoken_point(cursor: TokenCursor) -> Number | None:
    """Read "3 point 5"."""
    return _with_decimals(cursor, Number(int(cursor.norm()), 1)) if cursor.norm().isdecimal() else None


def _with_best_mark(cursor: TokenCursor, number: Number) -> Number:
    """Read the best mark of a scale behind a mark: "4 out of 5", "4/5". It changes nothing."""
    length = cursor.phrase_length(cursor.language.numbers.out_of, number.length)
    if not length or number.scaled:
        return number
    best = below_hundred(cursor.moved(number.length + length))
    if not best or best.value not in BEST_MARKS or not 0 <= number.value <= best.value:
        return number
    end = number.length + length + best.length
    # "4/5/2024" is a date.
    return replace(number, length=end) if cursor.norm(end) != "/" else number


# words


def _spoken(cursor: TokenCursor, parts: int) -> Number | None:
    """Read a number in words: "twenty five", "three point five", "half a", "a couple of", "a"."""
    numbers = cursor.language.numbers
    for value, length in numbers.quantifiers.matches(cursor.tokens, cursor.at):
        # "A couple of" counts whatever comes next, "half a" only an amount.
        if _is_counted(cursor, length) or (value > 1 and cursor.norm(length - 1) in numbers.of):
            return Number(units.whole(value), length)
    if cursor.norm() in numbers.one:
        return Number(1, 1) if _is_counted(cursor, 1) else None
    number = _words(cursor, parts)
    if cursor.phrase_length(numbers.point):
        return _with_decimals(cursor, Number(0, 0))
    return (_with_decimals(cursor, number) or number) if number else None


def _with_decimals(cursor: TokenCursor, whole: Number) -> Number | None:
    """Read "point" and the digits behind it, each a word or a numeral: "five point three three"."""
    point = cursor.phrase_length(cursor.language.numbers.point, whole.length)
    if not point or not isinstance(whole.value, int):
        return None
    digits, offset = "", whole.length + point
    while len(digits) < MAX_DECIMALS and (decimals := _decimals(cursor, offset, first=not digits)):
        digits, offset = digits + decimals, offset + 1
    return Number(float(f"{whole.value}.{digits}"), offset) if digits else None


def _decimals(cursor: TokenCursor, offset: int, *, first: bool) -> str:
    """Return the digit there, or the first word of two digits: "coma veinticinco"."""
    token = cursor.token(offset)
    if token and token.kind == "number":
        return token.norm if first and token.text.isdecimal() and len(token.norm) <= MAX_DECIMALS else ""
    word = cursor.number_word(offset)
    return str(word) if word is not None and word < (100 if first else 10) else ""


def _words(cursor: TokenCursor, parts: int) -> Number | None:
    """Read a number in words of less than a thousand, or a year ("nineteen seventy")."""
    value = cursor.language.number(cursor.norm())
    if parts <= 0 or value is None:
        return None
    length = 1
    if value >= 20 and value % 10 == 0:
        skip = cursor.phrase_length(cursor.language.numbers.tens_joining, 1)
        ones = cursor.number_word(1 + skip) or 0
        if 0 < ones < 10:
            value, length = value + ones, 2 + skip
    number = Number(value, length)
    if value >= HUNDRED:
        return _plus(number, _words(cursor.moved(length), parts - 1), lambda rest: 1 <= rest < value)
    if 17 <= value <= 20 and (cursor.number_word(1) or 0) >= 10:
        century = Number(int(value * HUNDRED), 1)
        year = _plus(century, _words(cursor.moved(1), parts - 1), lambda rest: rest < HUNDRED)
        return number if year is century else year
    if _scale(cursor, length) == HUNDRED:
        hundreds = Number(units.whole(value * HUNDRED), length + 1)
        skip = cursor.phrase_length(cursor.language.numbers.joining, hundreds.length)
        rest = _words(cursor.moved(hundreds.length + skip), parts - 1)
        return _plus(hundreds, rest and replace(rest, length=skip + rest.length), lambda rest: rest < HUNDRED)
    return number


def _plus(number: Number, rest: Number | None, fits: Callable[[int | float], bool]) -> Number:
    """Add the rest, if it fits."""
    if not rest or not fits(rest.value):
        return number
    return Number(int(number.value + rest.value), number.length + rest.length)


def _is_counted(cursor: TokenCursor, offset: int) -> bool:
    """Return whether a scale or a unit is there, as after "half a" or "a"."""
    return _scale(cursor, offset) is not None or cursor.is_unit(offset)


def _is_money(cursor: TokenCursor, offset: int) -> bool:
    unit = cursor.unit(offset)
    return unit is not None and any(map(is_currency, unit[0]))


def _times(value: int | float, scale: int) -> int | float:
    return units.whole(round(value * scale, 6))


def _is_sign(cursor: TokenCursor) -> bool:
    """Return whether a minus belongs to the digits after it: it touches them, and no number comes before it."""
    following = cursor.token(1)
    is_minus = cursor.norm() in {"-", "–"} and following is not None and following.kind == "number"
    return (
        is_minus and cursor.adjoin(2) and not (cursor.at and (cursor.adjoin(2, -1) or _ends_number(cursor.moved(-1))))
    )


def _ends_number(cursor: TokenCursor) -> bool:
    """Return whether a number, or one with its unit, ends in the token at the cursor."""
    last = cursor.token(-1 if cursor.unit() else 0)
    return last is not None and last.kind == "number"
