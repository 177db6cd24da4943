"""The table of usual units says what pint says."""

import subprocess
import sys

import orjson
import pytest

from nlp2filters.core import units
from tools.unit_table import row, usual

NAMES = usual()
VALUES = (0, 1, 3.5, 2500, -40, 1e6)


def by_pint(value: float, unit: str, to: str) -> float | None:
    source, target = units.parse(unit), units.parse(to)
    if source is None or target is None or source.dimensionality != target.dimensionality:
        return None
    magnitude = float(units.registry().Quantity(value, source).to(target).magnitude)
    return units.whole(float(f"{magnitude:.{units.SIGNIFICANT}g}"))


def test_the_table_is_complete_and_up_to_date() -> None:
    assert orjson.loads(units.TABLE.read_bytes()) == {name: row(name) for name in NAMES}, (
        "run: python -m tools.unit_table"
    )


@pytest.mark.parametrize("unit", NAMES)
def test_a_unit_of_the_table_is_that_of_pint(unit: str) -> None:
    parsed = units.parse(unit)
    assert units.dimension(unit) == (None if parsed is None else str(parsed.dimensionality))
    assert units.measure(unit) == (None if parsed is None else frozenset(parsed.dimensionality.items()))
    for to in NAMES:
        for value in VALUES if to != unit else ():
            converted, expected = units.convert(value, unit, to), by_pint(value, unit, to)
            assert converted == expected or converted == pytest.approx(expected, rel=1e-5)


def test_other_units_are_those_of_pint() -> None:
    assert units.convert(1, "furlong", "meter") == 201.168
    assert units.convert(2, "stone", "kilogram") == 12.7006
    assert units.dimension("lightyear") == "[length]"
    assert units.dimension("no such unit") is None
    assert units.convert(1, "USD", "kilogram") is None


def test_usual_units_load_no_library() -> None:
    asked = "print(convert(2, 'pound', 'gram'), 'pint' in sys.modules)"
    script = f"import sys; from nlp2filters.core.units import convert; {asked}"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["907.185", "False"]
