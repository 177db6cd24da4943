"""Amounts: numbers in cells, with the units and currencies written beside them.

A column's own cells say how its numbers are written: "1.234,50" has a decimal comma, "1,234.50" a decimal point, and
"1.234" either. Both readings are kept until all cells are read.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from typing import Any, Literal, NamedTuple, TypeAlias

from nlp2filters.core import units
from nlp2filters.core.infer.currencies import AMBIGUOUS_MARKS, CURRENCY_MARKS
from nlp2filters.core.infer.measures import unit_of
from nlp2filters.core.infer.misfits import Misfits
from nlp2filters.core.infer.records import singular

# JSON readers and search engines take integers up to this.
MAX_INTEGER = 2**63 - 1
# Longer texts are no numbers.
MAX_LENGTH = 48

Number: TypeAlias = int | float
Decimals: TypeAlias = Literal[".", ","]

_SPACES = " \u00a0\u202f\u2009"
_MULTIPLIERS: Mapping[str, int] = {
    "k": 1_000,
    "K": 1_000,
    "thousand": 1_000,
    "M": 1_000_000,
    "mn": 1_000_000,
    "mio": 1_000_000,
    "Mio": 1_000_000,
    "million": 1_000_000,
    "B": 1_000_000_000,
    "bn": 1_000_000_000,
    "Mrd": 1_000_000_000,
    "billion": 1_000_000_000,
}
# These are scales beside a currency only: "5 m" are metres.
_MULTIPLIERS_OF_MONEY = {**_MULTIPLIERS, "m": 1_000_000, "b": 1_000_000_000}
_CURRENCIES = {mark.casefold(): code for mark, code in CURRENCY_MARKS.items()}


class Mark(NamedTuple):
    """Something written beside a number: a `unit`, a `currency`, a `noun` ("2 seasons"), or nothing.

    `money` is a currency of several countries ("kr"), `scale` the best possible value ("4.5/5").
    """

    kind: Literal["", "unit", "currency", "money", "noun", "scale"] = ""
    name: str = ""


class Amount(NamedTuple):
    """A number of a cell. `separated`: it has a point or a comma, so that it may be read in two ways."""

    value: Number
    mark: Mark
    separated: bool = False


NOTHING = Mark()


def _numeral_pattern(decimal: Decimals) -> re.Pattern[str]:
    comma, point = (",", r"\.") if decimal == "." else (r"\.", ",")
    # Groups of two digits are Indian: "12,34,567".
    by_comma = rf"(?:{comma}\d{{3}})+|(?:{comma}\d{{2}})+{comma}\d{{3}}"
    grouped = rf"[1-9]\d{{0,2}}(?:{by_comma}|(?:['’]\d{{3}})+|(?:[{_SPACES}]\d{{3}})+)"
    # Numbers have no leading zeros: those are codes, such as 02139.
    return re.compile(rf"(?:{grouped}|0|[1-9]\d*)(?:{point}\d*)?|{point}\d+")


_NUMERALS: Mapping[Decimals, re.Pattern[str]] = {".": _numeral_pattern("."), ",": _numeral_pattern(",")}
_PLAIN = re.compile(r"-?(?:0|[1-9]\d{0,17})")
# A point can be nothing but the decimal mark here, since it does not separate three digits.
_POINT_ONLY = re.compile(r"-?(?:0|[1-9]\d{0,14})\.(?:\d\d?|\d{4,17})", re.ASCII)
_GROUPING: Mapping[Decimals, dict[int, None]] = {
    ".": dict.fromkeys(map(ord, f",'’{_SPACES}")),
    ",": dict.fromkeys(map(ord, f".'’{_SPACES}")),
}
_CELL = re.compile(
    rf"""
    (?P<open>\()?
    (?P<sign>[-−])?[{_SPACES}]?
    (?P<before>[^\d\s.,+()'’−-]{{1,4}}\.?)?[{_SPACES}]?
    (?P<minus>[-−])?
    (?P<numeral>[\d.,][\d.,'’{_SPACES}]*?)
    (?:[eE](?P<exponent>[+-]?\d{{1,3}}))?
    [{_SPACES}]?(?P<after>[^\d\s.,+()'’−-][^\d+()]{{0,18}}[23²³]?)?
    \+?
    (?(open)\))
    """,
    re.VERBOSE,
)
_SCALE = re.compile(r"([\d.,]+)\s?/\s?(5|10|20|100)")
_PART = re.compile(r"(\d+(?:[.,]\d+)?)\s*([^\W\d_]+|['′\"″])[.,]?\s*(?:and\s+)?")
_ISO_DURATION = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:\.\d+)?S)?)?")
_LENGTHS = {"'": "ft", "′": "ft", '"': "in", "″": "in"}


def read_native(value: object) -> Amount | None:
    """Read a value that is a number already."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return Amount(value, NOTHING) if abs(value) <= MAX_INTEGER else None
    if isinstance(value, float | Decimal) and math.isfinite(value):
        return Amount(float(value), NOTHING)
    return None


def read(text: str, decimal: Decimals) -> Amount | None:
    """Read "1,234.50 €", "$5", "95%", "1.5 kg", "1 h 30 min" and "12"; None if the text is no amount."""
    if len(text) > MAX_LENGTH:
        return None
    if _PLAIN.fullmatch(text):
        return Amount(int(text), NOTHING)
    if scale := _SCALE.fullmatch(text):
        amount = read(scale[1], decimal)
        fits = amount and amount.value <= int(scale[2])
        return Amount(amount.value, Mark("scale", scale[2]), amount.separated) if amount and fits else None
    match = _CELL.fullmatch(text)
    if not match:
        return _compound(text)
    value = _numeral(match["numeral"], match["exponent"], decimal)
    marked = _marked(match["before"] or "", (match["after"] or "").strip())
    if value is None or marked is None:
        return _compound(text)
    factor, mark = marked
    if factor != 1:
        value = units.whole(round(value * factor, 6))
    if match["sign"] or match["minus"] or match["open"]:
        value = -value
    return Amount(value, mark, not match["numeral"].isdigit())


def _numeral(text: str, exponent: str | None, decimal: Decimals) -> Number | None:
    if not _NUMERALS[decimal].fullmatch(text):
        return None
    plain = text.translate(_GROUPING[decimal]).replace(decimal, ".")
    if plain.isascii() and plain.isdigit() and exponent is None:
        whole = int(plain)
        return whole if whole <= MAX_INTEGER else None
    value = float(f"{plain}e{exponent or 0}")
    return value if math.isfinite(value) else None


@lru_cache(maxsize=4_096)
def _marked(before: str, after: str) -> tuple[int, Mark] | None:
    """Return the factor and the mark that the text around a number says; None if it says something else."""
    if before.casefold() in AMBIGUOUS_MARKS and not after:
        return 1, Mark("money", "kr")
    currency = _CURRENCIES.get(before.casefold()) if before else None
    if before and not currency:
        return None
    if currency:
        factor = _MULTIPLIERS_OF_MONEY.get(after.rstrip("."), 0 if after else 1)
        # "$5 USD"
        factor = 1 if _CURRENCIES.get(after.casefold()) == currency else factor
        return (factor, Mark("currency", currency)) if factor else None
    return _marked_behind(after)


def _marked_behind(after: str) -> tuple[int, Mark] | None:
    plain = after.rstrip(".")
    if not after:
        return 1, NOTHING
    if code := _CURRENCIES.get(after.casefold()):
        return 1, Mark("currency", code)
    if after.casefold() in AMBIGUOUS_MARKS:
        return 1, Mark("money", "kr")
    if plain in _MULTIPLIERS:
        return _MULTIPLIERS[plain], NOTHING
    if unit := unit_of(plain):
        return 1, Mark("unit", unit)
    scale, _, rest = plain.partition(" ")
    for factor, money in ((_MULTIPLIERS_OF_MONEY.get(scale), rest), (_MULTIPLIERS_OF_MONEY.get(plain[:1]), plain[1:])):
        if factor and (code := _CURRENCIES.get(money.strip().casefold())):
            return factor, Mark("currency", code)
    return (1, Mark("noun", singular(plain.lower()))) if len(plain) > 2 and plain.isalpha() else None


def _compound(text: str) -> Amount | None:
    """Read "1 h 30 min", "5 ft 11 in" and "PT1H30M", in the unit of the last part."""
    if text.startswith("P") and (iso := _ISO_DURATION.fullmatch(text)) and any(iso.groups()):
        days, hours, minutes, seconds = (int(part or 0) for part in iso.groups())
        return Amount(((days * 24 + hours) * 60 + minutes) * 60 + seconds, Mark("unit", "s"))
    parts = [(match[1], match[2], match.end()) for match in _PART.finditer(text)]
    if len(parts) < 2 or parts[-1][2] != len(text) or _PART.sub("", text):
        return None
    names = [_LENGTHS.get(name) or unit_of(name) for _, name, _ in parts]
    # "2h 15m"
    names = ["min" if name == "m" and names[0] in ("h", "day") else name for name in names]
    return _sum([float(number.replace(",", ".")) for number, _, _ in parts], names)


def _sum(numbers: list[float], names: list[str | None]) -> Amount | None:
    last, total = names[-1], 0.0
    for number, name in zip(numbers, names, strict=True):
        converted = units.convert(number, name, last) if name and last else None
        if converted is None:
            return None
        total += converted
    return Amount(units.whole(round(total, 6)), Mark("unit", last or ""))


@dataclass(slots=True)
class Extent:
    """The lowest and the highest of some numbers. `whole`: all of them are integers."""

    low: Number
    high: Number
    cells: int
    whole: bool

    def add(self, value: Number, times: int) -> None:
        """Count one more value."""
        if value < self.low:
            self.low = value
        elif value > self.high:
            self.high = value
        self.cells += times
        if self.whole:
            self.whole = isinstance(value, int)


Extents: TypeAlias = dict[Mark, Extent]


def _add(extents: Extents, mark: Mark, value: Number, times: int) -> None:
    if extent := extents.get(mark):
        extent.add(value, times)
    else:
        extents[mark] = Extent(value, value, times, isinstance(value, int))


@dataclass(slots=True)
class _Notation:
    """The numbers with a separator, as one decimal mark reads them. `rounded`: none has more than two decimals."""

    decimal: Decimals
    extents: Extents = field(default_factory=dict)
    misfits: Misfits = field(default_factory=Misfits)
    rounded: bool = True
    fractions: bool = False


@dataclass(slots=True)
class Amounts:
    """The cells of a column read as amounts."""

    cells: int = 0
    misfits: Misfits = field(default_factory=Misfits)
    unseparated: Extents = field(default_factory=dict)
    point: _Notation = field(default_factory=lambda: _Notation("."))
    comma: _Notation = field(default_factory=lambda: _Notation(","))

    def add(self, value: Any, text: str, times: int) -> bool:
        """Read one cell that occurs `times` times; `value` is the text itself unless the source has types.

        Return False once so many cells are no amounts that the column holds something else.
        """
        if not isinstance(value, str):
            return self._add_unseparated(read_native(value), text, times)
        if _POINT_ONLY.fullmatch(value):
            self.cells += times
            self._add_separated(self.point, Amount(float(value), NOTHING), text, times)
            self.comma.misfits.add(text, times)
            return True
        point = read(value, ".")
        if point and not point.separated:
            return self._add_unseparated(point, text, times)
        comma = read(value, ",")
        if point is None and comma is None:
            self.misfits.add(text, times)
            return not self.misfits.exceed(self.cells)
        self.cells += times
        self._add_separated(self.point, point, text, times)
        self._add_separated(self.comma, comma, text, times)
        return True

    def _add_unseparated(self, amount: Amount | None, text: str, times: int) -> bool:
        if amount is None:
            self.misfits.add(text, times)
            return not self.misfits.exceed(self.cells)
        self.cells += times
        _add(self.unseparated, amount.mark, amount.value, times)
        return True

    @staticmethod
    def _add_separated(notation: _Notation, amount: Amount | None, text: str, times: int) -> None:
        if amount is None:
            notation.misfits.add(text, times)
            return
        _add(notation.extents, amount.mark, amount.value, times)
        if isinstance(amount.value, float):
            notation.fractions = True
            if notation.rounded:
                notation.rounded = round(amount.value, 2) == amount.value

    @property
    def decimals(self) -> tuple[Decimals, ...]:
        """The decimal marks that fit the most cells: both where no cell tells."""
        point, comma = self.point.misfits.cells, self.comma.misfits.cells
        if point == comma:
            return (".", ",") if self.point.extents or self.comma.extents else ()
        return (".",) if point < comma else (",",)

    def notation(self, decimal: Decimals) -> _Notation:
        """Return the reading with this decimal mark."""
        return self.point if decimal == "." else self.comma

    def extents(self, decimal: Decimals) -> Extents:
        """Return the extents of all amounts by their marks."""
        total: Extents = {}
        for part in (self.unseparated, self.notation(decimal).extents):
            for mark, extent in part.items():
                if mark not in total:
                    total[mark] = Extent(extent.low, extent.high, extent.cells, extent.whole)
                    continue
                total[mark].low = min(total[mark].low, extent.low)
                total[mark].high = max(total[mark].high, extent.high)
                total[mark].cells += extent.cells
                total[mark].whole = total[mark].whole and extent.whole
        return total
