"""Inference of a catalog from rows, in one pass and in memory that does not grow with their number.

Each column starts with every possible reading (integer, number, dates of several formats, …). A value
drops the readings that do not fit it. The first one left is the column's type; if none is left, it is a string.
"""

import datetime as dt
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from nlp2filters.core.catalog import Catalog, Field, FieldType, Value, parse, to_json
from nlp2filters.errors import Fault, InvalidCatalog

MAX_FIELDS = 10_000
# A catalog's known values have at most this length.
MAX_VALUE_LENGTH = 200
# JSON readers and search engines take integers up to this.
MAX_INTEGER = 2**63 - 1


def infer(
    name: str,
    rows: Iterable[Mapping[str, object]],
    *,
    currency: str | None = None,
    max_values: int = 500,
    max_closed: int = 100,
    max_distinct: int = 2_000,
) -> Catalog:
    """Return the catalog `name` of the fields found in `rows`.

    A value is a string as from CSV, or already an int, float, Decimal, bool, date, datetime, time or a list
    of these. None, "", NaN and an absent key are unknown. The header tells the unit: "price (USD)" is money,
    "weight_kg" has the unit kg, "Running Time min" is a duration. A bare "$" is taken for USD, "¥" for JPY.

    A string column whose values occur 1.5 times on average is a keyword; one with at most `max_closed`
    values that occur twice on average is closed.

    Args:
        currency: ISO 4217 code for columns such as "price" or "budget" whose header names none.
        max_values: known values listed per field, the most frequent ones, each with its count.
        max_closed: a field with more values than this is never closed.
        max_distinct: values counted per column; those first seen after it is full are not.

    Raises:
        InvalidCatalog: there is no column, there are too many, or a value is of another type.
    """
    columns: dict[str, _Column] = {}
    total = 0
    for total, row in enumerate(rows, 1):
        for header, value in row.items():
            if header not in columns:
                if len(columns) == MAX_FIELDS:
                    raise InvalidCatalog([Fault("/fields", f"There are more than {MAX_FIELDS} columns.")])
                columns[header] = _Column(max_distinct)
            try:
                columns[header].add(value)
            except (TypeError, ValueError, ArithmeticError) as exc:
                raise InvalidCatalog([Fault(f"/rows/{total - 1}/{_escape(header)}", str(exc))]) from exc
    fields = tuple(
        _field(header, column, total, currency=currency, max_values=max_values, max_closed=max_closed)
        for header, column in columns.items()
    )
    return parse(to_json(Catalog(name, fields)))


def refine(catalog: Catalog, refinement: Mapping[str, Any]) -> Catalog:
    """Return the catalog with corrections and additions by people.

    `refinement` has the attributes of a catalog, but `fields` is `{name: attributes}`, and the `values` of a
    field are `{value: synonyms}`, added to those it has. The order of the values stays. A text field may get new
    ones: words that occur in it.

    Raises:
        InvalidCatalog: it names a field or a value that the catalog does not have, or the outcome is invalid.
    """
    data, changes = to_json(catalog), refinement.get("fields", {})
    faults = [
        Fault(f"/fields/{_escape(name)}", f"There is no field {name!r}.")
        for name in changes
        if name not in catalog.by_name
    ]
    for known in catalog.fields:
        values = {value.value for value in known.values}
        faults += [
            Fault(f"/fields/{_escape(known.name)}/values/{_escape(value)}", f"There is no value {value!r}.")
            for value in changes.get(known.name, {}).get("values", {})
            if value not in values and known.type != "text"
        ]
    if faults:
        raise InvalidCatalog(faults)
    fields = [_refined(plain, changes.get(plain["name"], {})) for plain in data["fields"]]
    return parse({**data, **refinement, "fields": fields})


def _refined(plain: dict[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    more = change.get("values", {})
    values = [
        {**value, "synonyms": [*value.get("synonyms", ()), *more.get(value["value"], ())]}
        for value in plain.get("values", ())
    ]
    known = {value["value"] for value in values}
    values += [{"value": value, "synonyms": synonyms} for value, synonyms in more.items() if value not in known]
    return {**plain, **change, "values": values}


def _escape(part: str) -> str:
    return part.replace("~", "~0").replace("/", "~1")


# A reading is one way to read a value. It returns something ordered, or None if the value does not fit.

# Numbers have no leading zeros: those are codes, such as 02139.
_NUMBER = r"(?:\d{1,3}(?:,\d{3})+|0|[1-9]\d*)"
_INTEGER_RE = re.compile(rf"-?{_NUMBER}")
_NUMBER_RE = re.compile(rf"-?(?:{_NUMBER}(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?")
_DATETIME_RE = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?(?:Z|[+-]\d{2}:?\d{2})?")
_TIME_RE = re.compile(r"\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?")

_TIME_OF_HALVES_RE = re.compile(r"\d{1,2}:\d{2} ?[AaPp][Mm]")

_DATE_FORMATS = (
    "%Y-%m-%d",
    "%Y/%m/%d",
    "%d.%m.%Y",
    "%m/%d/%Y",
    "%d/%m/%Y",
    "%b %d %Y",
    "%B %d %Y",
    "%b %d, %Y",
    "%B %d, %Y",
    "%d %b %Y",
    "%d %B %Y",
    "%d-%b-%Y",
)
# These end with the minutes; seconds may follow.
_DATETIME_FORMATS = (
    "%Y/%m/%d %H:%M",
    "%d.%m.%Y %H:%M",
    "%m/%d/%Y %H:%M",
    "%d/%m/%Y %H:%M",
    "%m/%d/%Y %I:%M %p",
    "%d/%m/%Y %I:%M %p",
)
_MONTH_OR_DAY_FIRST = ("%m/%d/%Y", "%d/%m/%Y")

_CURRENCY_CODES = (
    "USD EUR GBP JPY CNY INR CHF CAD AUD NZD SEK NOK DKK PLN CZK HUF RON RUB UAH BRL MXN ARS CLP ZAR KRW SGD HKD TWD "
    "THB IDR MYR PHP VND ILS AED SAR EGP NGN"
)
_CURRENCY_MARKS = {"$": "USD", "US$": "USD", "€": "EUR", "£": "GBP", "¥": "JPY", "₹": "INR"} | {
    code: code for code in _CURRENCY_CODES.split()
}


@dataclass(frozen=True, slots=True)
class _Reading:
    type: FieldType
    read: Callable[[Any], Any]
    currency: str | None = None
    unit: str | None = None
    format: str = ""


def _boolean(no: str, yes: str) -> Callable[[Any], bool | None]:
    words = {no: False, yes: True}

    def read(value: Any) -> bool | None:
        return words.get(value.lower()) if isinstance(value, str) else value if isinstance(value, bool) else None

    return read


def _integer(value: Any) -> int | None:
    if isinstance(value, str) and len(value) < 30 and _INTEGER_RE.fullmatch(value):
        value = int(value.replace(",", ""))
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= MAX_INTEGER:
        return value
    return None


def _number(value: Any) -> int | float | None:
    whole = _integer(value)
    if whole is not None:
        return whole
    if isinstance(value, str) and _NUMBER_RE.fullmatch(value) and not _INTEGER_RE.fullmatch(value):
        value = float(value.replace(",", ""))
    if isinstance(value, float | Decimal) and math.isfinite(value):
        return float(value)
    return None


def _money(code: str) -> Callable[[Any], int | float | None]:
    marks = "|".join(re.escape(mark) for mark, of in _CURRENCY_MARKS.items() if of == code)
    pattern = re.compile(rf"(-?)(?:(?:{marks})\s?([\d.,]+)|([\d.,]+)\s?(?:{marks}))")

    def read(value: Any) -> int | float | None:
        found = pattern.fullmatch(value) if isinstance(value, str) else None
        return _number(found[1] + (found[2] or found[3])) if found else None

    return read


def _percent(value: Any) -> int | float | None:
    """Read "95%" and "95 %"."""
    return _number(value[:-1].rstrip()) if isinstance(value, str) and value.endswith("%") else None


def _date(format_: str) -> Callable[[Any], dt.date | None]:
    def read(value: Any) -> dt.date | None:
        if not isinstance(value, str):
            return value if isinstance(value, dt.date) and not isinstance(value, dt.datetime) else None
        try:
            return dt.datetime.strptime(value, format_).date()
        except ValueError:
            return None

    return read


def _datetime(*, aware: bool) -> Callable[[Any], dt.datetime | None]:
    def read(value: Any) -> dt.datetime | None:
        if isinstance(value, str) and _DATETIME_RE.fullmatch(value):
            try:
                value = dt.datetime.fromisoformat(value)
            except ValueError:
                return None
        return value if isinstance(value, dt.datetime) and (value.utcoffset() is not None) == aware else None

    return read


def _datetime_in(format_: str) -> Callable[[Any], dt.datetime | None]:
    with_seconds = format_.replace("%M", "%M:%S")

    def read(value: Any) -> dt.datetime | None:
        if not isinstance(value, str):
            return None
        try:
            return dt.datetime.strptime(value, with_seconds if value.count(":") == 2 else format_)
        except ValueError:
            return None

    return read


def _time_of_halves(value: Any) -> dt.time | None:
    """Read "5:30 PM"."""
    if not isinstance(value, str) or not _TIME_OF_HALVES_RE.fullmatch(value):
        return None
    try:
        return dt.datetime.strptime(value.upper().replace(" ", ""), "%I:%M%p").time()
    except ValueError:
        return None


def _time(value: Any) -> dt.time | None:
    if isinstance(value, str) and _TIME_RE.fullmatch(value):
        try:
            return dt.time.fromisoformat(value)
        except ValueError:
            return None
    return value if isinstance(value, dt.time) and value.tzinfo is None else None


_READINGS: tuple[_Reading, ...] = (
    _Reading("boolean", _boolean("false", "true")),
    _Reading("boolean", _boolean("no", "yes")),
    _Reading("integer", _integer),
    _Reading("number", _number),
    _Reading("number", _percent, unit="%"),
    *(_Reading("money", _money(code), currency=code) for code in dict.fromkeys(_CURRENCY_MARKS.values())),
    *(_Reading("date", _date(format_), format=format_) for format_ in _DATE_FORMATS),
    _Reading("datetime", _datetime(aware=False)),
    _Reading("datetime", _datetime(aware=True)),
    *(_Reading("datetime", _datetime_in(format_), format=format_) for format_ in _DATETIME_FORMATS),
    _Reading("time", _time),
    _Reading("time", _time_of_halves),
)


@dataclass(slots=True)
class _Range:
    """A reading that has fitted every value so far, with the lowest and the highest."""

    reading: _Reading
    low: Any = None
    high: Any = None

    def takes(self, value: Any) -> bool:
        read = self.reading.read(value)
        if read is None:
            return False
        self.low = read if self.low is None or read < self.low else self.low
        self.high = read if self.high is None or read > self.high else self.high
        return True


@dataclass(slots=True)
class _Column:
    """The state of a column: the readings left, and its distinct values up to `max_distinct`."""

    max_distinct: int
    known: int = 0
    many: bool = False
    overflow: bool = False
    ranges: list[_Range] = field(default_factory=lambda: [_Range(reading) for reading in _READINGS])
    distinct: Counter[str] = field(default_factory=Counter)

    def add(self, value: object) -> None:
        """Count one cell. Raises TypeError, ValueError or ArithmeticError for a value that no field can hold."""
        if not isinstance(value, list | tuple):
            self.known += self._add(value)
            return
        self.many = True
        self.known += sum(map(self._add, value)) > 0

    def _add(self, value: object) -> bool:
        """Count a single value; return False for an unknown one."""
        plain = value.strip() if isinstance(value, str) else value
        # NaN differs from itself.
        if plain is None or plain == "" or plain != plain:
            return False
        if not isinstance(value, str | int | float | Decimal | dt.date | dt.time):
            raise TypeError(f"A field cannot hold a value of type {type(value).__name__}.")
        self.ranges = [range_ for range_ in self.ranges if range_.takes(plain)]
        self._count(str(value))
        return True

    def _count(self, text: str) -> None:
        if text in self.distinct or (len(self.distinct) < self.max_distinct and len(text) <= MAX_VALUE_LENGTH):
            self.distinct[text] += 1
        else:
            self.overflow = True

    def best(self) -> _Range | None:
        """Return the first reading left; None for strings, and if day and month may be swapped."""
        if not self.known or _either_way({range_.reading.format for range_ in self.ranges}):
            return None
        return self.ranges[0] if self.ranges else None


def _either_way(formats: Set[str]) -> bool:
    """Return whether the formats differ only in the order of day and month."""
    return len(formats) > 1 and all(format_.startswith(_MONTH_OR_DAY_FIRST) for format_ in formats)


def _field(name: str, column: _Column, rows: int, *, currency: str | None, max_values: int, max_closed: int) -> Field:
    header, range_ = _read_header(name), column.best()
    shared: dict[str, Any] = {"label": header.label, "many": column.many, "nullable": column.known < rows}
    if range_ is None:
        return Field(name, **_strings(column, max_values, max_closed), **shared)
    type_, unit, money = range_.reading.type, header.unit or range_.reading.unit, range_.reading.currency
    if type_ == "boolean":
        return Field(name, type_, **shared)
    shared |= {"minimum": _plain(range_.low), "maximum": _plain(range_.high)}
    if type_ in ("integer", "number"):
        money = header.currency or (currency if header.is_money and unit is None else None)
    if money:
        return Field(name, "money", currency=money, **shared)
    if type_ in ("integer", "number"):
        return Field(name, "duration" if unit in _TIME_UNITS else type_, unit=unit, **shared)
    return Field(name, type_, **shared)


def _strings(column: _Column, max_values: int, max_closed: int) -> dict[str, Any]:
    counted, distinct = column.distinct.total(), len(column.distinct)
    if not distinct or counted < 1.5 * distinct:
        return {"type": "text"}
    values = tuple(Value(value, count=count) for value, count in column.distinct.most_common(max_values))
    whole = not column.overflow and distinct <= min(max_values, max_closed)
    return {"type": "keyword", "values": values, "closed": whole and counted >= 2 * distinct}


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, dt.date | dt.time) else value


# A header has the words for people and the unit of the numbers.

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
_TIME_UNITS = frozenset({"ms", "s", "min", "h", "day", "week", "month", "year"})
_RATES = {
    ("miles", "per", "gallon"): "mpg",
    ("miles", "per", "hour"): "mph",
    ("kilometers", "per", "hour"): "km/h",
    ("kilometres", "per", "hour"): "km/h",
    ("km", "per", "hour"): "km/h",
}
_CURRENCY_WORDS = {mark.lower(): code for mark, code in _CURRENCY_MARKS.items()} | {"dollars": "USD", "euros": "EUR"}
_MONEY_WORDS = frozenset({"price", "cost", "budget", "gross", "revenue", "salary", "fee", "fare", "rent", "income"})
# With one of these words, "min" as the last word means minutes.
_TIME_WORDS = frozenset({"time", "runtime", "duration", "length"})

_BRACKETS = re.compile(r"(.*?)\s*[(\[]\s*([^()\[\]]+?)\s*[)\]]\s*")
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[^\W\dA-Z_]+|\d+|[%°$€£¥₹²]+")


@dataclass(frozen=True, slots=True)
class _Header:
    label: str = ""
    unit: str | None = None
    currency: str | None = None
    is_money: bool = False


def _read_header(name: str) -> _Header:
    """Split "Weight_in_lbs" into the label "Weight" and the unit lb."""
    words, unit, currency = _measure(name)
    label = " ".join(words)
    return _Header(
        label="" if label == name.replace("_", " ") else label,
        unit=unit,
        currency=currency,
        is_money=any(word.lower() in _MONEY_WORDS for word in words),
    )


def _measure(name: str) -> tuple[Sequence[str], str | None, str | None]:
    """Split a header into the words before its unit, the unit, and the currency.

    There are no words if its brackets hold something unknown.
    """
    if bracketed := _BRACKETS.fullmatch(name):
        unit, currency = _unit(bracketed[2])
        return (_WORD.findall(bracketed[1]) if unit or currency else ()), unit, currency
    words = _WORD.findall(name)
    lower = [word.lower() for word in words]
    if rate := _RATES.get(tuple(lower[-3:])):
        return words, rate, None
    if len(words) > 2 and lower[-2] == "in":
        unit, currency = _unit(words[-1])
        return (words[:-2] if unit or currency else words), unit, currency
    # A unit may be split into two words: "area_m2", "speed km/h".
    if len(words) > 2 and (unit := _UNITS.get("".join(lower[-2:]))):
        return words[:-2], unit, None
    last = lower[-1] if lower else ""
    if lower[-2:-1] == ["per"] or (last == "min" and not _TIME_WORDS & set(lower)):
        return words, None, None
    unit, currency = _UNITS.get(last), _CURRENCY_WORDS.get(last)
    return (words[:-1] if len(words) > 1 and (unit or currency) else words), unit, currency


def _unit(text: str) -> tuple[str | None, str | None]:
    """Read text that can only be a unit or a currency."""
    if text in _SHORT_UNITS:
        return ("h" if text == "hr" else text), None
    return _UNITS.get(text.lower().replace(" ", "")), _CURRENCY_WORDS.get(text.lower())
