"""SQL for each engine: what its documentation says about parameters, identifiers, long lists, order and limit."""

import json
import re
import sqlite3
from typing import Any

import duckdb
import pytest
import sqlalchemy as sa
import sqlglot
from sqlglot import exp

from nlp2filters.core import catalog as catalogs
from nlp2filters.core.catalog import Catalog
from nlp2filters.core.dialects import DIALECTS, Options, sql
from nlp2filters.core.dialects import compile as compile_dialect
from nlp2filters.core.filters import And, Comparison, Contains, Filter, IsNull, Not, OneOf
from nlp2filters.core.interpretation import Interpretation, Sort
from nlp2filters.core.mapping import EngineMapping, ParamStyle, StoredField

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

HOSTILE = (
    *(
        "'",
        '"',
        "`",
        "[",
        "]",
        "]]",
        "\\",
        "\\'",
        "a'b",
        'a"b',
        "a`b",
        "a]b",
        "a.b",
        "a b",
        "order",
        "select",
        "ä",
        "東京",
    ),
    *("; DROP TABLE shop", "' OR '1'='1", '" OR ""="', "` OR 1 --", "] OR 1=1 --", "/*", "*/", "--", "#", "1", "0x41"),
    *(
        ":p_1",
        ":p_1 ",
        "\\:p_1",
        "::p_1",
        "%(p_1)s",
        "%s",
        "%",
        "%%",
        "?",
        "$1",
        "$p_1",
        "@p_1",
        "{p_1:String}",
        "{0}",
        "{}",
    ),
    *("\n", "a\n", "\ta", "\r", "\x1a", "\x7f", "\u2028", "null", "NULL", "true", "x" * 60, "value", "element", "list"),
)


@pytest.mark.parametrize("name", ["sqlite", "duckdb"])
@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_names_and_values_come_back_from_the_engine(name: str, text: str) -> None:
    column, table = f"{text}", f"t{text}"
    fields = [{"name": column, "type": "keyword"}, {"name": "n" + text, "type": "keyword", "many": True}]
    catalog = catalogs.parse({"name": table, "fields": fields})
    node = And((Comparison("=", column, text), Contains(column, text), Comparison("=", "n" + text, text)))
    if not text.strip():
        node = And((Comparison("=", column, text), Comparison("=", "n" + text, text)))
    written = compiled(name, node, catalog, sort=(Sort(column, "asc"),), limit=1)
    quoted = ['"' + part.replace('"', '""') + '"' for part in (table, column, "n" + text)]
    connection: Any = sqlite3.connect(":memory:") if name == "sqlite" else duckdb.connect(":memory:")
    list_type = "VARCHAR" if name == "sqlite" else "VARCHAR[]"
    connection.execute(f"CREATE TABLE {quoted[0]} ({quoted[1]} VARCHAR, {quoted[2]} {list_type})")
    for held in (text, "other"):
        values = json.dumps([held]) if name == "sqlite" else [held]
        connection.execute(f"INSERT INTO {quoted[0]} VALUES (?, ?)", [held, values])
    assert [row[0] for row in connection.execute(written["statement"], written["params"]).fetchall()] == [text]
    connection.close()


# SQLAlchemy itself takes `%(p_1)s` for a parameter in any name.
@pytest.mark.parametrize("text", [text for text in HOSTILE if text != "%(p_1)s"])
def test_hostile_names_and_values_pass_through_sqlalchemys_text(text: str) -> None:
    catalog = catalogs.parse({"name": f"t{text}", "fields": [{"name": text, "type": "keyword"}]})
    written = compiled("sql", Comparison("=", text, text), catalog)
    table = sa.Table(f"t{text}", sa.MetaData(), sa.Column(text, sa.String, quote=True), quote=True)
    engine = sa.create_engine("sqlite://")
    with engine.begin() as connection:
        table.create(connection)
        connection.execute(sa.insert(table).values([text]))
        connection.execute(sa.insert(table).values(["other"]))
        rows = connection.execute(sa.text(written["statement"]), written["params"]).all()
    engine.dispose()
    assert [row[0] for row in rows] == [text]


LANGUAGES = {
    "postgresql": ("postgres", "numeric_dollar"),
    "mysql": ("mysql", "qmark"),
    "mssql": ("tsql", "at"),
    "bigquery": ("bigquery", "at"),
    "snowflake": ("snowflake", "qmark"),
    "clickhouse": ("clickhouse", "typed"),
}


@pytest.mark.parametrize("name", LANGUAGES)
@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_names_and_values_are_one_token_each(name: str, text: str) -> None:
    language, style = LANGUAGES[name]
    catalog = catalogs.parse({"name": f"t{text}", "fields": [{"name": text, "type": "keyword"}]})
    node = And((Comparison("=", text, text), IsNull(text)))
    written = compiled(name, node, catalog, paramstyle=style)
    tree = sqlglot.parse_one(written["statement"], read=language)
    # In BigQuery, a dot leads into a STRUCT.
    last = text.split(".")[-1] if name == "bigquery" else text
    assert [column.name for column in tree.find_all(exp.Column)] == [last, last]
    (table,) = tree.find_all(exp.Table)
    assert table.name == (last if "." in text and name == "bigquery" else f"t{text}")
    assert list(written["params"] if isinstance(written["params"], list) else written["params"].values()) == [text]


@pytest.mark.parametrize("name", ["postgresql", "mysql", "mssql", "bigquery", "snowflake"])
@pytest.mark.parametrize("text", HOSTILE)
def test_no_part_of_a_name_is_a_parameter_for_a_client_that_formats(name: str, text: str) -> None:
    catalog = catalogs.parse({"name": "t", "fields": [{"name": text, "type": "keyword"}]})
    node = Comparison("=", text, "x")
    other = next(style for style in DIALECTS[name].capabilities.paramstyles if style not in ("pyformat", "format"))
    expected = re.sub(r"\$1|\?|@p_1", "<1>", compiled(name, Comparison("=", "brand", "x"), paramstyle=other)["where"])
    column = compiled(name, IsNull(text), catalog, paramstyle=other)["where"].removesuffix(" IS NULL")
    formatted = compiled(name, node, catalog, paramstyle="pyformat")["where"] % {"p_1": "<1>"}
    quoted_brand = compiled(name, IsNull("brand"), paramstyle=other)["where"].removesuffix(" IS NULL")
    assert formatted == expected.replace(quoted_brand, column)


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
