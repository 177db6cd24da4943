"""Units of measure: their dimensions and conversions. Names are those of the pint library.

The library takes a third of a second to load, so usual units are in a table that was made from it.
"""

from collections.abc import Hashable, Mapping
from functools import cache, lru_cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import orjson

if TYPE_CHECKING:
    import pint

SIGNIFICANT = 6
MAX_CACHED = 4096
# `python -m tools.unit_table` writes it.
TABLE = Path(__file__).with_name("units.json")


class _Row(NamedTuple):
    """A usual unit: a value in base units is `scale` times the value plus `offset`."""

    scale: float
    offset: float
    dimension: str
    measure: Hashable


@lru_cache(maxsize=MAX_CACHED)
def dimension(unit: str) -> str | None:
    """Return the dimension of a unit, such as "[mass]" or "[length] / [time]"; None for an unknown unit."""
    if unit in _usual():
        row = _usual()[unit]
        return row and row.dimension
    parsed = parse(unit)
    return str(parsed.dimensionality) if parsed is not None else None


def measure(unit: str) -> Hashable | None:
    """Return a key that all units of one dimension share; None for an unknown unit."""
    if unit in _usual():
        row = _usual()[unit]
        return row and row.measure
    parsed = parse(unit)
    return frozenset(parsed.dimensionality.items()) if parsed is not None else None


@lru_cache(maxsize=MAX_CACHED)
def convert(value: int | float, unit: str, to: str) -> int | float | None:
    """Convert a value to another unit, to six significant digits; None if they measure different things."""
    if unit == to:
        return value
    if measure(unit) is None or measure(unit) != measure(to):
        return None
    source, target = _usual().get(unit), _usual().get(to)
    if source and target:
        magnitude = (value * source.scale + source.offset - target.offset) / target.scale
    else:
        magnitude = float(registry().Quantity(value, parse(unit)).to(parse(to)).magnitude)
    return whole(float(f"{magnitude:.{SIGNIFICANT}g}"))


def whole(number: float) -> int | float:
    """Return the number as an int if it is whole."""
    return int(number) if number == int(number) else number


@cache
def _usual() -> Mapping[str, _Row | None]:
    """Return the usual units; of what looks like a unit but is none, such as a currency, None."""
    table = orjson.loads(TABLE.read_bytes()) if TABLE.exists() else {}
    return {unit: row and _Row(row[0], row[1], row[2], frozenset(row[3].items())) for unit, row in table.items()}


@cache
def registry() -> "pint.UnitRegistry[float]":
    """Return pint's units."""
    import pint

    # An empty registry keeps no dimensions yet that the last definitions would have to change.
    registry: pint.UnitRegistry[float] = pint.UnitRegistry(None, on_redefinition="ignore")
    registry.load_definitions(str(files("pint") / "default_en.txt"))
    # For pint, bits have no dimension, so that bytes could be converted to percent.
    registry.define("bit = [information]")
    return registry


@lru_cache(maxsize=MAX_CACHED)
def parse(unit: str) -> "pint.Unit | None":
    """Parse a unit by pint; None for an unknown one."""
    try:
        return registry().parse_units(unit)
    # For a unit that it cannot parse, pint raises exceptions of many types.
    except Exception:
        return None
