"""What people ask of the demo catalogs, and the exact filter that each sentence means."""

import datetime as dt
from functools import cache
from typing import Any

import pytest

from nlp2filters import demo
from nlp2filters.core.filters import (
    Between,
    Comparison,
    Contains,
    Filter,
    IsNull,
    Not,
    OneOf,
    all_of,
    any_of,
)
from nlp2filters.core.interpretation import Interpretation, Sort, resolve
from nlp2filters.core.linking import Lexicon
from nlp2filters.core.parser import parse
from nlp2filters.demo import table
from tests.reference import holds

TODAY = dt.date(2026, 11, 24)


@cache
def lexicon(catalog: str) -> Lexicon:
    return Lexicon.of(demo.catalog(catalog))


def read(catalog: str, text: str) -> Interpretation:
    return resolve(parse(text, lexicon(catalog), today=TODAY), TODAY)


def day(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


def years(first: int, last: int) -> Filter:
    return Between("Release_Date", dt.date(first, 1, 1), dt.date(last, 12, 31))


ORIGIN, MPG, HP, LBS, CYL, YEAR = "Origin", "Miles_per_Gallon", "Horsepower", "Weight_in_lbs", "Cylinders", "Year"
GENRE, RELEASE, IMDB, BUDGET, MINUTES = (
    "Major_Genre",
    "Release_Date",
    "IMDB_Rating",
    "Production_Budget",
    "Running_Time_min",
)
C = Comparison

CARS: list[tuple[str, list[Filter], dict[str, Any]]] = [
    ("japanese cars with at least 30 mpg", [C("=", ORIGIN, "Japan"), C(">=", MPG, 30)], {}),
    (
        "8 cylinders, over 200 horsepower, not american",
        [C("=", CYL, 8), C(">", HP, 200), C("<>", ORIGIN, "USA")],
        {},
    ),
    (
        "european or japanese, 1980 or later, under 2500 lbs",
        [OneOf(ORIGIN, ("Europe", "Japan")), C(">=", YEAR, 1980), C("<", LBS, 2500)],
        {},
    ),
    ("between 100 and 150 hp and fewer than 6 cylinders", [Between(HP, 100, 150), C("<", CYL, 6)], {}),
    (
        "the ten most economical cars from 1975 to 1978",
        [Between(YEAR, 1975, 1978)],
        {"sort": (Sort(MPG, "desc"),), "limit": 10},
    ),
    ("lightest first, no european cars", [C("<>", ORIGIN, "Europe")], {"sort": (Sort(LBS, "asc"),)}),
    (
        "economical Japanese cars built after 1978",
        [C("=", ORIGIN, "Japan"), C(">", YEAR, 1978)],
        {"sort": (Sort(MPG, "desc"),)},
    ),
    (
        "not American, over 100 horsepower, 4 or 6 cylinders",
        [C("<>", ORIGIN, "USA"), C(">", HP, 100), OneOf(CYL, (4, 6))],
        {},
    ),
    ("the 10 quickest cars of 1970", [C("=", YEAR, 1970)], {"sort": (Sort("Acceleration", "asc"),), "limit": 10}),
    ("heavier than 4000 lbs", [C(">", LBS, 4000)], {}),
    ("lighter than 1000 kg, not american", [C("<", LBS, 2204.62), C("<>", ORIGIN, "USA")], {}),
    ("cars that weigh less than a ton", [C("<", LBS, 2000)], {}),
    ("japanese cars or cars with more than 200 hp", [any_of(C("=", ORIGIN, "Japan"), C(">", HP, 200))], {}),  # type: ignore[list-item]
    (
        "american cars with 8 cylinders or japanese cars with 4 cylinders",
        [
            any_of(  # type: ignore[list-item]
                all_of(C("=", ORIGIN, "USA"), C("=", CYL, 8)), all_of(C("=", ORIGIN, "Japan"), C("=", CYL, 4))
            )
        ],
        {},
    ),
    ("neither american nor japanese", [Not(OneOf(ORIGIN, ("USA", "Japan")))], {}),
    ("not japanese or european", [Not(OneOf(ORIGIN, ("Japan", "Europe")))], {}),
    ("any car but american", [C("<>", ORIGIN, "USA")], {}),
    ("the lightest car", [], {"sort": (Sort(LBS, "asc"),), "limit": 1}),
    ("top 5 by horsepower", [], {"sort": (Sort(HP, "desc"),), "limit": 5}),
    ("Over 100 HP and under 200, not japanese", [C(">", HP, 100), C("<", HP, 200), C("<>", ORIGIN, "Japan")], {}),
    ("0-60 in less than 10 seconds", [C("<", "Acceleration", 10)], {}),
    ("cars with unknown mpg", [IsNull(MPG)], {}),
    ("around 100 horsepower", [Between(HP, 90, 110)], {}),
    ("no more than 6 cylinders", [C("<=", CYL, 6)], {}),
    (
        "horsepower between 90 and 110, sorted by weight descending",
        [Between(HP, 90, 110)],
        {"sort": (Sort(LBS, "desc"),)},
    ),
    (
        "4-cylinder cars from europe made before 1974",
        [C("=", CYL, 4), C("=", ORIGIN, "Europe"), C("<", YEAR, 1974)],
        {},
    ),
    ("cars built in the seventies", [Between(YEAR, 1970, 1979)], {}),
    ("weight > 3000 and mpg >= 25", [C(">", LBS, 3000), C(">=", MPG, 25)], {}),
    ("ford or chevrolet", [any_of(Contains("Name", "ford"), Contains("Name", "chevrolet"))], {}),  # type: ignore[list-item]
    ('called "ford pinto"', [Contains("Name", "ford pinto")], {}),
    ("japaneese cars with 30 to 40 mpg", [C("=", ORIGIN, "Japan"), Between(MPG, 30, 40)], {}),
    ("sort by year, then by mpg descending", [], {"sort": (Sort(YEAR, "asc"), Sort(MPG, "desc"))}),
    (
        "a vehicle from Japan that weighs at most 2,000 pounds and does 0-60 in 15 seconds or less",
        [C("=", ORIGIN, "Japan"), C("<=", LBS, 2000), C("<=", "Acceleration", 15)],
        {},
    ),
    ("show us all the cars", [], {}),
]

MOVIES: list[tuple[str, list[Filter], dict[str, Any]]] = [
    (
        "PG-13 comedies under 100 minutes",
        [C("=", "MPAA_Rating", "PG-13"), C("=", GENRE, "Comedy"), C("<", MINUTES, 100)],
        {},
    ),
    (
        "sci-fi films with a budget over $100 million",
        [C("=", "Creative_Type", "Science Fiction"), C(">", BUDGET, 100_000_000)],
        {},
    ),
    ("films by Steven Spielberg or Ridley Scott", [OneOf("Director", ("Steven Spielberg", "Ridley Scott"))], {}),
    (
        "horror movies released after 2005, not from Lionsgate",
        [C("=", GENRE, "Horror"), C(">", RELEASE, day("2005-12-31")), C("<>", "Distributor", "Lionsgate")],
        {},
    ),
    (
        "the 10 most successful films of 2003",
        [years(2003, 2003)],
        {"sort": (Sort("Worldwide_Gross", "desc"),), "limit": 10},
    ),
    (
        "romcoms with an IMDb rating above 7, newest first",
        [C("=", GENRE, "Romantic Comedy"), C(">", IMDB, 7)],
        {"sort": (Sort(RELEASE, "desc"),)},
    ),
    ("movies longer than 2 hours", [C(">", MINUTES, 120)], {}),
    ("movies under an hour and a half", [C("<", MINUTES, 90)], {}),
    ("released in December 2005", [Between(RELEASE, day("2005-12-01"), day("2005-12-31"))], {}),
    ("movies from the 90s with imdb rating over 8", [years(1990, 1999), C(">", IMDB, 8)], {}),
    ("movies since 2008", [C(">=", RELEASE, day("2008-01-01"))], {}),
    ("movies released before 1990", [C("<", RELEASE, day("1990-01-01"))], {}),
    ("released last year", [years(2025, 2025)], {}),
    ("films from the last 7 days", [Between(RELEASE, day("2026-11-17"), day("2026-11-24"))], {}),
    ("movies not rated R", [C("<>", "MPAA_Rating", "R")], {}),
    (
        "comedies except those from Disney",
        [C("=", GENRE, "Comedy"), C("<>", "Distributor", "Walt Disney Pictures")],
        {},
    ),
    (
        "warner or paramount films with budget between 50 and 100 million",
        [OneOf("Distributor", ("Warner Bros.", "Paramount Pictures")), Between(BUDGET, 50_000_000, 100_000_000)],
        {},
    ),
    (
        "james cameron or steven spielberg science fiction, over 2 hours",
        [
            OneOf("Director", ("James Cameron", "Steven Spielberg")),
            C("=", "Creative_Type", "Science Fiction"),
            C(">", MINUTES, 120),
        ],
        {},
    ),
    ("films that made over $200 million worldwide", [C(">", "Worldwide_Gross", 200_000_000)], {}),
    ("more than 100,000 votes", [C(">", "IMDB_Votes", 100_000)], {}),
    ("rotten tomatoes at least 80%", [C(">=", "Rotten_Tomatoes_Rating", 80)], {}),
    ("movies rated higher than 8", [C(">", IMDB, 8)], {}),
    ("imdb 8+", [C(">=", IMDB, 8)], {}),
    ("highest rated dramas", [C("=", GENRE, "Drama")], {"sort": (Sort(IMDB, "desc"),)}),
    ("films by nolan", [C("=", "Director", "Christopher Nolan")], {}),
    ("movies by Steven Speilberg", [C("=", "Director", "Steven Spielberg")], {}),
    ("titled Batman", [Contains("Title", "Batman")], {}),
    ("3 dramas from 2004", [C("=", GENRE, "Drama"), years(2004, 2004)], {"limit": 3}),
    (
        "summer 2007 action movies",
        [Between(RELEASE, day("2007-06-01"), day("2007-08-31")), C("=", GENRE, "Action")],
        {},
    ),
    # Every film has one, be it "Not Rated": nothing matches.
    ("movies with no mpaa rating", [IsNull("MPAA_Rating")], {"asks": True}),
    (
        "based on a true story, R-rated, not by Universal",
        [
            C("=", "Source", "Based on Real Life Events"),
            C("=", "MPAA_Rating", "R"),
            C("<>", "Distributor", "Universal"),
        ],
        {},
    ),
    (
        "Christopher Nolan, not Batman",
        [C("=", "Director", "Christopher Nolan"), Not(Contains("Title", "Batman"))],
        {},
    ),
]


@pytest.mark.parametrize(
    ("catalog", "text", "parts", "rest"),
    [("cars", *case) for case in CARS] + [("movies", *case) for case in MOVIES],
    ids=[case[0] for case in (*CARS, *MOVIES)],
)
def test_the_filter_that_a_person_would_write(
    catalog: str, text: str, parts: list[Filter], rest: dict[str, Any]
) -> None:
    found = read(catalog, text)
    assert found.filter == all_of(*parts)
    assert (found.sort, found.limit, found.text) == (rest.get("sort", ()), rest.get("limit"), "")
    assert (found.clarification is not None) == rest.get("asks", False)
    assert [part for part in found.ignored if part.reason != "names the records"] == []


@pytest.mark.parametrize(
    ("catalog", "text"),
    [("cars", case[0]) for case in CARS] + [("movies", case[0]) for case in MOVIES],
)
def test_the_compiled_sql_selects_the_rows_that_the_filter_means(catalog: str, text: str) -> None:
    found = read(catalog, text)
    count, selected = table.select(catalog, found)
    meant = [dict(row) for row in demo.rows(catalog) if found.filter is None or holds(found.filter, row)]
    assert count == len(meant)
    assert sorted(map(repr, selected)) == sorted(map(repr, meant))
    for sort in found.sort[:1]:
        values = [row[sort.field] for row in selected if row[sort.field] is not None]
        assert values == sorted(values, reverse=sort.direction == "desc")


@pytest.mark.parametrize("catalog", demo.NAMES)
def test_the_examples_are_understood_to_the_last_word(catalog: str) -> None:
    for example in demo.catalog(catalog).examples:
        found = read(catalog, example)
        assert found.conditions
        assert (found.text, found.clarification) == ("", None), example


def test_what_nobody_knows_is_words_to_search_for() -> None:
    found = read("movies", "gritty heist movies over 2 hours")
    assert (found.text, found.filter) == ("gritty heist", C(">", MINUTES, 120))


def test_numbers_inside_a_name_stay_with_it() -> None:
    assert read("movies", "apollo 13").text == "apollo 13"


def test_another_currency_is_not_guessed_at() -> None:
    found = read("movies", "made for less than €10 million")
    assert found.filter is None
    reason = "Worldwide gross is in USD, not in EUR"
    assert {part.quote: part.reason for part in found.ignored}["€10 million"] == reason
    assert found.clarification
    assert reason in found.clarification.question


def test_a_value_that_three_fields_could_take_is_asked_about() -> None:
    found = read("movies", "films under $50 million")
    assert found.filter is not None
    assert found.clarification
    assert len(found.clarification.choices) == 3
    assert len(found.conditions[0].alternatives) == 2
    assert found.conditions[0].confidence < 0.5


def test_both_readings_of_next_friday() -> None:
    found = read("movies", "released next Friday")
    assert found.filter == C("=", RELEASE, day("2026-11-27"))
    assert [other.test for other in found.conditions[0].alternatives] == [C("=", RELEASE, day("2026-12-04"))]
    assert found.clarification


@pytest.mark.parametrize(
    ("text", "quotes"),
    [
        ("8 cylinders, not american", ["8 cylinders", "not american"]),
        ("european or japanese, under 2500 lbs", ["european or japanese", "under 2500 lbs"]),
        ("🚗🚗 japanese cars", ["japanese"]),
    ],
)
def test_every_condition_quotes_its_words(text: str, quotes: list[str]) -> None:
    found = read("cars", text)
    assert [condition.quote for condition in found.conditions] == quotes
    assert all(condition.span.of(text) == condition.quote for condition in found.conditions)
