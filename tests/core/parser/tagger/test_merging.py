"""What becomes of the tagger's answers, with answers that are made up."""

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


def tags(text: str, said: dict[str, tuple[str, float]], asked: dict[str, tuple[str, float]] | None = None) -> Tags:
    """Tags by words of the text: the field that they are of, and how likely; `asked` by field."""
    tokens = LEXICON.language.tokenize(text)
    shares, begins = np.zeros((len(tokens), len(FIELDS) + 1), np.float32), np.zeros(len(tokens), np.float32)
    for words, (field, share) in said.items():
        start = text.index(words)
        places = [at for at, token in enumerate(tokens) if start <= token.start < start + len(words)]
        shares[places, FIELDS.index(field)] = share
        begins[places[0]] = 1
    shares[:, -1] = 1 - shares.sum(axis=1)
    wanted, spots = np.zeros(len(FIELDS), np.float32), np.zeros(len(FIELDS), np.intp)
    for field, (word, share) in (asked or {}).items():
        wanted[FIELDS.index(field)] = share
        spots[FIELDS.index(field)] = next(at for at, token in enumerate(tokens) if token.text == word)
    return Tags(shares, begins, wanted, spots)


def near(phrase: str, **cosines: float) -> Nearness:
    row = np.array([[cosines.get(name, 0.0) for name in LEXICON.names]], np.float32)
    return Nearness(LEXICON, {phrase: 0}, row)


def conditions(reading: Interpretation) -> list[tuple[str, str, object, str]]:
    found = [(leaf_to_json(condition.test), condition.quote) for condition in reading.conditions]
    return [(test["field"], test["op"], test["value"], quote) for test, quote in found]


def read(text: str, given: Tags, nearness: Nearness | None = None) -> Interpretation:
    row = parser.row(text, LEXICON.language.tokenize(text), LEXICON, TODAY)
    return parser.parse(text, LEXICON, today=TODAY, tagged=Tagged(row, given), nearness=nearness)


def test_an_open_value_is_cut_out_as_it_is_tagged() -> None:
    text = "who directed The Woman in the Window?"
    found = read(text, tags(text, {"The Woman in the Window": ("title", 0.9)}))
    assert conditions(found) == [("title", "contains", "The Woman in the Window", "The Woman in the Window")]
    assert found.conditions[0].confidence == pytest.approx(0.83, abs=0.01)


def test_words_that_are_one_value_go_to_the_field_of_most_of_them() -> None:
    text = "films by George Sidney"
    given = tags(text, {"George": ("director", 0.98), "Sidney": ("title", 0.55)})
    given.begins[:] = 0
    given.shares[-1, FIELDS.index("director")] = 0.42
    assert conditions(read(text, given)) == [("director", "contains", "George Sidney", "George Sidney")]


def test_values_that_begin_anew_are_two() -> None:
    text = "Heat Michael Mann"
    found = read(text, tags(text, {"Heat": ("title", 0.9), "Michael Mann": ("director", 0.9)}))
    assert [test[:3] for test in conditions(found)] == [
        ("title", "contains", "Heat"),
        ("director", "contains", "Michael Mann"),
    ]


def test_punctuation_at_the_borders_is_no_part_of_a_value() -> None:
    text = "Heat, please"
    assert conditions(read(text, tags(text, {"Heat,": ("title", 0.9)})))[0][2] == "Heat"


def test_the_nearest_known_value_is_meant() -> None:
    text = "a love story"
    found = read(text, tags(text, {"love story": ("genre", 0.9)}), near("love story", Romance=0.5, Comedy=0.2))
    assert conditions(found) == [("genre", "=", "Romance", "love story")]
    assert found.conditions[0].source == "embedding"


def test_nothing_outside_of_a_closed_field_is_meant() -> None:
    text = "a weird story"
    found = read(text, tags(text, {"weird story": ("genre", 0.9)}), near("weird story", Romance=0.1))
    assert found.filter is None
    assert found.text == "weird story"


def test_an_open_field_may_have_other_values_than_the_known_ones() -> None:
    text = "made at Pathe"
    found = read(text, tags(text, {"Pathe": ("studio", 0.9)}), near("pathe", Gaumont=0.5, Toho=0.45))
    assert [test[:3] for test in conditions(found)] == [("studio", "contains", "Pathe")]


def test_a_known_value_stays_what_it_is() -> None:
    text = "a comedy"
    assert [test[:3] for test in conditions(read(text, tags(text, {"comedy": ("title", 0.3)})))] == [
        ("genre", "=", "Comedy")
    ]


def test_a_date_goes_to_the_tagged_field_and_the_other_is_an_alternative() -> None:
    text = "before 2019"
    (condition,) = read(text, tags(text, {"2019": ("released", 0.8)})).conditions
    assert leaf_to_json(condition.test)["field"] == "released"
    (other,) = condition.alternatives
    assert leaf_to_json(other.test)["field"] == "filmed"
    assert other.confidence == pytest.approx(0.2, abs=0.01)


def test_where_rules_and_tagger_agree_the_surer_speaks() -> None:
    text = "released in 2019"
    (condition,) = read(text, tags(text, {"2019": ("released", 0.6)})).conditions
    assert leaf_to_json(condition.test)["field"] == "released"
    assert condition.confidence > 0.9


def test_two_likely_fields_are_asked_about() -> None:
    text = "before 2019"
    assert read(text, tags(text, {"2019": ("released", 0.53)})).clarification


def test_a_boolean_field_that_is_asked_for() -> None:
    text = "films for deaf people"
    found = read(text, tags(text, {}, {"subtitles": ("deaf", 0.8)}))
    assert conditions(found) == [("subtitles", "=", True, "deaf")]


def test_not_turns_it() -> None:
    text = "films not for deaf people"
    assert conditions(read(text, tags(text, {}, {"subtitles": ("deaf", 0.8)})))[0][:3] == ("subtitles", "=", False)


def test_what_a_field_is_said_to_contain_is_not_another_ones() -> None:
    text = "title contains ramen"
    assert conditions(read(text, tags(text, {"ramen": ("director", 0.9)})))[0][:3] == ("title", "contains", "ramen")


def test_phrases_to_compare_are_those_of_which_no_value_is_known() -> None:
    text = "a love story, a comedy"
    given = tags(text, {"love story": ("genre", 0.9), "comedy": ("genre", 0.9)})
    row = parser.row(text, LEXICON.language.tokenize(text), LEXICON, TODAY)
    assert merging.phrases(row, given) == ("love story",)
