"""The items that the tagger's answers make of a text, with answers that are made up."""

import datetime as dt

import numpy as np
import pytest

from nlp2filters.core import catalog as catalogs
from nlp2filters.core import parser
from nlp2filters.core.interpretation import Interpretation, leaf_to_json
from nlp2filters.core.linking import Lexicon, Nearness
from nlp2filters.core.parser import Tagged
from nlp2filters.core.parser.tagger import Tags, merging

TODAY = dt.date(2026, 11, 24)
LEXICON = Lexicon.of(
    catalogs.parse(
        {
            "name": "films",
            "fields": [
                {"name": "title", "type": "text"},
                {"name": "director", "type": "text"},
                {"name": "genre", "type": "keyword", "values": ["Comedy", "Romance"], "closed": True},
                {"name": "studio", "type": "keyword", "values": ["Gaumont", "Toho"]},
                {"name": "filmed", "type": "date"},
                {"name": "released", "type": "date"},
                {"name": "subtitles", "type": "boolean"},
            ],
        }
    )
)
FIELDS = [field.name for field in LEXICON.catalog.fields]


Shares = dict[str, tuple[str, float]]
"""Words of the text, with the field that they are tagged as a value of and the probability."""


def tags(text: str, shares_: Shares, requested: Shares | None = None) -> Tags:
    """Tags of a text. `requested` has boolean fields, each with the word that asks for it and the probability."""
    tokens = LEXICON.language.tokenize(text)
    shares, begins = np.zeros((len(tokens), len(FIELDS) + 1), np.float32), np.zeros(len(tokens), np.float32)
    for words, (field, share) in shares_.items():
        start = text.index(words)
        places = [at for at, token in enumerate(tokens) if start <= token.start < start + len(words)]
        shares[places, FIELDS.index(field)] = share
        begins[places[0]] = 1
    shares[:, -1] = 1 - shares.sum(axis=1)
    tests, spots = np.zeros(len(FIELDS), np.float32), np.zeros(len(FIELDS), np.intp)
    for field, (word, share) in (requested or {}).items():
        tests[FIELDS.index(field)] = share
        spots[FIELDS.index(field)] = next(at for at, token in enumerate(tokens) if token.text == word)
    return Tags(shares, begins, tests, spots)


def near(phrase: str, **cosines: float) -> Nearness:
    row = np.array([[cosines.get(name, 0.0) for name in LEXICON.names]], np.float32)
    return Nearness(LEXICON, {phrase: 0}, row)


def conditions(reading: Interpretation) -> list[tuple[str, str, object, str]]:
    tests = [(leaf_to_json(condition.test), condition.quote) for condition in reading.conditions]
    return [(test["field"], test["op"], test["value"], quote) for test, quote in tests]


def read(text: str, text_tags: Tags, nearness: Nearness | None = None) -> Interpretation:
    sentence = parser.sentence_of(text, LEXICON.language.tokenize(text), LEXICON, TODAY)
    return parser.parse(text, LEXICON, today=TODAY, tagged=Tagged(sentence, text_tags), nearness=nearness)


@pytest.mark.parametrize(
    ("text", "shares", "expected"),
    [
        (
            "who directed The Woman in the Window?",
            {"The Woman in the Window": ("title", 0.9)},
            [("title", "contains", "The Woman in the Window", "The Woman in the Window")],
        ),
        (
            "Heat Michael Mann",
            {"Heat": ("title", 0.9), "Michael Mann": ("director", 0.9)},
            [("title", "contains", "Heat", "Heat"), ("director", "contains", "Michael Mann", "Michael Mann")],
        ),
        ("Heat, please", {"Heat,": ("title", 0.9)}, [("title", "contains", "Heat", "Heat")]),
        ("a comedy", {"comedy": ("title", 0.3)}, [("genre", "=", "Comedy", "comedy")]),
        (
            "title contains ramen",
            {"ramen": ("director", 0.9)},
            [("title", "contains", "ramen", "title contains ramen")],
        ),
    ],
    ids=["an open value", "two that begin anew", "punctuation at the border", "a known value", "words searched for"],
)
def test_words_with_a_value(text: str, shares: Shares, expected: list[tuple[str, str, object, str]]) -> None:
    assert conditions(read(text, tags(text, shares))) == expected


def test_the_confidence_is_the_likelihood_of_the_share() -> None:
    text = "who directed The Woman in the Window?"
    reading = read(text, tags(text, {"The Woman in the Window": ("title", 0.9)}))
    assert reading.conditions[0].confidence == pytest.approx(0.83, abs=0.01)


def test_words_that_are_one_value_go_to_the_field_of_most_of_them() -> None:
    text = "films by George Sidney"
    text_tags = tags(text, {"George": ("director", 0.98), "Sidney": ("title", 0.55)})
    text_tags.begins[:] = 0
    text_tags.shares[-1, FIELDS.index("director")] = 0.42
    assert conditions(read(text, text_tags)) == [("director", "contains", "George Sidney", "George Sidney")]


@pytest.mark.parametrize(
    ("text", "shares", "cosines", "expected"),
    [
        (
            "a love story",
            {"love story": ("genre", 0.9)},
            {"Romance": 0.5, "Comedy": 0.2},
            [("genre", "=", "Romance", "embedding")],
        ),
        ("a weird story", {"weird story": ("genre", 0.9)}, {"Romance": 0.1}, []),
        (
            "made at Pathe",
            {"Pathe": ("studio", 0.9)},
            {"Gaumont": 0.5, "Toho": 0.45},
            [("studio", "contains", "Pathe", "type")],
        ),
    ],
    ids=["the nearest value", "none of a closed field", "another value of an open field"],
)
def test_words_for_a_field_with_known_values(
    text: str, shares: Shares, cosines: dict[str, float], expected: list[tuple[str, str, object, str]]
) -> None:
    (words,) = shares
    reading = read(text, tags(text, shares), near(words.lower(), **cosines))
    sources = [condition.source for condition in reading.conditions]
    assert [(*test[:3], source) for test, source in zip(conditions(reading), sources, strict=True)] == expected
    assert bool(reading.filter) == bool(expected)


def test_words_without_a_value_in_a_closed_field_are_searched_for() -> None:
    text = "a weird story"
    assert (
        read(text, tags(text, {"weird story": ("genre", 0.9)}), near("weird story", Romance=0.1)).text == "weird story"
    )


def test_a_date_goes_to_the_tagged_field_and_the_other_is_an_alternative() -> None:
    text = "shot before 2019"
    (condition,) = read(text, tags(text, {"2019": ("released", 0.8)})).conditions
    assert leaf_to_json(condition.test)["field"] == "released"
    (other,) = condition.alternatives
    assert leaf_to_json(other.test)["field"] == "filmed"
    assert other.confidence == pytest.approx(0.2, abs=0.01)


def test_without_other_words_the_tagger_cannot_tell_one_date_from_another() -> None:
    text = "before 2019"
    reading = read(text, tags(text, {"2019": ("released", 0.9)}))
    (condition,) = reading.conditions
    assert leaf_to_json(condition.test)["field"] == "released"
    assert [other.confidence for other in condition.alternatives] == [condition.confidence]
    assert reading.clarification


@pytest.mark.parametrize(
    ("text", "name"),
    [("find me SS11 please", "SS11"), ("the GTX 1080 please", "GTX 1080"), ("the Galaxy S23 please", "Galaxy S23")],
)
def test_a_name_is_not_cut_between_letters_and_digits(text: str, name: str) -> None:
    tagged = name.rstrip("0123456789 ")
    assert conditions(read(text, tags(text, {tagged: ("title", 0.9)}))) == [("title", "contains", name, name)]


def test_an_amount_is_a_title_only_where_no_field_holds_money() -> None:
    text = "films for 50 pence"
    answer = tags(text, {"50 pence": ("title", 0.9)})
    assert [test[:3] for test in conditions(read(text, answer))] == [("title", "contains", "50 pence")]
    fields = [{"name": "title", "type": "text"}, {"name": "price", "type": "money", "currency": "USD"}]
    lexicon = Lexicon.of(catalogs.parse({"name": "films", "fields": fields}))
    sentence = parser.sentence_of(text, lexicon.language.tokenize(text), lexicon, TODAY)
    kept = [*answer.shares[:, FIELDS.index("title")]]
    shares = np.array([[share, 0, 1 - share] for share in kept], np.float32)
    answer = Tags(shares, answer.begins, np.zeros(2, np.float32), np.zeros(2, np.intp))
    assert parser.parse(text, lexicon, today=TODAY, tagged=Tagged(sentence, answer)).filter is None


def test_where_rules_and_tagger_agree_the_surer_speaks() -> None:
    text = "released in 2019"
    (condition,) = read(text, tags(text, {"2019": ("released", 0.6)})).conditions
    assert leaf_to_json(condition.test)["field"] == "released"
    assert condition.confidence > 0.9


def test_two_likely_fields_are_asked_about() -> None:
    text = "before 2019"
    assert read(text, tags(text, {"2019": ("released", 0.53)})).clarification


@pytest.mark.parametrize(("text", "value"), [("films for deaf people", True), ("films not for deaf people", False)])
def test_a_boolean_field_is_tested_as_the_text_asks(text: str, value: bool) -> None:
    (test,) = conditions(read(text, tags(text, {}, {"subtitles": ("deaf", 0.8)})))
    assert test[:3] == ("subtitles", "=", value)
    assert "deaf" in test[3]


@pytest.mark.parametrize(
    ("text", "word"), [("a studio of some kind", "studio"), ("a comedy", "comedy"), ("filmed in 2019", "filmed")]
)
def test_no_boolean_field_is_asked_for_by_the_words_of_another_field(text: str, word: str) -> None:
    fields = {field for field, *_ in conditions(read(text, tags(text, {}, {"subtitles": (word, 0.8)})))}
    assert "subtitles" not in fields


def test_phrases_to_compare_are_those_of_which_no_value_is_known() -> None:
    text = "a love story, a comedy"
    text_tags = tags(text, {"love story": ("genre", 0.9), "comedy": ("genre", 0.9)})
    sentence = parser.sentence_of(text, LEXICON.language.tokenize(text), LEXICON, TODAY)
    assert merging.phrases(sentence, text_tags) == ("love story",)


@pytest.mark.parametrize(
    ("text", "words", "expected"),
    [
        ("sans comedy", "sans", [("genre", "<>", "Comedy", "sans comedy")]),
        ("hold the comedy", "hold the comedy", [("genre", "<>", "Comedy", "hold the comedy")]),
        # A title may begin with such a word.
        ("no comedy tonight", "no comedy tonight", [("title", "contains", "no comedy tonight", "no comedy tonight")]),
    ],
)
def test_a_not_before_a_known_value_is_no_name(
    text: str, words: str, expected: list[tuple[str, str, object, str]]
) -> None:
    assert conditions(read(text, tags(text, {words: ("title", 0.9)}))) == expected


def test_unknown_behind_a_field_is_no_name() -> None:
    reading = read("director unknown", tags("director unknown", {"unknown": ("director", 0.9)}))
    assert conditions(reading) == [("director", "isNull", None, "director unknown")]
