"""A wrong opposite is the worst error: for food, it is dangerous."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nlp2filters.core import catalog as catalogs
from nlp2filters.core import filters
from nlp2filters.core.filters import Comparison, Filter, IsNull, Not, OneOf, all_of, leaves
from nlp2filters.core.linking import Lexicon
from nlp2filters.core.parser import parse
from tests.core.parser.shop import TODAY

FOOD = ["gluten", "dairy", "nuts", "soy"]
MENU = catalogs.parse(
    {
        "name": "menu",
        "nouns": ["dishes", "dish"],
        "fields": [
            {"name": "contains", "type": "keyword", "many": True, "closed": True, "values": FOOD},
            {"name": "cuisine", "type": "keyword", "closed": True, "values": ["Thai", "Greek"]},
            {"name": "diet", "type": "keyword", "closed": True, "values": ["vegan", "alcohol-free"]},
            {"name": "caffeine_free", "type": "boolean"},
            {"name": "no_pork", "type": "boolean"},
            {"name": "spicy", "type": "boolean"},
            {"name": "comments", "type": "integer", "nullable": False, "minimum": 0},
            {"name": "rating", "type": "number"},
            {"name": "title", "type": "text"},
        ],
    }
)
LEXICON = Lexicon.of(MENU)
WAYS = [
    "{}-free", "{} free dishes", "no {}", "without {}", "free of {}", "free from {}", "{} excluded", "not {}", "w/o {}",
    "sans {}", "does not contain {}", "allergic to {}", "except {}", "anything but {}", "nothing with {}",
    "{} not included", "zero {}", "without any {}", "minus {}", "excluding {}", "never {}", "avoiding {}",
    "{}less", "cant eat {}",
]  # fmt: skip
BESIDE = [
    "",
    "Thai",
    "spicy",
    "under 20 comments",
    "vegan",
    "with comments",
    "no, thanks.",
    "No,",
    "Not right now.",
    "unrated",
]


def C(op: str, name: str, value: object) -> Comparison:
    return Comparison(op, name, value)  # type: ignore[arg-type]  # as the tests need it


def filter_of(text: str) -> Filter | None:
    return parse(text, LEXICON, today=TODAY).filter


@given(st.sampled_from(WAYS), st.sampled_from(FOOD), st.sampled_from(BESIDE), st.sampled_from(BESIDE))
@settings(max_examples=400, deadline=None)
def test_what_is_not_wanted_is_never_asked_for(way: str, food: str, before: str, after: str) -> None:
    text = f"{before} {way.format(food)}, {after}".strip(" ,")
    node = filter_of(text)
    unwanted = C("<>", "contains", food)
    assert unwanted in filters.tests(node), text
    assert C("=", "contains", food) not in filters.tests(node)


@given(st.lists(st.sampled_from(FOOD), min_size=2, max_size=4, unique=True), st.sampled_from([" and ", " or ", ", "]))
@settings(max_examples=50, deadline=None)
def test_a_list_of_what_is_not_wanted_holds_all_of_it(foods: list[str], joint: str) -> None:
    last = " and " if joint == ", " else joint
    listed = joint.join(foods[:-1]) + last + foods[-1]
    for text in (
        f"no {listed}",
        f"{listed} free dishes",
        f"{listed} excluded",
        joint.join(f"{food}-free" for food in foods),
    ):
        assert filter_of(text) == Not(OneOf("contains", tuple(foods))), text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("without caffeine", C("=", "caffeine_free", True)),
        ("caffeine excluded", C("=", "caffeine_free", True)),
        ("with caffeine", C("=", "caffeine_free", False)),
        ("pork", C("=", "no_pork", False)),
        ("no pork", C("=", "no_pork", True)),
        ("not without pork", C("=", "no_pork", False)),
        ("no alcohol", C("=", "diet", "alcohol-free")),
        ("alcohol", C("<>", "diet", "alcohol-free")),
        ("not alcohol-free", C("<>", "diet", "alcohol-free")),
        ("nothing but Thai", C("=", "cuisine", "Thai")),
        ("anything but not Thai", C("<>", "cuisine", "Thai")),
        ("not gluten-free", C("=", "contains", "gluten")),
        ("gluten-, dairy- and soy-free", Not(OneOf("contains", ("gluten", "dairy", "soy")))),
        ("Thai, gluten-free", all_of(C("=", "cuisine", "Thai"), C("<>", "contains", "gluten"))),
        # "Free" may be about the price.
        ("Thai free delivery", C("=", "cuisine", "Thai")),
        # A "not" ends with its sentence.
        ("I don't want it. Thai please", C("=", "cuisine", "Thai")),
        ("No, I don't want to, yet. Find Thai dishes", C("=", "cuisine", "Thai")),
        ("neither rating nor comments", all_of(IsNull("rating"), C("=", "comments", 0))),
        ("no comments or rating", all_of(C("=", "comments", 0), IsNull("rating"))),
        ("not with comments", C("=", "comments", 0)),
        ("no rating limit", None),
    ],
)
def test_each_of_these_has_one_meaning(text: str, expected: Filter | None) -> None:
    assert filter_of(text) == expected


@pytest.mark.parametrize("text", ["gluten free delivery", "all dishes under 20 comments but Thai"])
def test_what_may_mean_the_opposite_is_asked_about(text: str) -> None:
    assert parse(text, LEXICON, today=TODAY).clarification


def test_nothing_is_negated_by_an_answer() -> None:
    for text in ("No, Thai", "no. Thai", "Nope, Thai", "no thanks, Thai", "Not right now. Thai", "no i want Thai"):
        assert filter_of(text) == C("=", "cuisine", "Thai"), text


def test_a_price_that_is_free_excludes_nothing() -> None:
    assert not any(leaf.field == "cuisine" for leaf in leaves(filter_of("free from work")))
