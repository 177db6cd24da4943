"""Headers of columns: the words for people, and the unit or currency of the numbers."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nlp2filters.core.catalog import title_of
from nlp2filters.core.infer.currencies import CURRENCY_MARKS

_UNIT_WORDS = {
    "kg": "kg kgs kilogram kilograms kilogrammes",
    "g": "grams grammes",
    "mg": "mg milligrams",
    "lb": "lb lbs pounds",
    "oz": "oz ounces",
    "t": "tonnes",
    "km": "km kilometers kilometres",
    "m": "meters metres",
    "cm": "cm centimeters centimetres",
    "mm": "mm millimeters millimetres",
    "mi": "mi miles",
    "ft": "ft feet",
    "in": "inches",
    "m²": "m2 m² sqm",
    "ft²": "ft2 ft² sqft",
    "acre": "acres",
    "ha": "ha hectares",
    "l": "liters litres",
    "ml": "ml milliliters millilitres",
    "gal": "gallons",
    "cc": "cc",
    "mpg": "mpg",
    "mph": "mph",
    "km/h": "kmh kph km/h",
    "hp": "hp bhp horsepower",
    "kW": "kw kilowatts",
    "kWh": "kwh",
    "W": "watts",
    "V": "volts",
    "mAh": "mah",
    "kB": "kb",
    "MB": "mb megabytes",
    "GB": "gb gigabytes",
    "TB": "tb terabytes",
    "px": "px pixels",
    "rpm": "rpm",
    "MHz": "mhz",
    "GHz": "ghz",
    "%": "% percent pct",
    "°C": "°c celsius",
    "°F": "°f fahrenheit",
    "ms": "ms milliseconds",
    "s": "sec secs seconds",
    "min": "min mins minutes",
    "h": "hrs hours",
    "day": "days",
    "week": "weeks",
    "month": "months",
    "year": "years",
}
_UNITS = {word: unit for unit, words in _UNIT_WORDS.items() for word in words.split()}
# These are units only in brackets or after "in".
_SHORT_UNITS = {"g", "m", "s", "h", "l", "W", "V", "in", "t", "kW", "hr"}
TIME_UNITS = frozenset({"ms", "s", "min", "h", "day", "week", "month", "year"})
_RATES: Mapping[tuple[str, ...], str] = {
    ("miles", "per", "gallon"): "mpg",
    ("miles", "per", "hour"): "mph",
    ("kilometers", "per", "hour"): "km/h",
    ("kilometres", "per", "hour"): "km/h",
    ("km", "per", "hour"): "km/h",
}
_CURRENCY_WORDS = {mark.lower(): code for mark, code in CURRENCY_MARKS.items()} | {"dollars": "USD", "euros": "EUR"}
_MONEY_WORDS = frozenset({"price", "cost", "budget", "gross", "revenue", "salary", "fee", "fare", "rent", "income"})
# With one of these words, "min" as the last word means minutes.
_TIME_WORDS = frozenset({"time", "runtime", "duration", "length"})

_BRACKETS = re.compile(r"(.*?)\s*[(\[]\s*([^()\[\]]+?)\s*[)\]]\s*")
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[^\W\dA-Z_]+|\d+|[%°$€£¥₹²]+")


@dataclass(frozen=True, slots=True)
class Header:
    """The parts of a header. `label` is empty if it would be the field's name; `is_money`: "price", "revenue", …"""

    label: str = ""
    unit: str | None = None
    currency: str | None = None
    is_money: bool = False


@dataclass(frozen=True, slots=True)
class _Parts:
    """The words before the unit, the unit, and the currency. There are no words if brackets hold something unknown."""

    words: Sequence[str]
    unit: str | None = None
    currency: str | None = None


def read_header(name: str) -> Header:
    """Split "Weight_in_lbs" into the label "Weight" and the unit lb."""
    parts = _in_brackets(name) or _in_words(_WORD.findall(name))
    label = " ".join(parts.words)
    return Header(
        label="" if label == title_of(name) else label,
        unit=parts.unit,
        currency=parts.currency,
        is_money=any(word.lower() in _MONEY_WORDS for word in parts.words),
    )


def _in_brackets(name: str) -> _Parts | None:
    """Read "price (USD)"."""
    brackets = _BRACKETS.fullmatch(name)
    if not brackets:
        return None
    unit, currency = _unit(brackets[2])
    return _Parts(_WORD.findall(brackets[1]) if unit or currency else (), unit, currency)


def _in_words(words: Sequence[str]) -> _Parts:
    """Read "Miles_per_Gallon", "Weight_in_lbs", "area_m2", "Running Time min"."""
    lower = [word.lower() for word in words]
    if rate := _RATES.get(tuple(lower[-3:])):
        return _Parts(words, rate)
    if len(words) > 2 and lower[-2] == "in":
        unit, currency = _unit(words[-1])
        return _Parts(words[:-2] if unit or currency else words, unit, currency)
    # A unit may be split into two words: "area_m2", "speed km/h".
    if len(words) > 2 and (unit := _UNITS.get("".join(lower[-2:]))):
        return _Parts(words[:-2], unit)
    return _in_last_word(words, lower)


def _in_last_word(words: Sequence[str], lower: Sequence[str]) -> _Parts:
    if not words or _is_no_unit(lower):
        return _Parts(words)
    unit, currency = _UNITS.get(lower[-1]), _CURRENCY_WORDS.get(lower[-1])
    return _Parts(words[:-1] if len(words) > 1 and (unit or currency) else words, unit, currency)


def _is_no_unit(lower: Sequence[str]) -> bool:
    """Return whether the last word is none, though it looks like one: in "price per day", or "salary min"."""
    return lower[-2:-1] == ["per"] or (lower[-1] == "min" and _TIME_WORDS.isdisjoint(lower))


def _unit(text: str) -> tuple[str | None, str | None]:
    """Read text that can only be a unit or a currency."""
    if text in _SHORT_UNITS:
        return ("h" if text == "hr" else text), None
    return _UNITS.get(text.lower().replace(" ", "")), _CURRENCY_WORDS.get(text.lower())
