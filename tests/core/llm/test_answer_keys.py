"""When two questions have the same answer: each member of the key, and how finely the present counts."""

import datetime as dt
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from nlp2filters import demo
from nlp2filters.core import catalog as catalogs
from nlp2filters.core.catalog import Catalog
from nlp2filters.core.conversation import Conversation
from nlp2filters.core.filters import Between, Comparison, Filter, RelativeDate, RelativeInstant
from nlp2filters.core.interpretation import Clarification, Condition, Interpretation, Span
from nlp2filters.core.linking import Lexicon
from nlp2filters.core.llm import prompt
from nlp2filters.core.llm.answer_keys import keys, present_in
from nlp2filters.core.parser import parse
from nlp2filters.core.query import Query

CARS = demo.catalog("cars")
TODAY = dt.date(2026, 11, 24)
BERLIN = ZoneInfo("Europe/Berlin")
QUERY = Query("japanese cars", TODAY, BERLIN, time=dt.time(14, 5))
JAPAN = Comparison("=", "Origin", "Japan")
DRAFT = Interpretation(filter=JAPAN, conditions=(Condition(JAPAN, Span(0, 8), "japanese", 0.9, "synonym"),))
CONVERSATION = Conversation.of("job_1", "red cars", Interpretation())


def keys_of(
    query: Query = QUERY,
    catalog: Catalog = CARS,
    draft: Interpretation | None = DRAFT,
    candidates: Any = None,
    provider: str = "openai",
    model: str = "m",
) -> dict[str, str]:
    digests = keys(query, catalog, draft, candidates, provider=provider, model=model)
    return {str(name): key for name, key in digests.items()}


OTHER_CATALOG = catalogs.parse({**catalogs.to_json(CARS), "description": "no part of the prompt"})


@pytest.mark.parametrize(
    "changed",
    [
        {"provider": "anthropic"},
        {"model": "m2"},
        {"catalog": OTHER_CATALOG},
        {"query": replace(QUERY, text="Japanese cars")},
        {"query": replace(QUERY, locale="en-GB")},
        {"query": replace(QUERY, zone=ZoneInfo("Asia/Tokyo"))},
        {"query": replace(QUERY, conversation=CONVERSATION)},
        {"draft": None},
        {"draft": Interpretation()},
        {"candidates": {"Name": ["ford pinto"]}},
    ],
    ids=lambda changed: f"{next(iter(changed))}",
)
def test_whatever_the_answer_depends_on_is_part_of_the_key(changed: Any) -> None:
    assert set(keys_of(**changed).values()).isdisjoint(keys_of().values())


def test_the_prompt_is_part_of_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    before = keys_of()
    monkeypatch.setattr(prompt, "VERSION", "another")
    assert set(keys_of().values()).isdisjoint(before.values())


@pytest.mark.parametrize(
    "other",
    [
        Conversation.of("job_1", "blue cars", Interpretation()),
        Conversation.of("job_1", "red cars", DRAFT),
        Conversation.of("job_1", "red cars", Interpretation(clarification=Clarification("?", ("a", "b")))),
    ],
)
def test_the_reading_that_is_refined_is_part_of_the_key(other: Conversation) -> None:
    one, two = (keys_of(replace(QUERY, conversation=conversation)) for conversation in (CONVERSATION, other))
    assert set(one.values()).isdisjoint(two.values())


@pytest.mark.parametrize(
    "changed",
    [
        replace(QUERY, scope=Comparison(">", "Year", 1975)),
        replace(QUERY, dialects=("sql", "elasticsearch")),
        replace(QUERY, strategy="llm"),
    ],
)
def test_what_is_added_to_the_answer_by_code_is_no_part_of_the_key(changed: Query) -> None:
    assert keys_of(changed) == keys_of()


def test_the_same_dialogue_in_other_jobs_has_the_same_key() -> None:
    again = Conversation.of("job_2", "red cars", Interpretation())
    one, two = (keys_of(replace(QUERY, conversation=conversation)) for conversation in (CONVERSATION, again))
    assert one == two


@pytest.mark.parametrize(
    ("later", "same"),
    [
        (replace(QUERY, time=dt.time(14, 5, 59)), {"none", "day", "minute"}),
        (replace(QUERY, time=dt.time(14, 6)), {"none", "day"}),
        (replace(QUERY, today=dt.date(2026, 11, 25)), {"none"}),
    ],
)
def test_the_present_counts_to_the_minute_to_the_day_or_not_at_all(later: Query, same: set[str]) -> None:
    before, after = keys_of(), keys_of(later)
    assert {name for name in before if before[name] == after[name]} == same
    assert len(set(before.values())) == 3


EVENTS = catalogs.parse(
    {
        "name": "events",
        "fields": [
            {"name": "day", "type": "date"},
            {"name": "at", "type": "datetime"},
            {"name": "year", "type": "integer"},
            {"name": "price", "type": "number"},
        ],
    }
)
LEXICON = Lexicon.of(EVENTS)
FIRST, LAST = dt.date(2026, 1, 1), dt.date(2026, 12, 31)


@pytest.mark.parametrize(
    ("text", "present"),
    [
        ("price under 80", "none"),
        ("price under 80 thousand", "none"),
        ("on 5 March 2025", "none"),
        ("in 2025", "none"),
        ("year 2025", "none"),
        ("today", "day"),
        ("this year", "day"),
        ("on 5 March", "day"),  # of this year, or of the next
        ("year four years ago", "day"),
        ("at in the last 24 hours", "minute"),
    ],
)
def test_how_finely_a_text_depends_on_the_present(text: str, present: str) -> None:
    draft = parse(text, LEXICON, today=TODAY)
    assert draft.filter
    assert present_in(draft, draft, text) == present


@pytest.mark.parametrize(
    ("by_llm", "present"),
    [
        (Between("day", FIRST, LAST), "day"),
        (Comparison(">=", "at", dt.datetime(2026, 11, 1, tzinfo=dt.UTC)), "day"),
        (Comparison(">=", "at", dt.datetime(2026, 11, 24, 12, 5, tzinfo=dt.UTC)), "minute"),
        (Comparison("=", "year", 2026), "day"),
        (Comparison("<", "price", 80), "none"),
    ],
)
def test_a_date_that_only_the_llm_has_may_come_from_the_present(by_llm: Filter, present: str) -> None:
    text = "was in letzter Zeit geschah"
    assert present_in(Interpretation(filter=by_llm), Interpretation(), text) == present


@pytest.mark.parametrize(
    ("value", "present"), [(RelativeDate(-7, "day"), "day"), (RelativeInstant(-2, "hour"), "minute")]
)
def test_a_draft_that_counts_from_now_decides_though_the_llm_sees_it_otherwise(value: Any, present: str) -> None:
    draft = Interpretation(filter=Comparison(">=", "at", value))
    assert present_in(Interpretation(), draft, "lately") == present
