"""Units of measure: their dimensions and conversions. Names are those of the pint library.

The library takes a fifth of a second to load, so that the first unit does it: many texts and tables have none.
"""

from collections.abc import Hashable
from functools import cache, lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pint

SIGNIFICANT = 6
MAX_CACHED = 4096


@lru_cache(maxsize=MAX_CACHED)
def dimension(unit: str) -> str | None:
    """Return the dimension of a unit, such as "[mass]" or "[length] / [time]"; None for an unknown unit."""
    parsed = _parse(unit)
    return str(parsed.dimensionality) if parsed is not None else None


def measure(unit: str) -> Hashable | None:
    """Return a key that all units of one dimension share; None for an unknown unit."""
    parsed = _parse(unit)
    return frozenset(parsed.dimensionality.items()) if parsed is not None else None


@lru_cache(maxsize=MAX_CACHED)
def convert(value: int | float, unit: str, to: str) -> int | float | None:
    """Convert a value to another unit, to six significant digits; None if they measure different things."""
    if unit == to:
        return value
    source, target = _parse(unit), _parse(to)
    if source is None or target is None or source.dimensionality != target.dimensionality:
        return None
    magnitude = float(_registry().Quantity(value, source).to(target).magnitude)
    return whole(float(f"{magnitude:.{SIGNIFICANT}g}"))


def whole(number: float) -> int | float:
    """Return the number as an int if it is whole."""
    return int(number) if number == int(number) else number


@cache
def _registry() -> "pint.UnitRegistry[float]":
    import pint

    # An empty registry keeps no dimensions yet that the last definitions would have to change.
    registry: pint.UnitRegistry[float] = pint.UnitRegistry(None, on_redefinition="ignore")
    registry.load_definitions(str(files("pint") / "default_en.txt"))
    # For pint, bits have no dimension, so that bytes could be converted to percent.
    registry.define("bit = [information]")
    return registry


@lru_cache(maxsize=MAX_CACHED)
def _parse(unit: str) -> "pint.Unit | None":
    try:
        return _registry().parse_units(unit)
    # For a unit that it cannot parse, pint raises exceptions of many types.
    except Exception:
        return None
