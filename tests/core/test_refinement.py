"""A follow-up text against how an earlier one was read."""

from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlp2filters import demo
from nlp2filters.core import catalog as catalogs
from nlp2filters.core import checks, filters, interpretation, languages, parser
from nlp2filters.core.catalog import Catalog
from nlp2filters.core.conversation import Conversation
from nlp2filters.core.cql2.reader import from_cql2
from nlp2filters.core.cql2.records import to_cql2
from nlp2filters.core.filters import Filter, leaves
from nlp2filters.core.interpretation import Interpretation
from nlp2filters.core.linking import Lexicon
from nlp2filters.core.parser import followup
from nlp2filters.core.refinement import difference, merge
from tests.core.parser.shop import SHOP, TODAY


@cache
def lexicon(name: str, locale: str = "en") -> Lexicon:
    return Lexicon.of(SHOP if name == "shop" else demo.catalog(name), languages.of(locale))


def say(*texts: str, of: Lexicon) -> Interpretation:
    """How the last text is read after all before it."""
    first, *rest = texts
    before: Conversation | None = None
    reading = parser.parse(first, of, today=TODAY)
    for number, text in enumerate(rest):
        before = Conversation.of(f"job_{number}", texts[number], reading, before)
        said = followup.read(text, of)
        reading = merge(before, parser.parse(said.rest, of, today=TODAY), said, today=TODAY)
    return interpretation.resolve(reading, TODAY)


def plain(reading: Interpretation, catalog: Catalog) -> str:
    return f"{_shown(reading.filter)} | {_sorted(reading)} | {reading.limit or ''} | {reading.text}"


def _sorted(reading: Interpretation) -> str:
    return ", ".join(f"{sort.field} {sort.direction}" for sort in reading.sort)


def _shown(node: Filter | None) -> str:
    match node:
        case None:
            return ""
        case filters.And(args):
            return " & ".join(
                sorted(f"({_shown(arg)})" if isinstance(arg, filters.Or) else _shown(arg) for arg in args)
            )
        case filters.Or(args):
            return " or ".join(
                sorted(f"({_shown(arg)})" if isinstance(arg, filters.And) else _shown(arg) for arg in args)
            )
    data = interpretation.leaf_to_json(node)
    value = data["value"]
    if isinstance(value, dict):
        value = next(iter(value.values()))
    return f"{data['field']} {data['op']} {value}".lower()


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        # more is asked for
        (["red headphones", "under $80"], "color = red & price < 80"),
        (["under $80", "also in red"], "color = red & price < 80"),
        (["red, under $80", "wireless"], "color = red & price < 80 & wireless = true"),
        (["red", "not Beats"], "brand <> beats & color = red"),
        (["not Beats", "not Sony either"], "brand <> beats & brand <> sony"),
        (["with bluetooth", "with a microphone"], "features = microphone"),
        (["with bluetooth", "also with a microphone"], "features = bluetooth or features = microphone"),
        # the same field: other values
        (["black headphones", "red"], "color = red"),
        (["black headphones", "make it red"], "color = red"),
        (["black headphones", "what about red ones?"], "color = red"),
        (["black, under $80", "red instead"], "color = red & price < 80"),
        (["black, under $80", "actually blue"], "color = blue & price < 80"),
        (["black headphones", "only Sony"], "brand = sony & color = black"),
        (["Beats", "not Beats"], "brand <> beats"),
        (["not Beats", "Beats after all"], "brand = beats"),
        (["Beats or Sony", "no Beats please"], "brand <> beats & brand in ['beats', 'sony']"),
        # wider
        (["black headphones", "also in red"], "color = black or color = red"),
        (["black headphones", "or red"], "color = black or color = red"),
        (["black headphones", "red too"], "color = black or color = red"),
        (["black, under $80", "red as well"], "(color = black or color = red) & price < 80"),
        (["black, under $80", "also red, over 200 g"], "(color = black or color = red) & price < 80 & weight > 200"),
        (["black or red", "add blue"], "color = blue or color in ['black', 'red']"),
        (["black headphones", "not blue", "also red"], "(color = black or color = red) & color <> blue"),
        (["black headphones", "not blue", "also blue"], "color = black or color = blue"),
        (["not black", "also red"], "color <> black or color = red"),
        # limits
        (["under $80", "under $50"], "price < 50"),
        (["under $80", "over $20"], "price < 80 & price > 20"),
        (["under $80", "at least $80"], "price >= 80"),
        (["between $20 and $80", "under $50"], "price < 50 & price >= 20"),
        (["between $20 and $80", "under $10"], "price < 10"),
        (["between $20 and $80", "between $50 and $90"], "price between [50, 90]"),
        (["exactly $80", "under $50"], "price < 50"),
        (["released this year", "released before june"], "released < 2026-06-01 & released >= 2026-01-01"),
        (["released this year", "last year"], "released between [{'date': '2025-01-01'}, {'date': '2025-12-31'}]"),
        # less
        (["red, under $80", "any price"], "color = red"),
        (["red, under $80", "any color"], "price < 80"),
        (["red, under $80", "remove the price limit"], "color = red"),
        (["red, under $80", "drop the color"], "price < 80"),
        (["red, under $80", "price doesn't matter"], "color = red"),
        (["red, under $80", "regardless of price, in blue"], "color = blue"),
        (["red, under $80", "without the price filter"], "color = red"),
        (["red or blue, or under $80", "any price"], ""),
        (["red headphones", "drop the red ones"], "color <> red"),
        (["red, under $80", "start over"], ""),
        (["red, under $80", "start over: Sony headphones"], "brand = sony"),
        (["red, under $80", "forget everything, show me blue ones"], "color = blue"),
        (["red, under $80", "any brand but Beats"], "brand <> beats & color = red & price < 80"),
    ],
)
def test_what_a_followup_makes_of_the_filter(texts: list[str], expected: str) -> None:
    reading = say(*texts, of=lexicon("shop"))
    assert _shown(reading.filter) == expected
    assert reading.text == ""
    assert {part.quote for part in reading.ignored} <= {"either", "headphones"}


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["red headphones under $80", "cheaper ones"], "color = red & price < 80 | price asc |  | "),
        (["red headphones", "cheapest first", "the lightest 3"], "color = red | weight asc | 3 | "),
        (["top 5 headphones by price", "the first 10"], " | price desc | 10 | "),
        (["sorted by price", "in black", "newest first"], "color = black | released desc |  | "),
        (["the 5 cheapest red headphones", "drop the order"], "color = red |  | 5 | "),
        (["the 5 cheapest red headphones", "remove the limit"], "color = red | price asc |  | "),
        (["the 5 cheapest red headphones", "start over"], " |  |  | "),
        (["comfortable headphones", "in red"], "color = red |  |  | comfortable"),
        (["comfortable headphones", "foldable"], " |  |  | comfortable foldable"),
    ],
)
def test_order_number_and_words_stay_until_others_are_asked_for(texts: list[str], expected: str) -> None:
    assert plain(say(*texts, of=lexicon("shop")), SHOP) == expected


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["auriculares rojos", "también azules"], ""),
        (["menos de 80 dólares", "cualquier precio"], ""),
        (["menos de 80 dólares", "menos de 50 dólares"], "price < 50"),
        (["menos de 80 dólares", "empezar de nuevo"], ""),
    ],
)
def test_spanish(texts: list[str], expected: str) -> None:
    catalog = catalogs.parse(
        {
            "name": "tienda",
            "nouns": ["auriculares"],
            "fields": [
                {"name": "price", "label": "precio", "type": "money", "currency": "USD"},
                {"name": "color", "type": "keyword", "values": ["rojo", "azul"], "closed": True},
            ],
        }
    )
    reading = say(*texts, of=Lexicon.of(catalog, languages.of("es")))
    assert _shown(reading.filter) == (expected or ("color = azul or color = rojo" if "rojos" in texts[0] else ""))


def test_quotes_tell_in_which_text_they_stand() -> None:
    reading = say("red headphones under $80", "not Beats", "under $50", of=lexicon("shop"))
    assert [(c.quote, c.said_in) for c in reading.conditions] == [
        ("red", "job_0"),
        ("not Beats", "job_1"),
        ("under $50", None),
    ]


def test_texts_of_which_nothing_holds_any_more_are_let_go() -> None:
    shop = lexicon("shop")
    first = Conversation.of("job_0", "red", parser.parse("red", shop, today=TODAY))
    said = followup.read("blue", shop)
    second = Conversation.of(
        "job_1", "blue", merge(first, parser.parse("blue", shop, today=TODAY), said, today=TODAY), first
    )
    assert second.texts == {"job_1": "blue"}
    assert Conversation.from_json(second.to_json()) == second


@pytest.mark.parametrize(
    ("texts", "added", "removed", "changed", "summary"),
    [
        (["red", "under $80"], 1, 0, 0, "Added: Price is less than $80."),
        (["red", "any color"], 0, 1, 0, "Removed: Color is red."),
        (["red", "blue"], 0, 0, 1, "Changed: Color is red → Color is blue."),
        (["red", "cheapest first"], 0, 0, 0, "Order: price, lowest first."),
        (["red", "the first 5"], 0, 0, 0, "Number: 5."),
        (["red", "comfortable"], 0, 0, 0, "Words: “comfortable”."),
        (["red", "red"], 0, 0, 0, "Nothing has changed."),
    ],
)
def test_the_difference(texts: list[str], added: int, removed: int, changed: int, summary: str) -> None:
    shop = lexicon("shop")
    told = difference(say(texts[0], of=shop), say(*texts, of=shop), SHOP)
    assert [len(told[name]) for name in ("added", "removed", "changed")] == [added, removed, changed]
    assert told["summary"] == summary


WORDS = [
    "red", "blue", "also", "or", "and", "not", "under", "over", "$50", "$80", "any", "price", "color", "remove", "the",
    "limit", "instead", "start over", ",", "too", "Beats", "Sony", "cheaper", "released", "this year", "between", "10",
    "wireless", "first", "without", "(", ")", "doesn't matter", "comfortable", "drop", "order", "made in 2020",
]  # fmt: skip


@given(st.lists(st.lists(st.sampled_from(WORDS), max_size=9).map(" ".join), min_size=2, max_size=5))
def test_whatever_is_said_the_filter_fits_the_catalog_and_every_test_has_its_words(texts: list[str]) -> None:
    reading = say(*texts, of=lexicon("shop"))
    said = {f"job_{number}": text for number, text in enumerate(texts)}
    if reading.filter:
        assert checks.check(reading.filter, SHOP)
        assert from_cql2(to_cql2(reading.filter), stored=True) == reading.filter
        assert {leaf.field for leaf in leaves(reading.filter)} == {
            leaf.field for condition in reading.conditions for leaf in leaves(condition.test)
        }
    for condition in reading.conditions:
        text = said[condition.said_in] if condition.said_in else texts[-1]
        assert condition.span.of(text).casefold().split()[-1:] == condition.quote.casefold().split()[-1:]
    assert interpretation.from_json(interpretation.to_json(reading)) == reading


@given(st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join))
def test_words_of_a_followup_keep_their_places(text: str) -> None:
    said = followup.read(text, lexicon("shop"))
    assert len(said.rest) == len(text)
    assert all(0 <= span.start < span.end <= len(text) for span in said.words)
