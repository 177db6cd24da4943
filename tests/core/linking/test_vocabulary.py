"""The phrases of a catalog: what people say for its records, fields and values."""

from typing import Any

import pytest

from nlp2filters.core import catalog as catalogs
from nlp2filters.core.interpretation import Source
from nlp2filters.core.languages import ENGLISH
from nlp2filters.core.linking import AdjectiveTarget, FieldTarget, NounTarget, Target, ValueTarget, embeddable
from nlp2filters.core.linking.vocabulary import entries, main_date


def described(target: Target) -> str:
    match target:
        case FieldTarget(field, negated):
            return f"{'not ' if negated else ''}{field.name}"
        case ValueTarget(field, value):
            return f"{field.name} = {value}"
        case AdjectiveTarget(field, _, degree):
            return f"{field.name} {target.order} {degree}"
        case NounTarget():
            return "records"
    raise AssertionError(f"no table expects {target}")


@pytest.mark.parametrize(
    ("field", "phrase", "meanings"),
    [
        ({"name": "numberOfPages", "type": "integer"}, "number Of Pages", ["numberOfPages exact"]),
        ({"name": "max_speed (km/h)", "type": "number"}, "max speed", ["max_speed (km/h) synonym"]),
        ({"name": "address.city", "type": "text"}, "city", ["address.city synonym"]),
        ({"name": "hp", "type": "number", "label": "Horsepower"}, "Horsepower", ["hp exact"]),
        ({"name": "number_of_beds", "type": "integer"}, "beds", ["number_of_beds synonym"]),
        ({"name": "review_count", "type": "integer"}, "reviews", ["review_count synonym"]),
        ({"name": "furnished", "type": "boolean"}, "unfurnished", ["not furnished synonym"]),
        ({"name": "date_published", "type": "date"}, "published", ["date_published fuzzy"]),
        ({"name": "date_published", "type": "date"}, "date", []),
        ({"name": "guests", "type": "integer"}, "people", ["guests fuzzy"]),
        ({"name": "size", "type": "number", "unit": "bananas"}, "bananas", ["size synonym"]),
        ({"name": "size", "type": "number", "unit": "kg"}, "kg", []),
        ({"name": "price", "type": "money", "currency": "USD"}, "cheapest", ["price asc superlative synonym"]),
        (
            {"name": "size", "type": "number", "adjectives": {"high": ["huge"]}},
            "hugest",
            ["size desc superlative synonym"],
        ),
        (
            {"name": "color", "type": "keyword", "values": [{"value": "red", "synonyms": ["scarlet"]}]},
            "scarlet",
            ["color = red synonym"],
        ),
        ({"name": "color", "type": "keyword"}, "things", ["records synonym"]),
    ],
    ids=[
        "camel case", "unit in brackets", "path", "label", "short", "counted", "negated", "distinctive", "vague",
        "count", "unknown unit", "known unit", "general adjective", "own adjective", "value", "records",
    ],
)  # fmt: skip
def test_phrases(field: dict[str, Any], phrase: str, meanings: list[str]) -> None:
    catalog = catalogs.parse({"name": "some_things", "fields": [field]})
    sources: dict[Target, Source] = {}
    for words, target, source in entries(catalog, ENGLISH):
        if words == phrase:
            sources.setdefault(target, source)
    assert [f"{described(target)} {source}" for target, source in sources.items()] == meanings


@pytest.mark.parametrize(
    ("catalog", "nouns"),
    [
        ({"name": "used_cars", "nouns": ["cars", "vehicles"]}, ["cars", "vehicles"]),
        ({"name": "used_cars"}, ["cars"]),
        ({"name": "x", "title": "Films/series"}, ["series"]),
        ({"name": "list 2"}, []),
    ],
)
def test_the_records_are_called_by_the_nouns_or_the_last_word_of_the_title(
    catalog: dict[str, Any], nouns: list[str]
) -> None:
    parsed = catalogs.parse({**catalog, "fields": [{"name": "a", "type": "text"}]})
    assert [phrase for phrase, target, _ in entries(parsed, ENGLISH) if isinstance(target, NounTarget)] == nouns


DATES = {
    "ordered": "date",
    "required": "date",
    "order_date": "date",
    "created": "date",
    "year": "integer",
    "n": "integer",
}


@pytest.mark.parametrize(
    ("fields", "main"),
    [
        (["required"], "required"),
        (["ordered", "created"], "created"),
        (["required", "order_date"], "order_date"),
        (["required", "ordered"], "ordered"),
        (["year", "n"], "year"),
        (["n"], None),
    ],
    ids=["only", "creation", "called like the records", "by stem", "year", "none"],
)
def test_the_newest_are_the_last_by_the_main_date(fields: list[str], main: str | None) -> None:
    orders = catalogs.parse({"name": "orders", "fields": [{"name": name, "type": DATES[name]} for name in fields]})
    date = main_date(orders, ENGLISH)
    assert (date.name if date else None) == main


@pytest.mark.parametrize(
    ("fields", "superlative", "meaning"),
    [
        ({"age": "number", "joined": "date"}, "oldest", "age desc superlative"),
        ({"age": "number", "joined": "date"}, "newest", "joined desc superlative"),
        ({"distance": "number"}, "nearest", "distance asc superlative"),
        ({"review_score": "number"}, "highest rated", "review_score desc superlative"),
        ({"votes": "integer"}, "most popular", "votes desc superlative"),
        ({"votes": "integer"}, "least popular", "votes asc superlative"),
    ],
)
def test_superlatives_are_of_what_a_number_measures(fields: dict[str, str], superlative: str, meaning: str) -> None:
    catalog = catalogs.parse({"name": "x", "fields": [{"name": name, "type": kind} for name, kind in fields.items()]})
    targets = [described(target) for phrase, target, _ in entries(catalog, ENGLISH) if phrase == superlative]
    assert targets[0] == meaning


def test_a_name_that_two_fields_share_is_embedded_once_and_means_either() -> None:
    shop = catalogs.parse(
        {
            "name": "shop",
            "fields": [
                {"name": "brand", "type": "keyword", "values": ["Beats", "black"]},
                {"name": "color", "type": "keyword", "values": ["black"]},
            ],
        }
    )
    names = embeddable(shop)
    assert list(names) == ["brand", "color", "Beats", "black"]
    assert [described(target) for target in names["black"]] == ["brand = black", "color = black"]
