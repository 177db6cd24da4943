"""Write the table of usual units from pint, which takes long to load: `python -m tools.unit_table`."""

import orjson

from nlp2filters.core import units
from nlp2filters.core.infer.currencies import CURRENCY_MARKS
from nlp2filters.core.languages import of
from nlp2filters.core.locales import CODES


def usual() -> list[str]:
    """The names of units in the language files, and currencies, which are no units of measure."""
    names = {unit for code in CODES for unit in of(code).units}
    return sorted(names | set(CURRENCY_MARKS.values()))


def row(unit: str) -> list[object] | None:
    parsed = units.parse(unit)
    if parsed is None:
        return None
    quantity = units.registry().Quantity
    offset, one = (quantity(value, parsed).to_base_units().magnitude for value in (0.0, 1.0))
    return [float(one - offset), float(offset), str(parsed.dimensionality), dict(parsed.dimensionality)]


def main() -> None:
    rows = (orjson.dumps({unit: row(unit)}).decode()[1:-1] for unit in usual())
    units.TABLE.write_text("{\n" + ",\n".join(rows) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
