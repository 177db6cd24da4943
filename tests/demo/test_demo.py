"""The packaged catalogs and their rows."""

import datetime as dt
import re
from collections import Counter
from importlib.resources import files

import orjson
import pytest

from nlp2filters import demo
from nlp2filters.core.catalog import ORDERED, parse, to_json
from nlp2filters.errors import CatalogNotFound
from tools.demo_catalogs import made

each = pytest.mark.parametrize("name", demo.NAMES)

PYTHON_TYPES: dict[str, tuple[type, ...]] = {
    "keyword": (str,),
    "text": (str,),
    "integer": (int,),
    "number": (float,),
    "money": (int, float),
    "duration": (int, float),
    "date": (dt.date,),
}


@each
def test_is_a_valid_catalog(name: str) -> None:
    catalog = demo.catalog(name)
    assert catalog.name == name
    assert parse(to_json(catalog)) == catalog


@each
def test_is_what_inference_and_the_file_by_hand_make(name: str) -> None:
    assert demo.catalog(name) == made(name), "run: python -m tools.demo_catalogs"


@each
def test_tells_people_what_it_is(name: str) -> None:
    catalog = demo.catalog(name)
    assert catalog.title
    assert catalog.description
    assert catalog.source
    assert catalog.nouns
    assert len(set(catalog.examples)) == 6
    assert all(field.label and field.description and field.synonyms for field in catalog.fields)


@pytest.mark.parametrize(
    ("name", "types"),
    [
        (
            "cars",
            {
                "Name": "text",
                "Miles_per_Gallon": "number in mpg",
                "Cylinders": "integer",
                "Displacement": "number in in³",
                "Horsepower": "integer in hp",
                "Weight_in_lbs": "integer in lb",
                "Acceleration": "duration in s",
                "Year": "integer",
                "Origin": "keyword",
            },
        ),
        (
            "movies",
            {
                "Title": "text",
                "US_Gross": "money in USD",
                "Worldwide_Gross": "money in USD",
                "Production_Budget": "money in USD",
                "Release_Date": "date",
                "MPAA_Rating": "keyword",
                "Running_Time_min": "duration in min",
                "Distributor": "keyword",
                "Source": "keyword",
                "Major_Genre": "keyword",
                "Creative_Type": "keyword",
                "Director": "keyword",
                "Rotten_Tomatoes_Rating": "integer in %",
                "IMDB_Rating": "number",
                "IMDB_Votes": "integer",
            },
        ),
    ],
)
def test_fields_have_the_types_a_person_would_say(name: str, types: dict[str, str]) -> None:
    found = {
        field.name: " in ".join(filter(None, (field.type, field.unit or field.currency)))
        for field in demo.catalog(name).fields
    }
    assert found == types


@each
def test_refinements_name_fields_and_values_of_the_data(name: str) -> None:
    stored = {field.name: {row[field.name] for row in demo.rows(name)} for field in demo.catalog(name).fields}
    refinement = orjson.loads(files(demo).joinpath(f"{name}.json").read_text(encoding="utf-8"))
    texts = {field.name for field in demo.catalog(name).fields if field.type == "text"}
    for field, change in refinement["fields"].items():
        for value in change.get("values", {}):
            known = any(value in str(text) for text in stored[field]) if field in texts else value in stored[field]
            assert known, value


@each
def test_no_word_means_two_things(name: str) -> None:
    fields = demo.catalog(name).fields
    words = Counter(
        (word.lower(), field.type in ORDERED)  # "made in 1975" and "made in Japan": the value tells
        for field in fields
        for word in {field.title.lower(), *field.synonyms, *field.adjectives.low, *field.adjectives.high}
    )
    values = Counter(
        (word, False)
        for field in fields
        for value in field.values
        for word in {value.value.lower(), *(synonym.lower() for synonym in value.synonyms)}
    )
    assert {word for word, times in (words + values).items() if times > 1} == set()


@each
def test_rows_have_the_values_that_the_catalog_tells(name: str) -> None:
    for field in demo.catalog(name).fields:
        values = [row[field.name] for row in demo.rows(name)]
        known = [value for value in values if value is not None]
        assert all(isinstance(value, PYTHON_TYPES[field.type]) for value in known)
        assert (len(known) < len(values)) == field.nullable
        if field.closed:
            assert set(known) == {value.value for value in field.values}
        if field.type in ORDERED:
            plain = [value.isoformat() if isinstance(value, dt.date) else value for value in known]
            assert (min(plain), max(plain)) == (field.minimum, field.maximum)


@each
def test_some_values_are_unknown(name: str) -> None:
    assert any(value is None for row in demo.rows(name) for value in row.values())


@each
def test_most_frequent_values_come_first(name: str) -> None:
    for field in demo.catalog(name).fields:
        if field.type == "keyword":
            counts = Counter(row[field.name] for row in demo.rows(name))
            in_order = [counts[value.value] for value in field.values]
            assert in_order == sorted(in_order, reverse=True)


def test_cars_are_the_406_of_the_data_exposition() -> None:
    rows = demo.rows("cars")
    assert len(rows) == 406
    assert sorted({row["Year"] for row in rows}) == list(range(1970, 1983))  # type: ignore[type-var]
    assert rows[0] == {
        "Name": "chevrolet chevelle malibu",
        "Miles_per_Gallon": 18.0,
        "Cylinders": 8,
        "Displacement": 307.0,
        "Horsepower": 130,
        "Weight_in_lbs": 3504,
        "Acceleration": 12,
        "Year": 1970,
        "Origin": "USA",
    }


def test_no_film_is_from_the_future_of_its_data() -> None:
    days = [row["Release_Date"] for row in demo.rows("movies")]
    assert all(isinstance(day, dt.date) and day.year <= 2010 for day in days)


def test_titles_are_read_whole() -> None:
    titles = {row["Title"] for row in demo.rows("movies")}
    assert {"300", "Déjà Vu", "Gone with the Wind"} <= titles
    assert len(titles) == len(demo.rows("movies"))


def test_the_same_objects_are_given_again() -> None:
    assert demo.catalog("cars") is demo.catalog("cars")
    assert demo.rows("cars") is demo.rows("cars")


@pytest.mark.parametrize("name", ["bikes", "", "../cars", "cars.csv"])
def test_another_name_is_not_found(name: str) -> None:
    with pytest.raises(CatalogNotFound):
        demo.catalog(name)
    with pytest.raises(CatalogNotFound):
        demo.rows(name)


@each
def test_files_are_small_and_their_source_is_told(name: str) -> None:
    folder = files(demo)
    assert len(folder.joinpath(f"{name}.csv").read_bytes()) < 200_000
    assert re.search(rf"^## {name}\.csv$", folder.joinpath("SOURCES.md").read_text(encoding="utf-8"), re.MULTILINE)
