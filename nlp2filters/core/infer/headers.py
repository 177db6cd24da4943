"""Headers of columns: the words for people, and the unit or currency of the numbers."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nlp2filters.core.catalog import title_of
from nlp2filters.core.infer import names
from nlp2filters.core.infer.currencies import CURRENCY_MARKS
from nlp2filters.core.infer.measures import SHORT_UNITS, UNITS, unit_of_measured

_RATES: Mapping[tuple[str, ...], str] = {
    ("miles", "per", "gallon"): "mpg",
    ("miles", "per", "hour"): "mph",
    ("kilometers", "per", "hour"): "km/h",
    ("kilometres", "per", "hour"): "km/h",
    ("km", "per", "hour"): "km/h",
}
_CURRENCY_WORDS = {mark.lower(): code for mark, code in CURRENCY_MARKS.items()} | {"dollars": "USD", "euros": "EUR"}
# With one of these words, "min" as the last word means minutes.
_TIME_WORDS = frozenset({"time", "runtime", "duration", "length"})

_BRACKETS = re.compile(r"(.*?)\s*[(\[]\s*([^()\[\]]+?)\s*[)\]]\s*")
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[^\W\dA-Z_]+|\d+|[%°$€£¥₹²]+")


@dataclass(frozen=True, slots=True)
class Header:
    """The parts of a header. `label` is empty if it would be the field's name; `is_money`: "price", "revenue", …

    `words` are all its words, in lower case.
    """

    label: str = ""
    unit: str | None = None
    currency: str | None = None
    is_money: bool = False
    words: tuple[str, ...] = ()


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
        is_money=names.is_money([word.lower() for word in parts.words]),
        words=tuple(word.lower() for word in _WORD.findall(name)),
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
    if len(words) > 2 and (unit := UNITS.get("".join(lower[-2:]))):
        return _Parts(words[:-2], unit)
    return _in_last_word(words, lower)


def _in_last_word(words: Sequence[str], lower: Sequence[str]) -> _Parts:
    if not words or _is_no_unit(lower):
        return _Parts(words)
    unit, currency = UNITS.get(lower[-1]) or unit_of_measured(lower), _CURRENCY_WORDS.get(lower[-1])
    return _Parts(words[:-1] if len(words) > 1 and (unit or currency) else words, unit, currency)


def _is_no_unit(lower: Sequence[str]) -> bool:
    """Return whether the last word is none, though it looks like one: in "price per day", or "salary min"."""
    return lower[-2:-1] == ["per"] or (lower[-1] == "min" and _TIME_WORDS.isdisjoint(lower))


def _unit(text: str) -> tuple[str | None, str | None]:
    """Read text that can only be a unit or a currency."""
    if text in SHORT_UNITS:
        return SHORT_UNITS[text], None
    return UNITS.get(text.lower().replace(" ", "")), _CURRENCY_WORDS.get(text.lower())
