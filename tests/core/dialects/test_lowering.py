"""Lowering: days on a datetime field, spellings, negations, and unknown values."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from nlp2filters.core import filters
from nlp2filters.core.catalog import Catalog, Field, Value
from nlp2filters.core.dialects.lowering import lower
from nlp2filters.core.dialects.tree import And, Eq, Exists, Has, In, Leaf, Missing, Node, Not, Or, Range, leaves
from nlp2filters.core.filters import Between, Comparison, Contains, Filter, IsNull, OneOf

DAY = dt.date(2026, 1, 31)
NEXT = dt.date(2026, 2, 1)
START = dt.datetime(2026, 1, 31, tzinfo=dt.UTC)
END = dt.datetime(2026, 2, 1, tzinfo=dt.UTC)
NOON = dt.datetime(2026, 1, 31, 12, tzinfo=dt.UTC)
CITY = Field("city", "keyword", values=(Value("Pune", ("PUNE", " Pune", "Poona")), Value("Goa")), closed=True)
FIELDS: dict[str, Field] = {
    field.name: field
    for field in (
        CITY,
        Field("seen", "datetime"),
        Field("shows", "datetime", many=True),
        Field("released", "date"),
        Field("brand", "keyword"),
        Field("price", "number"),
        Field("wireless", "boolean"),
        Field("tags", "keyword", many=True),
    )
}
SHOP = Catalog("shop", tuple(FIELDS.values()))
WITHIN = Range(FIELDS["seen"], START, END, high_open=True)


def of(kind: type[Leaf], name: str, *args: object, **options: object) -> Leaf:
    return kind(FIELDS[name], *args, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        (Comparison("=", "seen", DAY), WITHIN),
        (Comparison("<>", "seen", DAY), Not(WITHIN)),
        (filters.Not(Comparison("=", "seen", DAY)), Not(WITHIN)),
        (Comparison("<", "seen", DAY), of(Range, "seen", high=START, high_open=True)),
        (Comparison("<=", "seen", DAY), of(Range, "seen", high=END, high_open=True)),
        (Comparison(">", "seen", DAY), of(Range, "seen", low=END)),
        (Comparison(">=", "seen", DAY), of(Range, "seen", low=START)),
        (Comparison(">", "seen", NOON), of(Range, "seen", low=NOON, low_open=True)),
        (filters.Not(Comparison(">", "seen", DAY)), of(Range, "seen", high=END, high_open=True)),
        (Between("seen", DAY, DAY), WITHIN),
        (filters.Not(Between("seen", DAY, DAY)), Not(WITHIN)),
        (Between("seen", DAY, NOON), of(Range, "seen", START, NOON)),
        (Between("seen", NOON, DAY), of(Range, "seen", NOON, END, high_open=True)),
        (Between("shows", DAY, DAY), of(Range, "shows", START, END, high_open=True)),
        (OneOf("seen", (DAY,)), WITHIN),
        (OneOf("seen", (DAY, NOON)), Or((WITHIN, of(Eq, "seen", NOON)))),
        (filters.Not(OneOf("seen", (DAY, NOON))), And((Not(WITHIN), Not(Eq(FIELDS["seen"], NOON))))),
        (Between("seen", NOON, NOON), of(Range, "seen", NOON, NOON)),
        (Comparison("=", "released", DAY), of(Eq, "released", DAY)),
        (Between("released", DAY, NEXT), of(Range, "released", DAY, NEXT)),
        (
            filters.And((IsNull("brand"), filters.And((Contains("brand", "x"), filters.Not(IsNull("price")))))),
            And((of(Missing, "brand"), of(Has, "brand", "x"), of(Exists, "price"))),
        ),
        (Comparison("=", "brand", "x"), of(Eq, "brand", "x", fold=True)),
        (Comparison("=", "wireless", False), of(Eq, "wireless", False)),
        (Comparison("<>", "wireless", True), of(Eq, "wireless", False)),
        (filters.Not(Comparison("=", "wireless", True)), of(Eq, "wireless", False)),
    ],
)
def test_lowering(node: Filter, expected: Node) -> None:
    assert lower(node, SHOP) == expected


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        (Comparison("=", "city", "Pune"), of(In, "city", ("Pune", "PUNE", " Pune"))),
        (Comparison("<>", "city", "Pune"), Not(In(CITY, ("Pune", "PUNE", " Pune")))),
        (OneOf("city", ("Goa", "Pune")), of(In, "city", ("Goa", "Pune", "PUNE", " Pune"))),
        (filters.Not(OneOf("city", ("Pune",))), Not(In(CITY, ("Pune", "PUNE", " Pune")))),
        (Comparison("=", "city", "Goa"), of(Eq, "city", "Goa")),
    ],
)
def test_a_value_is_asked_for_in_all_its_spellings(node: Filter, expected: Node) -> None:
    assert lower(node, SHOP) == expected


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        (Comparison("<>", "brand", "x"), Not(Eq(FIELDS["brand"], "x", fold=True), missing=True)),
        (filters.Not(Comparison(">", "price", 5)), Not(Range(FIELDS["price"], 5, low_open=True), missing=True)),
        (Comparison("<=", "price", 5), of(Range, "price", high=5)),
        (Comparison("=", "wireless", False), Not(Eq(FIELDS["wireless"], True), missing=True)),
        (Comparison("=", "wireless", True), of(Eq, "wireless", True)),
        (filters.Not(IsNull("brand")), of(Exists, "brand")),
    ],
)
def test_the_opposite_of_a_test_includes_unknown_values_if_asked_to(node: Filter, expected: Node) -> None:
    assert lower(node, SHOP, unknown="include") == expected


def test_every_test_points_to_its_place_in_the_filter() -> None:
    node = filters.And(
        (
            IsNull("price"),
            filters.Not(filters.Or((Comparison("=", "brand", "x"), OneOf("seen", (DAY, NOON))))),
            filters.And((Contains("brand", "y"), Comparison("<>", "tags", "z"))),
        )
    )
    places = [leaf.at for leaf in leaves(lower(node, SHOP))]
    assert places == [
        "/args/0",
        "/args/1/args/0/args/0",
        "/args/1/args/0/args/1",
        "/args/1/args/0/args/1",
        "/args/2/args/0",
        "/args/2/args/1",
    ]


def test_negative_zero_is_zero() -> None:
    lowered = lower(Comparison("=", "price", -0.0), SHOP)
    assert isinstance(lowered, Eq)
    assert str(lowered.value) == "0.0"


def test_a_day_of_the_clock_change_has_25_hours() -> None:
    lowered = lower(Comparison("=", "seen", dt.date(2026, 10, 25)), SHOP, ZoneInfo("Europe/Berlin"))
    start, end = dt.datetime(2026, 10, 24, 22, tzinfo=dt.UTC), dt.datetime(2026, 10, 25, 23, tzinfo=dt.UTC)
    assert lowered == of(Range, "seen", start, end, high_open=True)


@pytest.mark.parametrize("hours", [-12, 0, 12])
@pytest.mark.parametrize("day", [dt.date.min, dt.date.max])
def test_the_ends_of_the_calendar(hours: int, day: dt.date) -> None:
    lowered = lower(Comparison("=", "seen", day), SHOP, dt.timezone(dt.timedelta(hours=hours)))
    assert isinstance(lowered, Range)
