"""Phrases by their words: exact, misspelled, by last word and by initials."""

import datetime as dt
from typing import Any

import pytest

from nlp2filters.core import catalog as catalogs
from nlp2filters.core.budget import Budget
from nlp2filters.core.filters import Comparison
from nlp2filters.core.linking import FieldTarget, Lexicon, Match, Target, ValueTarget
from nlp2filters.core.parser import parse


def lexicon(*fields: dict[str, Any], name: str = "things") -> Lexicon:
    return Lexicon.of(catalogs.parse({"name": name, "fields": list(fields)}))


def targets(match: Match | None) -> list[Target]:
    return [candidate.target for candidate in match.candidates] if match else []


FILMS = lexicon(
    {"name": "genre", "type": "keyword", "values": ["science fiction", "fiction"]},
    {"name": "rated", "type": "keyword", "values": ["PG"]},
    {"name": "rating", "type": "number"},
)
GENRE, RATED, RATING = FILMS.catalog.fields


@pytest.mark.parametrize(
    ("text", "length", "expected"),
    [
        ("science fiction", 2, [ValueTarget(GENRE, "science fiction")]),
        ("fiction", 1, [ValueTarget(GENRE, "fiction")]),
        ("genres", 1, [FieldTarget(GENRE)]),
        ("rated", 1, [FieldTarget(RATED), FieldTarget(RATING)]),
        ("science", 0, []),
    ],
    ids=["longest first", "one word", "by stem", "another field by stem", "half a phrase"],
)
def test_the_longest_phrase_counts(text: str, length: int, expected: list[Target]) -> None:
    match = FILMS.match(FILMS.language.tokenize(text), 0)
    assert (match.length if match else 0, targets(match)) == (length, expected)


KINDS = lexicon(
    {
        "name": "kind",
        "type": "keyword",
        "values": [*(f"article {number:05d}" for number in range(10_000)), "wardrobe", "shoe rack", "sofa"],
    }
)


@pytest.mark.parametrize(
    ("text", "length", "value"),
    [
        ("wardorbe", 1, "wardrobe"),
        ("wadrobes", 1, "wardrobe"),
        ("shoe rak", 2, "shoe rack"),
        ("sofo", 1, "sofa"),
        ("bardrobe", 0, None),
        ("wdrbe", 0, None),
        ("sfa", 0, None),
        ("shoe rk", 0, None),
    ],
    ids=["swapped", "two errors", "two words", "short", "first letter", "too far", "too short", "a word too short"],
)
def test_a_misspelling_is_recognized_among_ten_thousand_values(text: str, length: int, value: str | None) -> None:
    match = KINDS.spelled_like(KINDS.language.tokenize(text), 0)
    assert (match.length if match else 0) == length
    assert targets(match) == ([ValueTarget(KINDS.catalog.fields[0], value)] if value else [])
    assert not match or {candidate.source for candidate in match.candidates} == {"fuzzy"}


@pytest.mark.parametrize(
    ("value", "text", "length"),
    [
        ("woman", "women", 1),
        ("shelf", "shelves", 1),
        ("fireman", "firemen", 1),
        ("Entire home/apt", "entire homes", 2),
        ("Crime/Mystery", "mysteries", 1),
        ("Hotel (serviced)", "hotels", 1),
        ("Food & Drink", "food and drink", 3),
        ("Union Sq", "union square", 2),
        ("First Class", "1st class", 3),
        ("female", "women", 1),
        ("N/A", "a", 0),
    ],
)
def test_a_value_has_other_names(value: str, text: str, length: int) -> None:
    kinds = lexicon({"name": "kind", "type": "keyword", "values": [value, "other"]})
    match = kinds.match(kinds.language.tokenize(text), 0)
    assert (match.length if match else 0) == length
    assert targets(match) == ([ValueTarget(kinds.catalog.fields[0], value)] if length else [])


@pytest.mark.parametrize("values", [["female", "woman"], ["Crime/Mystery", "Mystery"]], ids=["another value", "a part"])
def test_what_another_value_is_called_is_no_other_name(values: list[str]) -> None:
    kinds = lexicon({"name": "kind", "type": "keyword", "values": values})
    match = kinds.match(kinds.language.tokenize(values[1]), 0)
    assert targets(match) == [ValueTarget(kinds.catalog.fields[0], values[1])]


def test_a_part_that_two_values_share_means_neither() -> None:
    rooms = lexicon({"name": "room", "type": "keyword", "values": ["Entire home/apt", "Shared home/apt"]})
    assert rooms.match(rooms.language.tokenize("apt"), 0) is None


@pytest.mark.parametrize(
    ("value", "text", "length"),
    [("T-Shirt", "tshirts", 1), ("full-time", "fulltime", 1), ("toolbox", "tool boxes", 2), ("a-b", "ab", 0)],
)
def test_a_value_may_be_written_as_more_or_fewer_words(value: str, text: str, length: int) -> None:
    kinds = lexicon({"name": "kind", "type": "keyword", "values": [value]})
    match = kinds.joined(kinds.language.tokenize(text), 0)
    assert (match.length if match else 0) == length
    assert targets(match) == ([ValueTarget(kinds.catalog.fields[0], value)] if length else [])


CITIES = lexicon(
    *(
        {"name": side, "type": "keyword", "values": ["New York City", "San Diego", "Santo Domingo", "Oslo"]}
        for side in ("origin", "destination")
    ),
    name="flights",
)


@pytest.mark.parametrize(
    ("text", "meant"), [("NYC", "New York City"), ("nyc", None), ("SD", None), ("O", None), ("IN", None)]
)
def test_initials_in_capitals_mean_the_only_name_that_has_them(text: str, meant: str | None) -> None:
    match = CITIES.abbreviation(CITIES.language.tokenize(text), 0)
    assert targets(match) == [ValueTarget(field, meant) for field in CITIES.catalog.fields if meant]


def test_an_abbreviated_value_goes_to_its_side() -> None:
    (condition,) = parse("flights to NYC", CITIES, today=dt.date(2026, 11, 24)).conditions
    assert condition.test == Comparison("=", "destination", "New York City")
    assert condition.quote == "NYC"


@pytest.mark.parametrize(
    ("count", "closed", "text", "value"),
    [
        (30, False, "spielberg", "Steven Spielberg"),
        (30, False, "allen", None),
        (30, True, "spielberg", None),
        (10, False, "spielberg", None),
    ],
    ids=["the only one", "two of them", "closed: kinds", "few: kinds"],
)
def test_a_last_name_means_the_only_person_who_has_it(count: int, closed: bool, text: str, value: str | None) -> None:
    people = ["Steven Spielberg", "Woody Allen", "Irwin Allen", *(f"Person Number{number}" for number in range(27))]
    films = lexicon({"name": "director", "type": "keyword", "values": people[:count], "closed": closed})
    match = films.surname(films.language.tokenize(text), 0)
    assert targets(match) == ([ValueTarget(films.catalog.fields[0], value)] if value else [])


@pytest.mark.parametrize(
    ("words", "value"),
    [
        ({"new"}, "New York City"),
        ({"york", "new"}, "New York City"),
        ({"san"}, "San Diego"),
        ({"city", "san"}, None),
        ({"paris"}, None),
        (set(), None),
    ],
)
def test_words_mean_the_only_value_that_has_them_all(words: set[str], value: str | None) -> None:
    assert CITIES.value_with(CITIES.catalog.fields[0], words, Budget()) == value
