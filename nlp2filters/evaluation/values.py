"""Normalize values, so that "$1,200", 1200 and "1.2k" are equal.

Text loses case, accents, punctuation and a leading article; numbers lose currency signs, thousands separators and unit
words; measures of time and length become minutes and miles; dates and times are written in ISO 8601. A value that is
not of its field's type is treated as text.
"""

import re
import unicodedata
from typing import Any

NUMERIC = frozenset({"integer", "number", "money", "duration"})

_WORDS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen twenty"
)
_NUMBER_WORDS = {word: str(number) for number, word in enumerate(_WORDS.split())}
_MONTH_NAMES = "jan feb mar apr may jun jul aug sep oct nov dec"
_MONTHS = {month: number for number, month in enumerate(_MONTH_NAMES.split(), start=1)}
_MAGNITUDES = {"k": 1e3, "thousand": 1e3, "m": 1e6, "million": 1e6, "b": 1e9, "bn": 1e9, "billion": 1e9}
_MINUTES = {
    1 / 60: "s sec second",
    1: "min minute",
    60: "h hr hour",
    1440: "d day",
    10_080: "week",
    525_600: "year",
}
_MILES = {
    1: "mi mile",
    0.621371: "km kilometer kilometre",
    0.000621371: "m meter metre",
    1 / 5280: "ft foot feet",
}
_UNITS = {
    word: (kind, factor)
    for kind, factors in (("t", _MINUTES), ("l", _MILES))
    for factor, words in factors.items()
    for word in words.split()
}
_BOOLEANS = {
    **dict.fromkeys(("true", "yes", "y", "1", "1.0"), "true"),
    **dict.fromkeys(("false", "no", "n", "0", "0.0", "none"), "false"),
}
_NAMED_TIMES = {"noon": "12:00", "12 noon": "12:00", "midday": "12:00", "midnight": "00:00"}

_NUMBER = re.compile(
    r"[^\d\-+.]*([-+]?(?:\d{1,3}(?:,\d{3})+|\d+)?(?:\.\d+)?)\s*"
    r"(k|m|bn|b|million|thousand|billion)?\b\s*([a-z_ ]*)\W*"
)
_PLAIN_NUMBER = re.compile(r"\s*[-+]?[\d.,]+\s*")
_TIME = re.compile(r"(\d{1,2})(?::(\d{2}))?(?::\d{2})?\s*(am|pm|a m|p m)?")
_ISO_DATE = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})")
_SLASHED_DATE = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})")
_NAMED_DATE = re.compile(
    r"(?:the )?(?:(\d{1,2})(?:st|nd|rd|th)?(?: of)? )?([a-z]{3})[a-z]*\.?"
    r"(?: (\d{1,2})(?:st|nd|rd|th)?)?(?:,? (\d{4}))?"
)


def field_key(name: str) -> str:
    """Normalize a field's name, without case and punctuation."""
    return re.sub(r"[\W_]+", " ", name.casefold()).strip()


def normal(value: Any, type_: str | None, unit: str | None = None, year: str = "") -> str:
    """Normalize a value. `type_` and `unit` are those of the field; `year` completes a date without one."""
    read = _typed(value, type_, unit, year)
    if read is not None:
        return read
    if isinstance(value, bool):
        return str(value).lower()
    number = _number(value, None) if _PLAIN_NUMBER.fullmatch(str(value)) else None
    return _text(str(value)) if number is None else number


def _typed(value: Any, type_: str | None, unit: str | None, year: str) -> str | None:
    if type_ == "boolean" or (type_ is None and isinstance(value, bool)):
        return _BOOLEANS.get(str(value).casefold().strip())
    if type_ in NUMERIC:
        return _number(value, unit)
    if type_ == "time":
        return _time(value)
    return _date(value, year) if type_ == "date" else None


def _text(value: str) -> str:
    plain = unicodedata.normalize("NFKD", value)
    plain = "".join(char for char in plain if not unicodedata.combining(char)).casefold()
    plain = re.sub(r"['’‘`´]", "", plain)
    plain = re.sub(r"[^\w.%]+|_", " ", plain)
    plain = re.sub(r"(?<!\d)\.|\.(?!\d)", " ", plain)
    words = re.sub(r"\b(\d+)\.0+\b", r"\1", plain).split()
    if len(words) > 1 and words[0] in ("a", "an", "the"):
        words = words[1:]
    return _NUMBER_WORDS.get(words[0], words[0]) if len(words) == 1 else " ".join(words)


def _number(value: Any, unit: str | None) -> str | None:
    """Normalize a number, with its dimension if it has one: "t:90" for an hour and a half."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return _measure(float(value), unit or "")
    text = str(value).casefold().strip()
    text = re.sub(r"[$€£]|usd|eur", "", _NUMBER_WORDS.get(text, text)).strip()
    match = _NUMBER.fullmatch(text)
    if not match or not re.search(r"\d", match[1]) or re.search(r"\d", text[: match.start(1)]):
        return None
    amount, magnitude, word = float(match[1].replace(",", "")), match[2], match[3].strip()
    if magnitude == "m" and unit in _UNITS:  # It means metres, not millions.
        magnitude, word = None, "m"
    return _measure(amount * _MAGNITUDES.get(magnitude, 1), word or unit or "")


def _measure(amount: float, unit: str) -> str:
    word = unit.split()[0] if unit else ""
    if conversion := _UNITS.get(word) or _UNITS.get(word.rstrip("s")):
        dimension, factor = conversion
        return f"{dimension}:{round(amount * factor, 4):g}"
    return f"{round(amount, 6):.10g}"


def _time(value: Any) -> str | None:
    text = str(value).casefold().strip().replace(".", "")
    if text in _NAMED_TIMES:
        return _NAMED_TIMES[text]
    match = _TIME.fullmatch(text)
    if not match:
        return None
    hour, half = int(match[1]), (match[3] or "").replace(" ", "")
    if half == "pm" and hour < 12:
        hour += 12
    if half == "am" and hour == 12:
        hour = 0
    return f"{hour:02d}:{int(match[2] or 0):02d}"


def _date(value: Any, year: str) -> str | None:
    text = re.sub(r"t\d\d:\d\d.*$", "", str(value).casefold().strip())
    if re.fullmatch(r"\d{4}", text):
        return text
    if match := _ISO_DATE.fullmatch(text):
        return f"{match[1]}-{int(match[2]):02d}-{int(match[3]):02d}"
    if match := _SLASHED_DATE.fullmatch(text):
        return f"{match[3]}-{int(match[1]):02d}-{int(match[2]):02d}"
    match = _NAMED_DATE.fullmatch(text)
    if match and match[2] in _MONTHS and (match[1] or match[3]) and (match[4] or year):
        return f"{match[4] or year}-{_MONTHS[match[2]]:02d}-{int(match[1] or match[3]):02d}"
    return None
