"""Engines whose queries are lines of text, compared with what their documentation says."""

from importlib import import_module
from typing import Any

import pytest

from nlp2filters.core.dialects import DIALECTS, Options, strings
from nlp2filters.core.dialects import compile as compile_dialect
from nlp2filters.core.interpretation import Interpretation, Sort
from nlp2filters.core.mapping import EngineMapping
from tests.core.dialects.strings.cases import FILTERS, IN_OTHER_FORMS, NULLS, SHOP, Golden

TABLES: dict[str, Golden] = {
    dialect.name: import_module(f"tests.core.dialects.strings.{dialect.name}").GOLDEN for dialect in strings.DIALECTS
}
CASES = [
    pytest.param(dialect, case, query, effects, id=f"{dialect}-{case}")
    for dialect, table in TABLES.items()
    for page in table.queries.values()
    for case, (query, effects) in page.items()
]


def compiled(dialect: str, case: str, options: Options | None = None) -> tuple[Any, str]:
    """The filter, and the effects of what it leaves out."""
    query = compile_dialect(dialect, Interpretation(filter=FILTERS[case]), SHOP, options or Options())
    effects = " ".join(dict.fromkeys(loss["effect"] for loss in query["lossy"]))
    for part in TABLES[dialect].member.split("."):
        query = query.get(part, "")
    return query, effects


@pytest.mark.parametrize(("dialect", "case", "query", "effects"), CASES)
def test_query(dialect: str, case: str, query: Any, effects: str) -> None:
    assert compiled(dialect, case) == (query, effects)


@pytest.mark.parametrize("dialect", TABLES)
def test_every_filter_is_in_the_table(dialect: str) -> None:
    assert {case for page in TABLES[dialect].queries.values() for case in page} == FILTERS.keys()


@pytest.mark.parametrize("dialect", TABLES)
def test_order_limit_and_words(dialect: str) -> None:
    asked = Interpretation(
        filter=FILTERS["at least"], sort=(Sort("price", "asc"), Sort("brand", "desc")), limit=10, text='noise "x" -y'
    )
    query = compile_dialect(dialect, asked, SHOP)
    assert {**query, "lossy": [loss["pointer"] for loss in query["lossy"]]} == TABLES[dialect].whole


@pytest.mark.parametrize("dialect", TABLES)
def test_stored_forms(dialect: str) -> None:
    options = Options(mappings={dialect: IN_OTHER_FORMS})
    expected = TABLES[dialect].in_other_forms
    assert {case: compiled(dialect, case, options)[0] for case in expected} == expected


@pytest.mark.parametrize("dialect", TABLES)
def test_a_value_that_stands_for_none(dialect: str) -> None:
    options = Options(mappings={dialect: NULLS})
    expected = TABLES[dialect].with_a_value_for_none
    assert {case: compiled(dialect, case, options)[0] for case in expected} == expected


@pytest.mark.parametrize("dialect", TABLES)
def test_unknown_values_can_be_included(dialect: str) -> None:
    expected = TABLES[dialect].including_unknowns
    options = Options(unknown="include")
    assert {case: compiled(dialect, case, options)[0] for case in expected} == expected


def test_a_schema_of_postgrest_is_a_header() -> None:
    options = Options(mappings={"postgrest": EngineMapping(table="a b", schema="x y")})
    query = compile_dialect("postgrest", Interpretation(), SHOP, options)
    assert query == {"params": {}, "url": "/a%20b", "headers": {"Accept-Profile": "x y"}, "lossy": []}


@pytest.mark.parametrize(
    ("dialect", "name"),
    [
        *(("typesense", name) for name in ("a b", "a:b", "a(", "", "1a")),
        *(("algolia", name) for name in ("and", "OR", "not", "To", "a b")),
        *(("milvus", name) for name in ("and", "LIKE", "null", "a.b", "a-b")),
        *(("vespa", name) for name in ("true", "a b", "a;b")),
        *(("odata", name) for name in ("not", "eq", "null", "a.b", "a b", "/a")),
        *(("logql", name) for name in ("and", "json", "by", "a.b")),
        *(("datadog", name) for name in ("a b", "a*")),
    ],
)
def test_a_name_that_the_language_cannot_have(dialect: str, name: str) -> None:
    assert not DIALECTS[dialect].capabilities.can_name(name)
