"""Any text against any catalog gives a valid interpretation, in a bounded number of steps."""

import sys
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from nlp2filters import demo
from nlp2filters.core import catalog as catalogs
from nlp2filters.core import checks, dialects, interpretation, languages, parser
from nlp2filters.core.catalog import NUMERIC, Catalog, FieldType
from nlp2filters.core.cql2.records import to_cql2
from nlp2filters.core.explain import explain
from nlp2filters.core.interpretation import Interpretation
from nlp2filters.core.linking import Lexicon, Nearness
from nlp2filters.core.parser import Tagged, parse
from nlp2filters.core.parser.tagger import Tags
from tests.core.parser.shop import SHOP, TODAY

WORDS = st.sampled_from(
    [
        "not", "or", "and", ",", "(", ")", "between", "from", "to", "over", "under", "at least", "or more", "first",
        "top", "10", "1980", "$50", "3 million", "japanese", "american", "ford", "horsepower", "mpg", "cylinders",
        "cheapest", "sorted by", "descending", "last", "week", "next friday", "the 90s", "q3", "may", "without", "than",
        "more", "heavier", "unknown", '"a b"', "é", "🚗", "-", "50%", "5 lbs", "called", "red", "wireless", "no",
        "neither", "nor",
    ]
)  # fmt: skip


@given(st.lists(WORDS, max_size=30).map(" ".join) | st.text(max_size=300), st.sampled_from(["cars", "movies", "shop"]))
@example("3 million week", "shop")
@settings(max_examples=400, deadline=None)
def test_any_text_gives_a_valid_interpretation(text: str, name: str) -> None:
    catalog = SHOP if name == "shop" else demo.catalog(name)
    check_reading(parse(text, LEXICONS[name], today=TODAY), text, catalog)


def check_reading(found: Interpretation, text: str, catalog: Catalog) -> None:
    if found.filter:
        assert checks.check(found.filter, catalog)
        to_cql2(found.filter)
    quoted = [(part.span, part.quote) for part in found.conditions] + [
        (part.span, part.quote) for part in found.ignored
    ]
    for span, quote in quoted:
        assert 0 <= span.start < span.end <= len(text)
        assert span.of(text) == quote
    for condition in found.conditions:
        assert checks.check(condition.test, catalog)
        assert 0 < condition.confidence <= 1
        assert all(checks.check(other.test, catalog) for other in condition.alternatives)
    assert checks.check_sort(found.sort, catalog) == found.sort
    assert found.limit is None or 1 <= found.limit <= 1000
    resolved = interpretation.resolve(found, TODAY)
    assert interpretation.from_json(interpretation.to_json(resolved)) == resolved
    assert explain(resolved, catalog)
    for dialect in dialects.DIALECTS:
        dialects.compile(dialect, resolved, catalog)


ROOTS = st.sampled_from(["price", "weight", "day", "first_name", "is_red", "Año", "a.b", "between", "10", "not", "🚗"])


@st.composite
def fields(draw: st.DrawFn) -> dict[str, Any]:
    """A field of any type, with whatever may go with the type."""
    kind: FieldType = draw(st.sampled_from(get_args(FieldType)))
    many = draw(st.booleans()) and kind not in ("boolean", "geo")
    field: dict[str, Any] = {"type": kind, "many": many, "synonyms": draw(st.lists(WORDS, max_size=2))}
    if kind in ("keyword", "text"):
        field["values"] = draw(st.lists(WORDS, max_size=3, unique=True))
        field["closed"] = bool(field["values"]) and draw(st.booleans())
    if kind == "money":
        field["currency"] = draw(st.sampled_from(["USD", "EUR", "XXX"]))
    if kind in ("number", "duration"):
        field["unit"] = draw(st.sampled_from(["kg", "min", "furlong", "%", "no such unit"]))
    if kind in NUMERIC and draw(st.booleans()):
        field |= {"minimum": draw(st.integers(0, 1900)), "maximum": draw(st.integers(1900, 3000))}
    if draw(st.booleans()):
        allowed = catalogs.applicable(kind, many=many)
        field["operators"] = draw(st.lists(st.sampled_from(allowed), max_size=4, unique=True))
    if draw(st.booleans()):
        field["adjectives"] = {"low": draw(st.lists(WORDS, max_size=1)), "high": ["heavy"]}
    return field


@st.composite
def any_catalog(draw: st.DrawFn) -> Catalog:
    names = draw(st.lists(ROOTS, min_size=1, max_size=6, unique=True))
    data = {"name": draw(WORDS), "fields": [{"name": name, **draw(fields())} for name in names]}
    return catalogs.parse({**data, "nouns": draw(st.lists(WORDS, max_size=1))})


TEXTS = st.lists(WORDS | ROOTS, max_size=20).map(" ".join) | st.text(max_size=200)


@given(TEXTS, any_catalog(), st.sampled_from(["en", "es"]))
@settings(max_examples=300, deadline=None)
def test_any_text_against_any_catalog_gives_a_valid_interpretation(text: str, catalog: Catalog, locale: str) -> None:
    check_reading(parse(text, Lexicon.of(catalog, languages.of(locale)), today=TODAY), text, catalog)


LEXICONS = {"shop": Lexicon.of(SHOP), **{name: Lexicon.of(demo.catalog(name)) for name in demo.NAMES}}


@pytest.mark.parametrize(
    "unit",
    [
        "not ",
        "(",
        "or ",
        "1 ",
        "1 or ",
        "between 1 and ",
        "a",
        "japan ",
        "ford, ",
        "$",
        "- ",
        "last ",
        "end of the ",
        "first week of ",
        "1h",
        "more than 1 but less than ",
        "5 kg a ",
        "by year, ",
        "no ",
        "un",
    ],
)
def test_hostile_texts_take_no_more_steps_than_their_length(unit: str) -> None:
    def calls(length: int) -> int:
        count = 0

        def counted(frame: object, event: str, arg: object) -> None:
            nonlocal count
            count += 1

        text = (unit * length)[:length]
        sys.setprofile(counted)
        try:
            parse(text, LEXICONS["movies"], today=TODAY)
        finally:
            sys.setprofile(None)
        return count

    calls(100)
    assert calls(4000) < 6 * calls(1000)


@given(TEXTS, any_catalog(), st.integers(0, 2**32 - 1))
@settings(max_examples=300, deadline=None)
def test_whatever_the_tagger_says_the_interpretation_is_valid(text: str, catalog: Catalog, seed: int) -> None:
    lexicon, random = Lexicon.of(catalog), np.random.default_rng(seed)
    tokens, count = lexicon.language.tokenize(text), len(catalog.fields)
    words, sentence = len(tokens), parser.sentence_of(text, tokens, lexicon, TODAY)
    tags = Tags(
        shares=random.dirichlet(np.full(count + 1, 0.2), words).astype(np.float32),
        begins=random.random(words, np.float32),
        requested=random.random(count, np.float32),
        spots=random.integers(0, max(words, 1), count),
    )
    tagged = Tagged(sentence, tags)
    phrases = tagged.phrases if words else ()
    cosines = random.uniform(-1, 1, (len(phrases), len(lexicon.names))).astype(np.float32)
    nearness = Nearness(lexicon, {phrase: row for row, phrase in enumerate(phrases)}, cosines)
    check_reading(parse(text, lexicon, today=TODAY, tagged=tagged if words else None, nearness=nearness), text, catalog)
