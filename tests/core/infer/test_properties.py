"""Whatever the cells are, inference ends with a valid catalog; of one clear kind, in any order, they have its type."""

import datetime as dt
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlp2filters.core.catalog import Catalog, Field, parse, to_json
from nlp2filters.core.infer import Inference, infer
from nlp2filters.errors import InvalidCatalog

HEADERS = st.sampled_from(
    ["x", "price (USD)", "weight_kg", "created_at", "is_new", "order_id", "date", "duration", "tags", "zip", "Total %"]
)
# Texts that look like something.
MARKS = st.text("0123456789.,'’ -−/:$€%kgMhmTZ+()[]{}|;\"exyn\u00a0", max_size=24)
WORDS = st.sampled_from(
    ["N/A", "NA", "-", "null", "yes", "x", "1,5", "1.234", "3 kg", "2024-02-30", "P", "PT1S", "5' 3\""]
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.decimals()
    | st.dates()
    | st.datetimes(timezones=st.none() | st.just(dt.UTC))
    | st.times()
    | st.text()
    | MARKS
    | WORDS
)
CELLS = SCALARS | st.lists(SCALARS, max_size=3)


@given(st.lists(st.dictionaries(HEADERS, CELLS, min_size=1), min_size=1, max_size=12))
def test_any_cells_give_a_valid_catalog_or_a_place(rows: list[Mapping[str, Any]]) -> None:
    try:
        inference = infer("things", rows)
    except InvalidCatalog as exc:
        # No field holds such a value: a signaling NaN, say.
        assert all(violation.pointer for violation in exc.violations)
        return
    check(inference, len(rows))


@given(HEADERS, st.lists(MARKS | WORDS, min_size=1, max_size=12))
def test_any_texts_give_a_valid_catalog(header: str, cells: list[str]) -> None:
    check(infer("things", ({header: cell} for cell in cells)), len(cells))


def check(inference: Inference, rows: int) -> None:
    assert parse(to_json(inference.catalog)) == inference.catalog
    assert [field.name for field in inference.catalog.fields] == [column.name for column in inference.columns]
    for field, column in zip(inference.catalog.fields, inference.columns, strict=True):
        assert (column.type, column.many) == (field.type, field.many)
        assert column.cells + column.unknown == rows
        assert column.cells >= 0
        assert column.unknown >= 0


NUMBERS = st.integers(-(10**9), 10**9)
FRACTIONS = st.decimals(-(10**6), 10**6, places=2)
DAYS = st.dates(dt.date(1950, 1, 1), dt.date(2049, 12, 31))
# Later than the twelfth, so that each cell tells what comes first.
LATE_DAYS = DAYS.map(lambda day: day.replace(day=13 + day.day % 15))


def written(values: st.SearchStrategy[Any], write: Callable[[Any], str]) -> st.SearchStrategy[str]:
    return values.map(write)


def german(number: Decimal | int) -> str:
    return f"{number:,}".translate(str.maketrans(",.", ".,"))


KINDS: dict[str, tuple[st.SearchStrategy[str], dict[str, Any]]] = {
    "integers": (written(NUMBERS, str), {"type": "integer"}),
    "fractions": (written(FRACTIONS, str), {"type": "number"}),
    "thousands": (written(FRACTIONS, "{:,}".format), {"type": "number"}),
    "decimal commas": (written(FRACTIONS, german), {"type": "number"}),
    "euros": (written(FRACTIONS, lambda number: f"{german(number)} €"), {"type": "money", "currency": "EUR"}),
    "dollars": (written(NUMBERS, "${:,}".format), {"type": "money", "currency": "USD"}),
    "kilograms": (written(FRACTIONS, "{} kg".format), {"type": "number", "unit": "kg"}),
    "minutes": (written(st.integers(0, 500), "{} min".format), {"type": "duration", "unit": "min"}),
    "percent": (written(st.integers(0, 100), "{}%".format), {"type": "number", "unit": "%"}),
    "ISO days": (written(DAYS, dt.date.isoformat), {"type": "date"}),
    "day first": (written(LATE_DAYS, "{:%d/%m/%Y}".format), {"type": "date"}),
    "month first": (written(LATE_DAYS, "{:%m/%d/%Y}".format), {"type": "date"}),
    "dashes": (written(LATE_DAYS, "{:%d-%m-%y}".format), {"type": "date"}),
    "month names": (written(DAYS, "{:%b %d, %Y}".format), {"type": "date"}),
    "instants": (written(st.datetimes(timezones=st.just(dt.UTC)), dt.datetime.isoformat), {"type": "datetime"}),
    "times": (written(st.times(), dt.time.isoformat), {"type": "time"}),
    "answers": (written(st.booleans(), lambda answer: "yes" if answer else "no"), {"type": "boolean"}),
}
UNKNOWN = st.lists(st.sampled_from(["", "N/A", "-", "null", "NaN"]), max_size=3)


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
def test_cells_of_one_kind_have_its_type_in_any_order(kind: str, data: st.DataObject) -> None:
    cells, expected = KINDS[kind]
    values = [*data.draw(st.lists(cells, min_size=1, max_size=20)), *data.draw(UNKNOWN)]
    shuffled = data.draw(st.permutations(values))
    field, again = only(values), only(shuffled)
    assert {name: getattr(field, name) for name in expected} == expected
    assert field == again


def only(cells: list[str]) -> Field:
    catalog: Catalog = infer("things", ({"x": cell} for cell in cells), max_distinct=10).catalog
    return catalog.fields[0]
