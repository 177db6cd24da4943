"""The work of one text is bounded, whatever the catalog: counted, never timed."""

import datetime as dt
import sys
from collections.abc import Callable
from functools import cache
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings, target
from hypothesis import strategies as st

from bench.parsing import MAX_TEXT, TEXTS, _filled, wide_catalog
from nlp2filters.core import catalog as catalogs
from nlp2filters.core import drafting, parser
from nlp2filters.core.budget import MAX_STEPS, Budget
from nlp2filters.core.conversation import Conversation
from nlp2filters.core.filters import Comparison
from nlp2filters.core.interpretation import Interpretation
from nlp2filters.core.linking import MAX_CANDIDATES, MAX_FIELDS, Lexicon
from nlp2filters.core.parser import followup
from nlp2filters.core.text_vectors import TextVectors
from nlp2filters.errors import TextTooComplex
from tests.core import hostile, test_cases

TODAY = dt.date(2026, 11, 24)
MAX_TEXT_LENGTH = 4_000
UNLIMITED = 10**12


@cache
def lexicon(name: str, count: int) -> Lexicon:
    return Lexicon.of(hostile.catalog(name, count))


def steps(text: str, of: Lexicon) -> int:
    """What reading a text costs by rules alone, as one that goes on from another."""
    budget = Budget(UNLIMITED)
    conversation = Conversation("job_1", {}, Interpretation())
    drafting.draft(text, of, today=TODAY, conversation=conversation, budget=budget)
    return budget.spent


def steps_with_tagger(text: str, of: Lexicon) -> int:
    """What reading a text costs with vectors that are made up."""
    budget, random, tokens = Budget(UNLIMITED), np.random.default_rng(1), of.language.tokenize(text)[:254]
    vectors = random.normal(0, 0.05, (len(tokens), 384)).astype(np.float32)
    text_vectors = TextVectors([(token.start, token.end) for token in tokens], vectors)
    index = random.normal(0, 0.05, (len(of.indexed), 384)).astype(np.float32)
    tagged = drafting.tag(text, of, text_vectors, drafting.field_side(of, index), today=TODAY, budget=budget)
    phrases = random.normal(0, 0.05, (len(tagged.phrases), 384)).astype(np.float32)
    nearness = drafting.near(tagged, phrases, of, index)
    drafting.draft(text, of, today=TODAY, tagged=tagged, nearness=nearness, budget=budget)
    return budget.spent


def calls(run: Callable[[], object]) -> int:
    """How many function calls a run takes: the work that no budget has been told of, too."""
    count = 0

    def counted(frame: object, event: str, arg: object) -> None:
        nonlocal count
        count += 1

    sys.setprofile(counted)
    try:
        run()
    finally:
        sys.setprofile(None)
    return count


def read(text: str, of: Lexicon) -> None:
    followup.read(text, of)
    parser.parse(text, of, today=TODAY)


def repeated(unit: str, length: int) -> str:
    return (unit * length)[:length]


def test_nine_thousand_fields_with_one_label() -> None:
    """It cost 27 seconds of CPU."""
    of = lexicon("keywords with one label", 9_000)
    text = repeated(hostile.UNITS_OF_TEXT[0], MAX_TEXT_LENGTH)
    assert steps(text, of) < MAX_STEPS
    assert steps_with_tagger(text, of) < MAX_STEPS


@pytest.mark.parametrize("name", hostile.FIELDS)
def test_hostile_texts_stay_within_the_budget(name: str) -> None:
    of = lexicon(name, 300)
    spent = {unit: steps(repeated(unit, MAX_TEXT_LENGTH // 16), of) for unit in hostile.UNITS_OF_TEXT}
    assert 16 * max(spent.values()) < MAX_STEPS, max(spent, key=lambda unit: spent[unit])


@pytest.mark.parametrize("name", hostile.FIELDS)
def test_more_fields_cost_a_text_nothing_more(name: str) -> None:
    text = " ".join(unit + unit for unit in hostile.UNITS_OF_TEXT)
    few, very_many = lexicon(name, 4 * MAX_FIELDS), lexicon(name, 16 * MAX_FIELDS)
    read(text, few)  # what is made once per catalog
    read(text, very_many)
    assert calls(lambda: read(text, very_many)) < 1.5 * calls(lambda: read(text, few))


@pytest.mark.parametrize("name", ["keywords with one label", "fields called not", "weights", "prefixes"])
def test_twice_the_text_costs_twice_the_work(name: str) -> None:
    of = lexicon(name, 100)
    for unit in hostile.UNITS_OF_TEXT:
        text = unit * (1 + 150 // len(unit))
        read(text, of)
        once, twice = calls(lambda: read(text, of)), calls(lambda: read(text + text, of))  # noqa: B023
        assert twice < 2.6 * once + 2_000, unit


@given(
    st.sampled_from(sorted(hostile.FIELDS)),
    st.lists(st.sampled_from(hostile.UNITS_OF_TEXT), min_size=1, max_size=8),
)
@settings(max_examples=25, deadline=None)
def test_no_mixture_costs_more_than_its_length(name: str, units: list[str]) -> None:
    of, text = lexicon(name, 100), "".join(units) * (1 + 200 // len("".join(units)))
    read(text, of)
    once, twice = calls(lambda: read(text, of)), calls(lambda: read(text + text, of))
    target(twice / once)
    assert twice < 2.6 * once + 2_000


@given(
    st.sampled_from(sorted(hostile.FIELDS)),
    st.text(st.sampled_from('ab1 ,.("-:/$%kg¾é中'), min_size=1, max_size=40)
    | st.lists(st.sampled_from(hostile.UNITS_OF_TEXT), min_size=1, max_size=8).map("".join),
)
@settings(max_examples=50, deadline=None)
def test_the_search_for_a_text_that_costs_most(name: str, unit: str) -> None:
    spent = steps(repeated(unit, 250), lexicon(name, 300))
    target(spent)
    assert 16 * spent < MAX_STEPS


def test_what_people_ask_is_far_from_the_limit() -> None:
    for category in test_cases.FLOORS:
        for case in test_cases.cases(category):
            budget = Budget(MAX_STEPS // 1_000)
            parser.parse(case.text, test_cases.lexicon(case.catalog, case.locale), today=TODAY, budget=budget)


@pytest.mark.parametrize(("fields", "values"), [(50, 20), (1, 10_000), (10_000, 0)])
def test_large_catalogs_are_far_from_the_limit(fields: int, values: int) -> None:
    data, random = wide_catalog(fields, values), Random(7)
    of = Lexicon.of(catalogs.parse(data))
    for text in TEXTS:
        parser.parse(_filled(text, data, random), of, today=TODAY, budget=Budget(MAX_STEPS // 500))
    longest = _filled(MAX_TEXT, data, random)[:MAX_TEXT_LENGTH]
    parser.parse(longest, of, today=TODAY, budget=Budget(MAX_STEPS // 15))


@pytest.mark.parametrize(
    "text", ["5 " + "trillion " * 440, "0.5 " + "trillion " * 400, "twenty " * 570, "hundred " * 500]
)
def test_numbers_without_end_are_read(text: str) -> None:
    """Python refuses to write thousands of digits, and to nest calls as deeply as texts can."""
    parser.parse(text, lexicon("weights", 10), today=TODAY)


def test_a_text_that_takes_too_much_work_is_refused() -> None:
    of = lexicon("keywords with one label", 100)
    with pytest.raises(TextTooComplex, match="more than 1,000 steps"):
        parser.parse("a b c d e f " * 20, of, today=TODAY, budget=Budget(1_000))
    with pytest.raises(TextTooComplex):
        followup.read("a b c d e f " * 20, of, Budget(1_000))


def test_a_value_that_very_many_fields_have_is_found_in_the_one_that_is_named() -> None:
    fields = [{"name": f"answer {word}", "type": "keyword", "values": ["yes", "no"]} for word in NUMBERED]
    of = Lexicon.of(catalogs.parse({"name": "survey", "fields": fields}))
    assert len(fields) > MAX_CANDIDATES
    (condition,) = parser.parse(f"{fields[-1]['name']} is yes", of, today=TODAY).conditions
    assert condition.test == Comparison("=", str(fields[-1]["name"]), "yes")


NUMBERED = [f"{first}{second}x" for first in "abcdefgh" for second in "klmnopqr"]
