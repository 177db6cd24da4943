"""`make engines`: the languages of engines that cannot run here read every query, by parsers of their makers.

pytest does not collect this module by itself, because the parsers are in JavaScript.
"""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nlp2filters.core.catalog import FieldType
from nlp2filters.core.dialects import Options
from nlp2filters.core.dialects import compile as compile_dialect
from nlp2filters.core.dialects.strings.kusto import KustoWriter
from nlp2filters.core.dialects.writer import Target
from nlp2filters.core.interpretation import Interpretation, Sort
from nlp2filters.core.mapping import EngineMapping, StoredField
from tests.core.dialects.engines.programs import Program
from tests.core.dialects.engines.rows import FILTERS, SHOP, WORDS

TYPES: dict[FieldType, str] = {
    "keyword": "string",
    "text": "string",
    "integer": "long",
    "date": "datetime",
    "datetime": "datetime",
    "time": "timespan",
    "boolean": "bool",
}
READINGS: st.SearchStrategy[Interpretation] = st.builds(
    Interpretation,
    filter=st.none() | FILTERS,
    sort=st.sampled_from(((), (Sort("price", "asc"), Sort("brand", "desc")))),
    limit=st.none() | st.integers(1, 1000),
    text=st.sampled_from(("", *WORDS)),
)
everything = settings(
    max_examples=2_000, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@pytest.fixture(scope="module")
def kusto() -> Iterator[Program]:
    program, writer = Program.node("kusto"), KustoWriter(Target(SHOP))
    columns = [
        f"{writer.name(field)}:{'dynamic' if field.many else TYPES.get(field.type, 'real')}" for field in SHOP.fields
    ]
    assert program.ask(f"({', '.join(columns)})") == []
    yield program
    program.close()


@pytest.fixture(scope="module")
def logql() -> Iterator[Program]:
    program = Program.node("logql")
    yield program
    program.close()


@pytest.mark.timeout(600)
@everything
@given(reading=READINGS)
def test_kusto(kusto: Program, reading: Interpretation) -> None:
    query = compile_dialect("kusto", reading, SHOP)["query"]
    assert kusto.ask(query) == [], query


@pytest.mark.timeout(600)
@everything
@given(reading=READINGS)
def test_logql(logql: Program, reading: Interpretation) -> None:
    mapping = EngineMapping(fields={'the "title"': StoredField(name="title")})
    query = compile_dialect("logql", reading, SHOP, Options(mappings={"logql": mapping}))["query"]
    assert logql.ask(query) == [], query


def test_parsers_find_faults(kusto: Program, logql: Program) -> None:
    assert kusto.ask("shop | where brnd == 1")
    assert kusto.ask('shop | where brand == "a" b"')
    assert logql.ask('{job="a"} | json | b=="a" c')
