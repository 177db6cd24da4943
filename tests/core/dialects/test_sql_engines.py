"""SQL for each engine: what its documentation says about parameters, identifiers, long lists, order and limit."""

import json
import sqlite3
from typing import Any

import duckdb
import pytest
import sqlalchemy as sa

from nlp2filters.core import catalog as catalogs
from nlp2filters.core.catalog import Catalog
from nlp2filters.core.dialects import DIALECTS, Options, sql
from nlp2filters.core.dialects import compile as compile_dialect
from nlp2filters.core.filters import And, Comparison, Contains, Filter, Not, OneOf
from nlp2filters.core.interpretation import Interpretation, Sort
from nlp2filters.core.mapping import EngineMapping, ParamStyle, StoredField
from tests.core.dialects.test_hostile import TEXTS

NAMES = [dialect.name for dialect in sql.DIALECTS]
every = pytest.mark.parametrize("name", NAMES)
SHOP = catalogs.parse(
    {
        "name": "shop",
        "fields": [
            {"name": "brand", "type": "keyword"},
            {"name": "origin", "type": "keyword", "closed": True, "values": ["usa"]},
            {"name": "doors", "type": "integer"},
            {"name": "id", "type": "integer", "nullable": False},
            {"name": "tags", "type": "keyword", "many": True},
        ],
    }
)


def compiled(name: str, node: Filter | None = None, catalog: Catalog = SHOP, /, **options: Any) -> dict[str, Any]:
    sort, limit = options.pop("sort", ()), options.pop("limit", None)
    mapping = EngineMapping(**options)
    reading = Interpretation(filter=node, sort=sort, limit=limit)
    return compile_dialect(name, reading, catalog, Options(mappings={name: mapping}))


# Parameters


@pytest.mark.parametrize(
    ("style", "where"),
    [
        ("named", "`doors` > :p_1 AND `id` < :p_2"),
        ("qmark", "`doors` > ? AND `id` < ?"),
        ("dollar", "`doors` > $p_1 AND `id` < $p_2"),
        ("at", "`doors` > @p_1 AND `id` < @p_2"),
    ],
)
def test_sqlite_takes_four_notations(style: ParamStyle, where: str) -> None:
    node = And((Comparison(">", "doors", 1), Comparison("<", "id", 9)))
    written = compiled("sqlite", node, paramstyle=style)
    assert written["where"] == where
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE shop (doors, id)")
    connection.executemany("INSERT INTO shop VALUES (?, ?)", [(1, 1), (2, 2), (3, 9)])
    assert connection.execute(written["statement"], written["params"]).fetchall() == [(2, 2)]
    connection.close()


@every
def test_every_notation_binds_the_same_values(name: str) -> None:
    node = And((Comparison(">", "doors", 1), Contains("brand", "50%"), OneOf("origin", ("usa", "x"))))
    usual = compiled(name, node)
    values = list(usual["params"].values() if isinstance(usual["params"], dict) else usual["params"])
    for style in DIALECTS[name].capabilities.paramstyles:
        written = compiled(name, node, paramstyle=style)
        params, types = written["params"], written["types"]
        assert len(params) == len(types)
        assert (list(params.values()) if isinstance(params, dict) else params) == values


# Identifiers and values

# No engine has the sign U+0000 in a name; SQLAlchemy itself takes `%(x)s` for a parameter in any name.
HOSTILE = [text for text in TEXTS if "\0" not in text and "%(x)s" not in text]


@pytest.mark.parametrize("name", ["sqlite", "duckdb"])
def test_hostile_names_and_values_come_back_from_the_engine(name: str) -> None:
    connection: Any = sqlite3.connect(":memory:") if name == "sqlite" else duckdb.connect(":memory:")
    for number, text in enumerate(HOSTILE):
        table, column, tags = (f"{number}{text}", text, f"n{text}")
        fields = [{"name": column, "type": "keyword"}, {"name": tags, "type": "keyword", "many": True}]
        parts = (Comparison("=", column, text), Comparison("=", tags, text), Contains(column, f"{text}a"))
        node = And((*parts[:2], Not(parts[2])))
        catalog = catalogs.parse({"name": table, "fields": fields})
        written = compiled(name, node, catalog, sort=(Sort(column, "asc"),), limit=1)
        quoted = ['"' + part.replace('"', '""') + '"' for part in (table, column, tags)]
        list_type = "VARCHAR" if name == "sqlite" else "VARCHAR[]"
        connection.execute(f"CREATE TABLE {quoted[0]} ({quoted[1]} VARCHAR, {quoted[2]} {list_type})")
        for held in (text, "other"):
            values = json.dumps([held]) if name == "sqlite" else [held]
            connection.execute(f"INSERT INTO {quoted[0]} VALUES (?, ?)", [held, values])
        rows = connection.execute(written["statement"], written["params"]).fetchall()
        assert [row[0] for row in rows] == [text]
    connection.close()


def test_hostile_names_and_values_pass_through_sqlalchemys_text() -> None:
    engine = sa.create_engine("sqlite://")
    with engine.begin() as connection:
        for number, text in enumerate(HOSTILE):
            name = f"{number}{text}"
            catalog = catalogs.parse({"name": name, "fields": [{"name": text, "type": "keyword"}]})
            written = compiled("sql", Comparison("=", text, text), catalog)
            table = sa.Table(name, sa.MetaData(), sa.Column(text, sa.String, quote=True), quote=True)
            table.create(connection)
            connection.execute(sa.insert(table), [{text: text}, {text: "other"}])
            rows = connection.execute(sa.text(written["statement"]), written["params"])
            assert list(rows.scalars()) == [text]
    engine.dispose()


# Long lists


@every
def test_ten_thousand_values_are_one_parameter(name: str) -> None:
    values = tuple(f"id {number}" for number in range(10_000))
    written = compiled(name, OneOf("origin", values))
    (param,) = written["params"] if isinstance(written["params"], list) else written["params"].values()
    assert (json.loads(param) if isinstance(param, str) else param) == list(values)
    assert written["lossy"] == []


@pytest.mark.parametrize("name", ["sqlite", "duckdb"])
@pytest.mark.parametrize("negated", [False, True])
def test_ten_thousand_values_run(name: str, negated: bool) -> None:
    node: Filter = OneOf("brand", tuple(f"ID {number}" for number in range(10_000)))
    written = compiled(name, Not(node) if negated else node)
    connection: Any = sqlite3.connect(":memory:") if name == "sqlite" else duckdb.connect(":memory:")
    connection.execute("CREATE TABLE shop (brand VARCHAR)")
    connection.execute("INSERT INTO shop VALUES ('id 9999'), ('id 10000'), (NULL)")
    rows = connection.execute(written["statement"], written["params"]).fetchall()
    assert rows == [("id 10000",)] if negated else rows == [("id 9999",)]
    connection.close()


# The statement


@pytest.mark.parametrize(
    ("name", "statement"),
    [
        (
            "sql",
            "SELECT * FROM a.b.goods ORDER BY CASE WHEN doors IS NULL THEN 1 ELSE 0 END, doors DESC, id ASC LIMIT 5",
        ),
        ("postgresql", 'SELECT * FROM "a"."b"."goods" ORDER BY "doors" DESC NULLS LAST, "id" ASC LIMIT 5'),
        (
            "mysql",
            "SELECT * FROM `a`.`b`.`goods` "
            "ORDER BY CASE WHEN `doors` IS NULL THEN 1 ELSE 0 END, `doors` DESC, `id` ASC LIMIT 5",
        ),
        (
            "mssql",
            "SELECT TOP (5) * FROM [a].[b].[goods] "
            "ORDER BY CASE WHEN [doors] IS NULL THEN 1 ELSE 0 END, [doors] DESC, [id] ASC",
        ),
        ("snowflake", "SELECT * FROM a.b.goods ORDER BY doors DESC NULLS LAST, id ASC LIMIT 5"),
        ("bigquery", "SELECT * FROM `a`.`b`.`goods` ORDER BY `doors` DESC NULLS LAST, `id` ASC LIMIT 5"),
    ],
)
def test_order_and_limit(name: str, statement: str) -> None:
    sort = (Sort("doors", "desc"), Sort("id", "asc"))
    assert compiled(name, sort=sort, limit=5, schema="a.b", table="goods")["statement"] == statement


@pytest.mark.parametrize("name", ["sqlite", "duckdb"])
@pytest.mark.parametrize(("direction", "expected"), [("asc", [1, 2, None]), ("desc", [2, 1, None])])
def test_rows_without_a_value_come_last(name: str, direction: Any, expected: list[int | None]) -> None:
    connection: Any = sqlite3.connect(":memory:") if name == "sqlite" else duckdb.connect(":memory:")
    connection.execute("CREATE TABLE shop (doors INTEGER)")
    connection.execute("INSERT INTO shop VALUES (NULL), (2), (1)")
    written = compiled(name, sort=(Sort("doors", direction),))
    assert [row[0] for row in connection.execute(written["statement"]).fetchall()] == expected
    connection.execute("UPDATE shop SET doors = 0 WHERE doors IS NULL")
    written = compiled(name, sort=(Sort("doors", direction),), fields={"doors": StoredField(null=0)})
    rows = connection.execute(written["statement"], written["params"]).fetchall()
    assert [row[0] for row in rows] == [value or 0 for value in expected]
    connection.close()


# What SQL Server's documentation says, since it does not run here:
# https://learn.microsoft.com/en-us/sql/t-sql/language-elements/like-transact-sql


def test_brackets_are_wildcards_in_sql_server() -> None:
    assert compiled("mssql", Contains("brand", "[50%]"))["params"] == {"p_1": "%/[50/%]%"}


# https://www.postgresql.org/docs/current/datatype-character.html


def test_postgresql_has_no_nul_in_texts() -> None:
    for node in (Comparison("=", "brand", "a\0"), Contains("brand", "\0"), OneOf("brand", ("a", "b\0"))):
        written = compiled("postgresql", node)
        assert written["where"] is None
        assert [loss["effect"] for loss in written["lossy"]] == ["wider"]
