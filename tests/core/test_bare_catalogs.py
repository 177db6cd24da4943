"""Catalogs as inference gives them, without synonyms, nouns and units: their words come from their names."""

import datetime as dt

import pytest

from nlp2filters.core import catalog as catalogs
from nlp2filters.core.filters import And, Comparison, Contains, Filter, IsNull, Not, OneOf, Or
from nlp2filters.core.linking import Lexicon
from nlp2filters.core.parser import parse

C = Comparison
LOG = catalogs.parse(
    {
        "name": "request_log",
        "fields": [
            {"name": "method", "type": "keyword", "values": ["GET", "POST", "PUT"], "closed": True},
            {"name": "country", "type": "keyword", "values": ["US", "IN", "DE"], "closed": True},
            {"name": "duration_ms", "type": "integer", "minimum": 0, "maximum": 60_000},
            {"name": "path", "type": "text"},
            {"name": "paid_date", "type": "date", "nullable": True},
            {"name": "due_date", "type": "date"},
            {"name": "score", "type": "number", "minimum": 1, "maximum": 5},
            {"name": "state", "type": "keyword", "values": ["new", "old"], "closed": True},
            {"name": "lot_acres", "type": "number", "minimum": 0, "maximum": 40},
            {"name": "size_sqft", "type": "integer", "minimum": 0, "maximum": 9000},
        ],
    }
)


def read(text: str) -> tuple[Filter | None, str]:
    reading = parse(text, Lexicon.of(LOG), today=dt.date(2026, 11, 24))
    return reading.filter, reading.text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("requests over 50 ms", C(">", "duration_ms", 50)),
        ("duration above 800", C(">", "duration_ms", 800)),
        ("POST or PUT", OneOf("method", ("POST", "PUT"))),
        ("requests in the US", C("=", "country", "US")),
        ("requests from IN", C("=", "country", "IN")),
        ("path contains /login", Contains("path", "/login")),
        ("path starts with api or static", Or((Contains("path", "api"), Contains("path", "static")))),
        ("path is not health", Not(Contains("path", "health"))),
        ("not paid", IsNull("paid_date")),
        ("at least 4 stars", C(">=", "score", 4)),
        ("a new request", C("=", "state", "new")),
        ("bigger than 10 acres", C(">", "lot_acres", 10)),
        ("due before 2026-12-01 and not paid", And((C("<", "due_date", dt.date(2026, 12, 1)), IsNull("paid_date")))),
    ],
)
def test_what_people_say(text: str, expected: Filter) -> None:
    assert read(text) == (expected, "")


def test_slower_is_more_of_a_duration() -> None:
    reading = parse("the 5 slowest calls", Lexicon.of(LOG), today=dt.date(2026, 11, 24))
    assert [(sort.field, sort.direction) for sort in reading.sort] == [("duration_ms", "desc")]
    assert (reading.limit, reading.text) == (5, "")
