"""Drafts of the built-in parser with the real embedding model, on catalogs that the tagger has never seen."""

import datetime as dt
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from nlp2filters.core import catalog as catalogs
from nlp2filters.core.interpretation import leaf_to_json, resolve
from nlp2filters.core.linking import Lexicon
from nlp2filters.core.query import Query
from nlp2filters.embedding.embedder import Embedder
from nlp2filters.evaluation.cases import Case
from nlp2filters.evaluation.measures import judge
from nlp2filters.lexicon_parser import LexiconParser
from nlp2filters.translator import Translator
from tests.core import test_cases

TODAY = dt.date(2026, 11, 24)
CATALOGS = {
    "paintings": [
        {"name": "title", "type": "text"},
        {"name": "painter", "type": "text", "description": "Who painted it"},
        {"name": "museum", "type": "text", "description": "Where it hangs"},
        {"name": "year", "type": "integer", "description": "The year it was painted in"},
        {"name": "technique", "type": "keyword", "values": ["oil", "watercolour", "fresco"], "closed": True},
    ],
    "parcels": [
        {"name": "sender_city", "type": "text", "description": "City that the parcel is sent from"},
        {"name": "recipient_city", "type": "text", "description": "City that the parcel is sent to"},
        {"name": "weight", "type": "number", "unit": "kg"},
        {"name": "collection_date", "type": "date", "description": "Day on which the parcel is picked up"},
        {"name": "delivery_date", "type": "date", "description": "Day on which the parcel arrives"},
        {"name": "insured", "type": "boolean", "description": "Whether the parcel is insured"},
    ],
    "rockets": [
        {"name": "Mission", "type": "text"},
        {"name": "Launch site", "type": "text"},
        {"name": "Operator", "type": "text"},
        {"name": "Payload mass", "type": "number", "unit": "kg"},
        {"name": "Outcome", "type": "text"},
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def lexicons() -> dict[str, Lexicon]:
    return {name: Lexicon.of(catalogs.parse({"name": name, "fields": fields})) for name, fields in CATALOGS.items()}


@pytest.fixture
async def embedder(model_folder: Path) -> AsyncIterator[Embedder]:
    async with await Embedder.load(model_folder) as embedder:
        yield embedder


@pytest.fixture
def translator(embedder: Embedder) -> Translator:
    return Translator(embedder)


async def drafted(text: str, lexicon: Lexicon, translator: Translator) -> set[tuple[str, str, Any]]:
    reading = resolve(await translator.draft(Query(text, TODAY), LexiconParser(lexicon)), TODAY)
    tests = [leaf_to_json(condition.test) for condition in reading.conditions]
    return {(test["field"], test["op"], str(test["value"])) for test in tests}


@pytest.mark.parametrize(
    ("catalog", "text", "expected"),
    [
        ("paintings", "who painted The Night Watch?", {("title", "contains", "The Night Watch")}),
        ("paintings", "paintings by Artemisia Gentileschi", {("painter", "contains", "Artemisia Gentileschi")}),
        ("paintings", "what hangs in the Rijksmuseum", {("museum", "contains", "Rijksmuseum")}),
        (
            "parcels",
            "a parcel to Oslo that gets there on March 3rd 2027",
            {("recipient_city", "contains", "Oslo"), ("delivery_date", "=", "{'date': '2027-03-03'}")},
        ),
        (
            "rockets",
            "which operator has Vandenberg as the launch site and a payload mass over 500 kg",
            {("Launch site", "contains", "Vandenberg"), ("Payload mass", ">", "500")},
        ),
    ],
)
async def test_names_go_to_the_field_that_they_are_of(
    catalog: str, text: str, expected: set[tuple[str, str, Any]], lexicons: dict[str, Lexicon], translator: Translator
) -> None:
    assert await drafted(text, lexicons[catalog], translator) == expected


async def test_the_projects_own_set_is_read_as_well_as_by_rules_alone(translator: Translator) -> None:
    exact = [await is_exact(case, translator) for path in test_cases.FLOORS for case in test_cases.cases(path)]
    assert 100 * sum(exact) / len(exact) >= test_cases.WHOLE_SET


async def is_exact(case: Case, translator: Translator) -> bool:
    today, lexicon = case.today or TODAY, test_cases.lexicon(case.catalog, case.locale)
    reading = await translator.draft(Query(case.text, today), LexiconParser(lexicon))
    return judge(case, resolve(reading, today), test_cases.collections()[case.catalog]).exact


async def test_without_an_index_the_rules_read_alone(lexicons: dict[str, Lexicon], embedder: Embedder) -> None:
    async def no_index(_: Sequence[str]) -> None:
        return None

    translator = Translator(embedder, index=no_index)
    reading = await translator.draft(Query("weight over 20 kg", TODAY), LexiconParser(lexicons["parcels"]))
    assert [leaf_to_json(condition.test)["op"] for condition in reading.conditions] == [">"]
