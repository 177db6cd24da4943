"""What holds for any text and any catalog, and how sentences fit together."""

import datetime as dt
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
from nlp2filters.core.explain import explain
from nlp2filters.core.filters import (
    And,
    Between,
    Comparison,
    Contains,
    Filter,
    IsNull,
    Not,
    OneOf,
    Or,
    RelativeDate,
    leaves,
    to_cql2,
)
from nlp2filters.core.interpretation import Interpretation
from nlp2filters.core.linking import Lexicon, Nearness
from nlp2filters.core.parser import Tagged, parse
from nlp2filters.core.parser.tagger import Tags

TODAY = dt.date(2026, 11, 24)

SHOP = catalogs.parse(
    {
        "name": "shop",
        "nouns": ["headphones", "headphone"],
        "fields": [
            {"name": "price", "type": "money", "currency": "USD"},
            {"name": "brand", "type": "keyword", "values": ["Beats", "Sony", "Bose"], "closed": True},
            {"name": "color", "type": "keyword", "values": ["red", "blue", "black"], "closed": True},
            {"name": "features", "type": "keyword", "many": True, "values": ["bluetooth", "anc", "microphone"]},
            {"name": "wireless", "type": "boolean"},
            {"name": "waterproof", "type": "boolean"},
            {"name": "released", "type": "date"},
            {"name": "weight", "type": "number", "unit": "g"},
            {"name": "title", "type": "text"},
        ],
    }
)
C = Comparison


def read(text: str, catalog: Catalog = SHOP) -> Interpretation:
    return parse(text, Lexicon.of(catalog), today=TODAY)


@pytest.mark.parametrize(
    "text",
    [
        " or ".join(f"under {i} dollars and {i + 1} g" for i in range(100, 190)),
        ", ".join(f"not {i} g" for i in range(100, 400)),
        "(" * 9 + "red or (under $10 and (blue or (over 3 g and (Sony or (under $5 and (wireless or over 9 g",
    ],
    ids=["pairs", "many", "deep"],
)
def test_a_text_asks_for_no_more_than_a_filter_may_hold(text: str) -> None:
    found = read(text[:4000])
    assert interpretation.from_json(interpretation.to_json(found)) == found
    assert found.conditions or any("one text may ask for" in part.reason for part in found.ignored)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "wireless headphones under $80, not Beats, released this year",
            And(
                (
                    C("=", "wireless", True),
                    C("<", "price", 80),
                    C("<>", "brand", "Beats"),
                    Between("released", RelativeDate(0, "year", "year"), RelativeDate(0, "year", "year", "last")),
                )
            ),
        ),
        ("not wireless", C("=", "wireless", False)),
        ("without waterproof", C("=", "waterproof", False)),
        ("not wireless or waterproof", And((C("=", "wireless", False), C("=", "waterproof", False)))),
        ("wireless or waterproof", Or((C("=", "wireless", True), C("=", "waterproof", True)))),
        ("red, blue or black", OneOf("color", ("red", "blue", "black"))),
        ("red blue", OneOf("color", ("red", "blue"))),
        ("not red, blue or black", Not(OneOf("color", ("red", "blue", "black")))),
        ("not red, blue", And((C("<>", "color", "red"), C("=", "color", "blue")))),
        ("not red and not blue", Not(OneOf("color", ("red", "blue")))),
        ("either red or blue but not from Sony", And((OneOf("color", ("red", "blue")), C("<>", "brand", "Sony")))),
        ("bluetooth and anc", And((C("=", "features", "bluetooth"), C("=", "features", "anc")))),
        ("bluetooth or anc", OneOf("features", ("bluetooth", "anc"))),
        ("sony or cheap bose", OneOf("brand", ("Sony", "Bose"))),
        (
            "red sony or black bose",
            Or(
                (
                    And((C("=", "color", "red"), C("=", "brand", "Sony"))),
                    And((C("=", "color", "black"), C("=", "brand", "Bose"))),
                )
            ),
        ),
        (
            "(red or wireless) and sony",
            And((Or((C("=", "color", "red"), C("=", "wireless", True))), C("=", "brand", "Sony"))),
        ),
        ("not (red or wireless)", And((C("<>", "color", "red"), C("=", "wireless", False)))),
        ("brand: sony", C("=", "brand", "Sony")),
        ("brand is not sony", C("<>", "brand", "Sony")),
        ("without a price", IsNull("price")),
        ("price unknown", IsNull("price")),
        ("half a kilo or more", C(">=", "weight", 500)),
        ("$1.5k or less", C("<=", "price", 1500)),
        ("released 3 days ago", C("=", "released", RelativeDate(-3, "day"))),
        ("released on the 12th of this month", C("=", "released", dt.date(2026, 11, 12))),
        ("released on Friday next week", C("=", "released", dt.date(2026, 12, 4))),
        ("released on Tuesday of last week", C("=", "released", dt.date(2026, 11, 17))),
        ("title in stereo", None),
        ("the title is stereo", Contains("title", "stereo")),
        ("title stereo", Contains("title", "stereo")),
        ("less than 2 years old", C(">", "released", RelativeDate(-2, "year"))),
        ("older than 2 years", C("<", "released", RelativeDate(-2, "year"))),
    ],
)
def test_sentences(text: str, expected: Filter | None) -> None:
    assert read(text).filter == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("at 5 pm", C("=", "starts", dt.time(17))),
        ("between 5 and 7 pm", Between("starts", dt.time(17), dt.time(19))),
        ("5-7 pm", Between("starts", dt.time(17), dt.time(19))),
        ("11 to 1 pm", Between("starts", dt.time(11), dt.time(13))),
        ("around 8 pm", C("=", "starts", dt.time(20))),
        ("not before 6 pm", C(">=", "starts", dt.time(18))),
        ("shorter than 2 hours", C("<", "runtime", 120)),
        ("under 1h30 after 17:30", And((C("<", "runtime", 90), C(">", "starts", dt.time(17, 30))))),
    ],
)
def test_times_of_day_and_durations(text: str, expected: Filter) -> None:
    fields = [{"name": "starts", "type": "time"}, {"name": "runtime", "type": "duration", "unit": "min"}]
    assert read(text, catalogs.parse({"name": "shows", "fields": fields})).filter == expected


def test_what_a_field_does_not_allow_is_said_and_not_asked() -> None:
    fields = [
        {"name": "price", "type": "money", "currency": "USD", "operators": ["<", "<="]},
        {"name": "color", "type": "keyword", "values": ["red", "blue"], "closed": True, "operators": ["=", "in"]},
        {"name": "sizes", "type": "integer", "many": True},
    ]
    shop = catalogs.parse({"name": "shop", "fields": fields})
    found = read("red over $80", shop)
    assert (found.filter, len(found.conditions)) == (C("=", "color", "red"), 1)
    assert [(part.quote, part.reason) for part in found.ignored] == [
        ("over", "price cannot be asked for with “>”"),
        ("$80", "price cannot be asked for with “>”"),
    ]
    assert read("red or over $80", shop).filter is None
    assert read("not red, under $80", shop).filter == C("<", "price", 80)
    assert read("sizes 42 or 43", shop).filter == OneOf("sizes", (42, 43))
    assert read("sizes over 42", shop).filter is None


def test_an_amount_in_another_currency_is_asked_about() -> None:
    found = read("wireless under €80")
    assert found.filter == C("=", "wireless", True)
    assert found.clarification
    assert found.clarification.choices == ("Price is less than $80", "None of these")
    assert "no field is in EUR" in {part.reason for part in found.ignored}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("weight of 80 dollars", None),
        ("weight between 1 and 2 kg", Between("weight", 1000, 2000)),
        ("more than 1 but less than 2 kg", And((C(">", "weight", 1000), C("<", "weight", 2000)))),
        ("200+ grams", C(">=", "weight", 200)),
        ("released at the end of this year", C("=", "released", RelativeDate(0, "year", "year", "last"))),
        ("released in the first week of March 2025", Between("released", dt.date(2025, 3, 1), dt.date(2025, 3, 7))),
        ("released last weekend", Between("released", dt.date(2026, 11, 21), dt.date(2026, 11, 22))),
        ("released from June to September 2024", Between("released", dt.date(2024, 6, 1), dt.date(2024, 9, 30))),
        ("released more than 30 days ago", C("<", "released", RelativeDate(-30, "day"))),
        ("unwireless", C("=", "wireless", False)),
        ("price over $50 and under $100", And((C(">", "price", 50), C("<", "price", 100)))),
        ("under $50 or over $100", Or((C("<", "price", 50), C(">", "price", 100)))),
    ],
)
def test_sentences_whose_parts_explain_each_other(text: str, expected: Filter | None) -> None:
    assert read(text).filter == expected


def test_a_field_with_no_known_values_takes_the_words() -> None:
    catalog = catalogs.parse(
        {"name": "c", "fields": [{"name": "city", "type": "keyword"}, {"name": "n", "type": "integer"}]}
    )
    assert read("city is San Jose and n over 3", catalog).filter == And((Contains("city", "San Jose"), C(">", "n", 3)))


def test_a_closed_field_never_gets_another_value() -> None:
    found = read("brand is Sennheiser")
    assert not any(leaf.field == "brand" for leaf in leaves(found.filter))
    assert found.text == "Sennheiser"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("over 300 pages", C(">", "numberOfPages", 300)),
        ("2 baths", C("=", "number_of_baths", 2)),
        ("unisex", C("=", "is_unisex", True)),
        ("not unisex", C("=", "is_unisex", False)),
        ("at least 4 stars", C(">=", "stars.value", 4)),
        ("on March 6th", C("=", "day", dt.date(2027, 3, 6))),
        ("on August 6th", C("=", "day", dt.date(2026, 8, 6))),
    ],
)
def test_fields_are_called_by_what_their_names_say(text: str, expected: Filter) -> None:
    names = {"numberOfPages": "integer", "number_of_baths": "integer", "is_unisex": "boolean", "stars.value": "number"}
    fields = [{"name": name, "type": type_} for name, type_ in {**names, "day": "date"}.items()]
    assert read(text, catalogs.parse({"name": "c", "fields": fields})).filter == expected


def test_a_value_that_is_a_word_of_negation_may_end_a_text() -> None:
    catalog = catalogs.parse({"name": "c", "fields": [{"name": "answer", "type": "keyword", "values": ["no", "yes"]}]})
    assert read("the answer is no", catalog).text == ""


def test_a_misspelled_value_is_less_sure() -> None:
    (condition,) = read("boze").conditions
    assert (condition.test, condition.source) == (C("=", "brand", "Bose"), "fuzzy")
    assert condition.confidence < 0.9


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
    words, row = len(tokens), parser.row(text, tokens, lexicon, TODAY)
    tags = Tags(
        shares=random.dirichlet(np.full(count + 1, 0.2), words).astype(np.float32),
        begins=random.random(words, np.float32),
        requested=random.random(count, np.float32),
        spots=random.integers(0, max(words, 1), count),
    )
    tagged = Tagged(row, tags)
    phrases = tagged.phrases if words else ()
    cosines = random.uniform(-1, 1, (len(phrases), len(lexicon.names))).astype(np.float32)
    nearness = Nearness(lexicon, {phrase: row for row, phrase in enumerate(phrases)}, cosines)
    check_reading(parse(text, lexicon, today=TODAY, tagged=tagged if words else None, nearness=nearness), text, catalog)
