"""The words of a field: every form of its name that a text may use."""

import pytest

from nlp2filters.core import field_words
from nlp2filters.core.catalog import Field
from nlp2filters.core.languages import ENGLISH


@pytest.mark.parametrize(
    ("name", "label", "words"),
    [
        ("max_speed", "Top speed", {"max", "speed", "top"}),
        ("numberOfPages", "", {"number", "of", "pages"}),
        ("address.city", "", {"address", "city"}),
        ("año", "", {"ano"}),
        ("owner's name", "", {"owner", "name"}),
    ],
)
def test_words_are_those_of_name_and_label(name: str, label: str, words: set[str]) -> None:
    assert field_words.words(Field(name, "text", label=label)) == words


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("max_speed", ["max speed"]),
        ("max_speed (km/h)", ["max speed"]),
        ("address.city", ["address city", "city"]),
        ("# of guests", ["number of guests"]),
        ("Population†", ["Population"]),
    ],
)
def test_plain_names_are_as_people_say_them(name: str, plain: list[str]) -> None:
    assert [" ".join(words.split()) for words in field_words.plain_names(name)] == plain


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("number of beds", "beds"),
        ("Is furnished", "furnished"),
        ("review count", "review"),
        ("color", None),
        ("count", None),
    ],
)
def test_short_names_leave_out_what_goes_without_saying(name: str, short: str | None) -> None:
    assert field_words.short_name(name, ENGLISH) == short


def test_stems_are_of_names_synonyms_and_the_first_part_of_the_description() -> None:
    field = Field("ratingValue", "number", synonyms=("stars",), description="Points (1 to 5) given; by guests")
    assert field_words.stems_of_names(field, ENGLISH) == {"rate", "valu", "star"}
    assert field_words.stems_of_description(field, ENGLISH) == {"point", "given"}
