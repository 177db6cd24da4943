"""Open values: each rule on its own examples, and what keeps a rule from reading too much."""

import datetime as dt

import pytest

from nlp2filters.core import catalog as catalogs
from nlp2filters.core import parser
from nlp2filters.core.linking import Lexicon
from nlp2filters.core.parser.open_values import recognize
from nlp2filters.core.parser.open_values.context import Context
from nlp2filters.core.parser.open_values.rules import LEFTOVER_TITLE, PASSES, Rule
from nlp2filters.core.parser.sentence import Sentence

LIBRARY = Lexicon.of(
    catalogs.parse(
        {
            "name": "books",
            "nouns": ["books", "book"],
            "fields": [
                {"name": name, "type": "text"}
                for name in ("title", "author", "genre", "language", "city", "profession", "position")
            ]
            + [
                {"name": "pages", "type": "integer"},
                {"name": "format", "type": "keyword", "values": ["hardcover", "paperback"], "closed": True},
            ],
        }
    )
)
RULES = (*(rule for rules in PASSES for rule in rules), LEFTOVER_TITLE)


def read(text: str) -> Sentence:
    return parser.sentence_of(text, LIBRARY.language.tokenize(text), LIBRARY, dt.date(2026, 11, 24))


@pytest.mark.parametrize(
    ("rule", "text", "expected"),
    [
        pytest.param(rule, text, expected, id=f"{rule.name}: {text}")
        for rule in RULES
        for text, expected in rule.examples.items()
    ],
)
def test_a_rule_reads_its_examples(rule: Rule, text: str, expected: tuple[str, str]) -> None:
    context = Context(read(text))
    values = [value for at in range(len(context.sentence.chunks)) if (value := rule.recognize(context, at))]
    assert (values[0].field.name, values[0].text) == expected
    assert 0 < values[0].confidence < 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        *((text, [expected]) for rule in RULES for text, expected in rule.examples.items()),
        ("the author is jane austen and the city is bath", [("author", "jane austen"), ("city", "bath")]),
        ("books written by jane austen with over 200 pages", [("author", "jane austen")]),
        ("what is the author of emma", [("title", "emma")]),
        ("written in swahili", [("language", "swahili")]),
        ("title contains ramen", []),
        ("title starts with ramen or udon", []),
        ("title begins with ramen", []),
        ("the city is Bath or Wells", [("city", "Bath"), ("city", "Wells")]),
        ("cities Bath, Wells and Ely", [("city", "Bath"), ("city", "Wells"), ("city", "Ely")]),
        ("something in denver or boulder", [("city", "denver"), ("city", "boulder")]),
        ("Books in Austin, Texas with over 200 pages", [("city", "Austin, Texas")]),
        ("with Monaco as city and Jane Austen as the author", [("city", "Monaco"), ("author", "Jane Austen")]),
        ("city not denver", [("city", "denver")]),
        ('the author is "jane austen"', []),
        ("something in it", []),
        ("something in paperback", []),
        ("books Near me", []),
        ("which books did J. K. Rowling write", [("author", "J. K. Rowling")]),
        ("hardcover, over 200 pages", []),
    ],
)
def test_open_values_of_a_sentence(text: str, expected: list[tuple[str, str]]) -> None:
    values = sorted(recognize(read(text)), key=lambda value: value.start)
    assert [(value.field.name, value.text) for value in values] == expected


def test_no_item_belongs_to_two_values() -> None:
    for text in ("the author is called jane austen in the city bath", "author author author is title title"):
        places = [at for value in recognize(read(text)) for at in range(value.start, value.end)]
        assert len(places) == len(set(places))


def test_a_catalog_without_open_fields_has_no_open_values() -> None:
    lexicon = Lexicon.of(catalogs.parse({"name": "books", "fields": [{"name": "pages", "type": "integer"}]}))
    text = "find burger king"
    assert recognize(parser.sentence_of(text, lexicon.language.tokenize(text), lexicon, dt.date(2026, 11, 24))) == []
