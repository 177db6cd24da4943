"""Units of measure as headers and cells write them."""

from collections.abc import Mapping, Sequence

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
    "knot": "knots kn",
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
UNITS: Mapping[str, str] = {word: unit for unit, words in _UNIT_WORDS.items() for word in words.split()}
# These are units in brackets, after "in" or after a number; at the end of a name, only behind what they measure.
SHORT_UNITS: Mapping[str, str] = {unit: unit for unit in ("g", "m", "s", "h", "l", "W", "V", "in", "t", "kW")} | {
    "hr": "h"
}
TIME_UNITS = frozenset({"ms", "s", "min", "h", "day", "week", "month", "year"})

_NUTRIENTS = "protein proteins fat fats sugar sugars carb carbs carbohydrates fiber fibre salt sodium"
_LENGTHS = "length width height depth distance diameter radius altitude elevation thickness perimeter"
# What a short unit at the end of a name measures: "body_mass_g".
MEASURED: Mapping[str, frozenset[str]] = {
    unit: frozenset(words.split())
    for unit, words in {
        "g": f"mass weight quantity dose portion {_NUTRIENTS}",
        "t": "mass weight load payload tonnage",
        "m": _LENGTHS,
        "in": _LENGTHS,
        "s": "time duration length runtime delay latency elapsed interval",
        "h": "time duration length runtime delay elapsed interval",
        "hr": "time duration length runtime delay elapsed interval",
        "l": "volume capacity consumption",
        "w": "power wattage output",
        "v": "voltage tension",
        "c": "temp temperature",
        "f": "temp temperature",
    }.items()
}
_OF_MEASURED = {"w": "W", "v": "V", "c": "°C", "f": "°F", "hr": "h"}

# Only behind a number.
_IN_CELLS: Mapping[str, str] = {
    word: unit
    for unit, words in {
        "g": "gram gr gramme",
        "kg": "kilo kilos",
        "lb": "pound",
        "oz": "ounce",
        "km": "kms kilometer kilometre",
        "m": "meter metre",
        "mi": "mile",
        "ft": "foot",
        "in": "inch ″",
        "m²": "sq.m sq m",
        "ft²": "sq.ft",
        "l": "liter litre",
        "ml": "milliliter",
        "W": "w watt",
        "V": "v volt",
        "kW": "kw",
        "s": "second",
        "min": "minute",
        "h": "hour",
        "day": "d day",
        "week": "wk wks week",
        "month": "mo mos mth mths month",
        "year": "y yr yrs year",
        "°C": "°c c°",
        "°F": "°f",
        "GB": "gb gigs",
    }.items()
    for word in words.split()
} | {"sq ft": "ft²", "sq m": "m²", "miles per hour": "mph", "km per hour": "km/h", "miles per gallon": "mpg"}


def unit_of(text: str) -> str | None:
    """Return the unit behind a number: "kg" in "1.5 kg"."""
    folded = text.lower()
    return SHORT_UNITS.get(text) or UNITS.get(folded) or UNITS.get(folded.replace(" ", "")) or _IN_CELLS.get(folded)


def unit_of_measured(words: Sequence[str]) -> str | None:
    """Return the short unit at the end of a name whose other words, in lower case, say what it measures."""
    *measured, last = words
    if MEASURED.get(last, frozenset()).isdisjoint(measured):
        return None
    return _OF_MEASURED.get(last, last)
