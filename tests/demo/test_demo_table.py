"""The demo rows in SQLite."""

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import sqlalchemy as sa

from nlp2filters import demo
from nlp2filters.demo import table
from nlp2filters.errors import CatalogNotFound

origin, year = sa.column("Origin", sa.String()), sa.column("Year", sa.Integer())
mpg = sa.column("Miles_per_Gallon", sa.Float())
released, budget = sa.column("Release_Date", sa.Date()), sa.column("Production_Budget", sa.Float())


@pytest.mark.parametrize("name", demo.NAMES)
def test_without_a_filter_all_rows_come_back_as_they_are(name: str) -> None:
    count, rows = table.select(name)
    expected = [dict(row) for row in demo.rows(name)]
    assert (count, rows) == (len(expected), expected)
    assert [[type(value) for value in row.values()] for row in rows] == [
        [type(value) for value in row.values()] for row in expected
    ]


@pytest.mark.parametrize(
    ("name", "where", "test"),
    [
        ("cars", origin == "Japan", lambda row: row["Origin"] == "Japan"),
        ("cars", mpg.is_(None), lambda row: row["Miles_per_Gallon"] is None),
        ("cars", sa.not_(mpg > 20), lambda row: row["Miles_per_Gallon"] is not None and row["Miles_per_Gallon"] <= 20),
        (
            "cars",
            sa.and_(year >= 1980, mpg > 40),
            lambda row: row["Year"] >= 1980 and (row["Miles_per_Gallon"] or 0) > 40,
        ),
        ("movies", released >= dt.date(2010, 1, 1), lambda row: row["Release_Date"].year == 2010),
        ("movies", budget > 2e8, lambda row: row["Production_Budget"] > 2e8),
    ],
)
def test_rows_are_those_that_satisfy_the_filter(name: str, where: Any, test: Any) -> None:
    expected = [dict(row) for row in demo.rows(name) if test(row)]
    assert expected
    assert table.select(name, where) == (len(expected), expected)


def test_the_count_is_of_all_rows_whatever_the_limit() -> None:
    count, rows = table.select("cars", origin == "Europe", [mpg.desc(), year], 3)
    assert count == 73
    assert [row["Miles_per_Gallon"] for row in rows] == [44.3, 44.0, 43.4]


def test_no_row() -> None:
    assert table.select("cars", year > 2000) == (0, [])


def test_threads_do_not_disturb_one_another() -> None:
    def ask(number: int) -> int:
        count, rows = table.select("cars", year == 1970 + number % 13)
        assert {row["Year"] for row in rows} == {1970 + number % 13}
        return count

    with ThreadPoolExecutor(8) as pool:
        counts = list(pool.map(ask, range(130)))
    assert sum(counts) == 10 * 406


def test_another_name_is_not_found() -> None:
    with pytest.raises(CatalogNotFound):
        table.select("bikes")
