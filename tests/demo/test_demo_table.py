"""The demo rows in SQLite."""

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from nlp2filters import demo
from nlp2filters.core.dialects import Options
from nlp2filters.core.filters import And, Comparison, Contains, Filter, IsNull, Not
from nlp2filters.core.interpretation import Interpretation, Sort
from nlp2filters.demo import table
from nlp2filters.errors import CatalogNotFound

JAPANESE, THRIFTY = Comparison("=", "Origin", "Japan"), Comparison(">", "Miles_per_Gallon", 20)
FROM_1980 = Comparison(">=", "Year", 1980)


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
        ("cars", JAPANESE, lambda row: row["Origin"] == "Japan"),
        ("cars", IsNull("Miles_per_Gallon"), lambda row: row["Miles_per_Gallon"] is None),
        ("cars", Not(THRIFTY), lambda row: row["Miles_per_Gallon"] is not None and row["Miles_per_Gallon"] <= 20),
        ("cars", And((FROM_1980, THRIFTY)), lambda row: row["Year"] >= 1980 and (row["Miles_per_Gallon"] or 0) > 20),
        ("cars", Contains("Name", "CITROEN"), lambda row: "citroen" in row["Name"]),
        ("movies", Comparison(">=", "Release_Date", dt.date(2010, 1, 1)), lambda row: row["Release_Date"].year == 2010),
        ("movies", Comparison(">", "Production_Budget", 2e8), lambda row: row["Production_Budget"] > 2e8),
    ],
)
def test_rows_are_those_that_satisfy_the_filter(name: str, where: Filter, test: Any) -> None:
    expected = [dict(row) for row in demo.rows(name) if test(row)]
    assert expected
    assert table.select(name, Interpretation(filter=where)) == (len(expected), expected)


def test_letters_beyond_a_to_z_are_folded_too() -> None:
    titles = [title for row in demo.rows("movies") if isinstance(title := row["Title"], str) and not title.isascii()]
    for title in titles:
        _, rows = table.select("movies", Interpretation(filter=Comparison("=", "Title", title.upper())))
        assert [row["Title"] for row in rows] == [title]


def test_rows_without_a_value_are_selected_if_the_caller_says_so() -> None:
    reading = Interpretation(filter=Not(THRIFTY))
    unknown = sum(row["Miles_per_Gallon"] is None for row in demo.rows("cars"))
    with_unknown, _ = table.select("cars", reading, Options(unknown="include"))
    assert with_unknown == table.select("cars", reading)[0] + unknown


def test_the_count_is_of_all_rows_whatever_the_limit() -> None:
    sort = (Sort("Miles_per_Gallon", "desc"), Sort("Year", "asc"))
    count, rows = table.select("cars", Interpretation(Comparison("=", "Origin", "Europe"), sort=sort, limit=2), size=3)
    assert count == 73
    assert [row["Miles_per_Gallon"] for row in rows] == [44.3, 44.0, 43.4]


def test_no_row() -> None:
    assert table.select("cars", Interpretation(Comparison(">", "Year", 2000))) == (0, [])


def test_threads_do_not_disturb_one_another() -> None:
    def ask(number: int) -> int:
        count, rows = table.select("cars", Interpretation(Comparison("=", "Year", 1970 + number % 13)))
        assert {row["Year"] for row in rows} == {1970 + number % 13}
        return count

    with ThreadPoolExecutor(8) as pool:
        counts = list(pool.map(ask, range(130)))
    assert sum(counts) == 10 * 406


def test_another_name_is_not_found() -> None:
    with pytest.raises(CatalogNotFound):
        table.select("bikes")
