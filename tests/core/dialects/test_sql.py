"""Filters as SQL text."""

import datetime as dt
import re
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import assume, example, given
from hypothesis import strategies as st
from sqlalchemy.sql.compiler import RESERVED_WORDS

from nlp2filters.core import catalog as catalogs
from nlp2filters.core.catalog import Catalog
from nlp2filters.core.dialects import compile as compile_dialect
from nlp2filters.core.dialects.sql import clauses as sql
from nlp2filters.core.dialects.sql.standard import RESERVED
from nlp2filters.core.filters import And, Between, Comparison, Contains, Filter, IsNull, Not, OneOf, Or
from nlp2filters.core.interpretation import Interpretation, Sort

NOON = dt.datetime(2026, 1, 31, 12, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("node", "where", "params"),
    [
        (Comparison("<=", "price", 80), "price <= :p_1", [80]),
        (Comparison("=", "doors", 4), "doors = :p_1", [4]),
        (Comparison("<>", "doors", 4), "doors <> :p_1", [4]),
        (Comparison("=", "origin", "usa"), "origin = :p_1", ["usa"]),
        (Comparison("=", "brand", "Bose"), "lower(brand) = lower(:p_1)", ["Bose"]),
        (Comparison("<>", "title", "O'Neil"), "lower(title) <> lower(:p_1)", ["O'Neil"]),
        (Comparison("=", "wireless", True), "wireless = :p_1", [True]),
        (Comparison("=", "order by", 1), '"order by" = :p_1', [1]),
        (Between("price", 1, 2), "price BETWEEN :p_1 AND :p_2", [1, 2]),
        (Not(Between("price", 1, 2)), "price NOT BETWEEN :p_1 AND :p_2", [1, 2]),
        (OneOf("origin", ("usa", "japan")), "origin IN (:p_1, :p_2)", ["usa", "japan"]),
        (OneOf("brand", ("Bose", "x")), "lower(brand) IN (lower(:p_1), lower(:p_2))", ["Bose", "x"]),
        (Not(OneOf("doors", (2, 4))), "doors NOT IN (:p_1, :p_2)", [2, 4]),
        (Contains("title", "50%_/\\"), "lower(title) LIKE lower(:p_1) ESCAPE '/'", ["%50/%/_//\\%"]),
        (Not(Contains("title", "a")), "lower(title) NOT LIKE lower(:p_1) ESCAPE '/'", ["%a%"]),
        (IsNull("place"), "place IS NULL", []),
        (Not(IsNull("place")), "place IS NOT NULL", []),
        (Comparison(">", "released", dt.date(2026, 1, 31)), "released > :p_1", ["2026-01-31"]),
        (Comparison(">", "seen", NOON), "seen > :p_1", ["2026-01-31T12:00:00"]),
        (Comparison("<=", "seen", dt.date(2026, 1, 31)), "seen < :p_1", ["2026-02-01T00:00:00"]),
        (Comparison("<", "opens", dt.time(9)), "opens < :p_1", ["09:00:00"]),
        (
            And((IsNull("brand"), Or((Comparison("<", "doors", 3), Not(Comparison("=", "rating", 5)))))),
            "brand IS NULL AND (doors < :p_1 OR rating <> :p_2)",
            [3, 5],
        ),
        (
            Not(And((IsNull("brand"), Comparison("<", "doors", 3)))),
            "(brand IS NOT NULL OR doors >= :p_1)",
            [3],
        ),
    ],
)
def test_where(shop: Catalog, node: Filter, where: str, params: list[Any]) -> None:
    written = compile_dialect("sql", Interpretation(filter=node), shop)
    assert written["where"] == where
    assert written["params"] == {f"p_{index}": value for index, value in enumerate(params, 1)}


def test_nothing_asked(shop: Catalog) -> None:
    assert compile_dialect("sql", Interpretation(), shop) == {
        "where": None,
        "params": {},
        "types": {},
        "order_by": None,
        "limit": None,
        "statement": "SELECT * FROM shop",
        "lossy": [],
    }


def test_the_whole_statement(shop: Catalog) -> None:
    asked = Interpretation(
        filter=Comparison("<=", "price", 80), sort=(Sort("doors", "asc"), Sort("order by", "desc")), limit=10
    )
    order = 'doors ASC, CASE WHEN "order by" IS NULL THEN 1 ELSE 0 END, "order by" DESC'
    assert compile_dialect("sql", asked, shop) == {
        "where": "price <= :p_1",
        "params": {"p_1": 80},
        "types": {"p_1": "BIGINT"},
        "order_by": order,
        "limit": 10,
        "statement": f"SELECT * FROM shop WHERE price <= :p_1 ORDER BY {order} LIMIT 10",
        "lossy": [],
    }


def test_the_clause_joins_any_statement(shop: Catalog) -> None:
    table = sa.Table("stock", sa.MetaData(), sa.Column("doors", sa.Integer))
    scope = sql.where_clause(Comparison(">", "doors", 1), shop)
    statement = sa.select(table).where(scope, sql.where_clause(Comparison("<", "doors", 5), shop))
    assert str(statement.compile()).endswith("WHERE doors > :p_1 AND doors < :p_2")


def test_rows_without_a_value_come_last(shop: Catalog) -> None:
    engine = sa.create_engine("sqlite://")
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE shop (price REAL)"))
        connection.execute(sa.text("INSERT INTO shop VALUES (NULL), (2), (1)"))
        for direction, expected in (("asc", [1, 2, None]), ("desc", [2, 1, None])):
            written = compile_dialect("sql", Interpretation(sort=(Sort("price", direction),)), shop)  # type: ignore[arg-type]
            assert list(connection.execute(sa.text(written["statement"])).scalars()) == expected
    engine.dispose()


nasty = st.text(alphabet="ab'\"`;-:%_/\\() \n\0é", min_size=1, max_size=12)


def shape(statement: str, names: set[str]) -> list[str]:
    """The statement as a list of tokens, every one a known word, sign, parameter or identifier of `names`.

    Fails on anything else, also on a string literal other than the escape character.
    """
    allowed = {"SELECT", "FROM", "WHERE", "AND", "OR", "NOT", "IN", "IS", "NULL", "LIKE", "ESCAPE", "BETWEEN", "lower"}
    allowed |= {"ORDER", "BY", "ASC", "DESC", "CASE", "WHEN", "THEN", "ELSE", "END", "LIMIT", "0", "1", "'/'"}
    token = re.compile(r"""\s+|(?P<quoted>"(?:[^"]|"")*")|:\w+|'/'|[A-Za-z_]\w*|[01]|<=|>=|<>|[=<>(),*]""")
    tokens, at = [], 0
    while at < len(statement):
        match = token.match(statement, at)
        assert match, statement[at:]
        at, word = match.end(), match.group()
        if quoted := match.group("quoted"):
            # In text for SQLAlchemy, a backslash escapes a colon.
            assert quoted[1:-1].replace('""', '"').replace("\\:", ":") in names
        elif re.match(r"\w", word):
            assert word in allowed | names, word
        if not word.isspace():
            tokens.append(word)
    return tokens


@example(["price\n", "_\n", "a b"], "x", "y")
@given(st.lists(nasty, min_size=3, max_size=3, unique=True), nasty, nasty)
def test_values_and_names_stay_out_of_the_text(names: list[str], value: str, other: str) -> None:
    assume(value != other)
    table, first, second = names
    catalog = catalogs.parse(
        {"name": table, "fields": [{"name": first, "type": "text"}, {"name": second, "type": "integer"}]}
    )

    def tokens(value: str, other: str) -> list[str]:
        node = Or(
            (
                And((Comparison("=", first, value), Not(Contains(first, other)), Not(IsNull(second)))),
                Not(OneOf(first, (value, other))),
                Not(Between(second, 1, 2)),
            )
        )
        asked = Interpretation(filter=node, sort=(Sort(first, "asc"), Sort(second, "desc")), limit=1)
        written = compile_dialect("sql", asked, catalog)
        assert set(written["params"]) == {f"p_{n}" for n in range(1, 7)}
        return shape(written["statement"], {table, first, second})

    assert tokens(value, other) == tokens("x", "y")


def test_text_and_clauses_quote_the_same_words() -> None:
    assert RESERVED == RESERVED_WORDS
