"""Every rule reads its own examples, and every example reads as it says."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace

import pytest

from nlp2filters import demo
from nlp2filters.core import catalog as catalogs
from nlp2filters.core.filters import And, Between, Comparison, Contains, Filter, IsNull, Not, OneOf, Or, RelativeDate
from nlp2filters.core.interpretation import Interpretation
from nlp2filters.core.linking import Lexicon
from nlp2filters.core.parser import clauses, parse, sentence_of
from nlp2filters.core.parser.clauses import RULES, Clause, Context, Rule
from nlp2filters.core.parser.sentence import Sentence

TODAY = dt.date(2026, 11, 24)
CITIES = ["Paris", "Rome"]
CARS = catalogs.parse(
    {
        "name": "cars",
        "nouns": ["car", "cars"],
        "fields": [
            {"name": "price", "type": "money", "currency": "USD"},
            {"name": "weight", "type": "number", "unit": "g"},
            {"name": "power", "type": "number", "unit": "hp", "synonyms": ["horsepower"]},
            {"name": "seats", "type": "integer"},
            {"name": "stops", "type": "integer", "minimum": 0},
            {"name": "starts", "type": "time"},
            {"name": "released", "type": "date"},
            {"name": "color", "type": "keyword", "values": ["red", "blue", "fee-free"], "closed": True},
            {"name": "brand", "type": "keyword", "values": ["Sony", "Bose"]},
            {"name": "origin", "type": "keyword", "values": CITIES, "closed": True},
            {"name": "destination", "type": "keyword", "values": CITIES, "closed": True},
            {"name": "quality", "type": "keyword", "values": ["medium", "high", "low"], "closed": True},
            {"name": "wireless", "type": "boolean"},
            {"name": "title", "type": "text"},
        ],
    }
)


def in_short(found: Interpretation) -> str:
    parts = [written(found.filter)] if found.filter else []
    if found.sort:
        parts.append("sort " + ", ".join(f"{sort.field} {sort.direction}" for sort in found.sort))
    if found.limit:
        parts.append(f"limit {found.limit}")
    return " ".join(parts)


def written(node: Filter) -> str:
    match node:
        case And(args) | Or(args):
            word = " and " if isinstance(node, And) else " or "
            return word.join(f"({written(arg)})" if isinstance(arg, And | Or) else written(arg) for arg in args)
        case Not(arg):
            return f"not {written(arg)}"
        case Comparison(op, field, value):
            return f"{field} {op} {constant(value)}"
        case Between(field, low, high):
            return f"{constant(low)} <= {field} <= {constant(high)}"
        case OneOf(field, values):
            return f"{field} in ({', '.join(map(constant, values))})"
        case Contains(field, text):
            return f"{field} contains '{text}'"
        case IsNull(field):
            return f"{field} is null"


def constant(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case RelativeDate(0, "day"):
            return "today"
        case RelativeDate(offset, unit):
            return f"today {'+' if offset > 0 else '-'} {abs(offset)} {unit}s"
        case dt.time():
            return f"{value:%H:%M}"
    return str(value)


EXAMPLES = [(rule.name, text, reading) for rule in RULES for text, reading in rule.examples.items()]


@pytest.fixture
def applied(monkeypatch: pytest.MonkeyPatch) -> Iterator[set[str]]:
    """The names of the rules that have read something."""
    names: set[str] = set()

    def recorded(rule: Rule) -> Rule:
        def read(sentence: Sentence, at: int, context: Context) -> Clause | None:
            clause = rule.read(sentence, at, context)
            if clause:
                names.add(rule.name)
            return clause

        return replace(rule, read=read)

    monkeypatch.setattr(clauses, "RULES", tuple(map(recorded, RULES)))
    clauses.rules_for.cache_clear()
    yield names
    clauses.rules_for.cache_clear()


@pytest.mark.parametrize(("name", "text", "reading"), EXAMPLES)
def test_a_rule_reads_its_examples(name: str, text: str, reading: str, applied: set[str]) -> None:
    assert in_short(parse(text, Lexicon.of(CARS), today=TODAY)) == reading
    assert name in applied


def test_a_rule_begins_only_with_what_it_says() -> None:
    """The rules are chosen by the first chunk, so that most are not even tried; those would not fit."""
    lexicon = Lexicon.of(CARS)
    for text in (*(text for _, text, _ in EXAMPLES), *demo.catalog("cars").examples):
        sentence = sentence_of(text, lexicon.language.tokenize(text), lexicon, TODAY)
        for at, chunk in enumerate(sentence.chunks):
            chosen = clauses.rules_for(clauses._features(chunk))
            for rule in RULES:
                assert rule in chosen or not rule.read(sentence, at, Context(top="desc")), (rule.name, text, at)


def test_each_rule_has_a_name_of_its_own_and_examples() -> None:
    assert len({rule.name for rule in RULES}) == len(RULES)
    assert all(rule.examples for rule in RULES)
