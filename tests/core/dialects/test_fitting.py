"""Filters fitted to engines that can express less than SQL: what comes out, and what is reported.

Whatever an engine lacks, the fitted filter selects every row that the filter selects.
"""

import dataclasses
import re
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlp2filters.core.catalog import Catalog, Field, Value
from nlp2filters.core.dialects.capabilities import ALL_TYPES, NO_SUPPORT, NOTHING, Capabilities, Support
from nlp2filters.core.dialects.fitting import fit
from nlp2filters.core.dialects.lowering import lower
from nlp2filters.core.dialects.tree import And, Eq, Exists, Has, In, Missing, Node, Not, Or, Range, leaves
from nlp2filters.core.filters import And as AndFilter
from nlp2filters.core.filters import Comparison, Contains, Filter, IsNull, OneOf
from nlp2filters.core.filters import Not as NotFilter
from nlp2filters.core.filters import Or as OrFilter
from nlp2filters.core.mapping import StoredField
from tests.core.dialects.agreement import trees
from tests.reference import fold, holds

BRAND = Field("brand", "keyword")
ORIGIN = Field("origin", "keyword", closed=True, values=(Value("usa"), Value("USA"), Value("japan")))
PRICE = Field("price", "number")
DOORS = Field("doors", "integer", nullable=False)
TAGS = Field("tags", "keyword", many=True)
SHOP = Catalog("shop", (BRAND, ORIGIN, PRICE, DOORS, TAGS))

TWO_VALUED = Capabilities(selects_missing="always")
NO_NULLS = Capabilities(selects_missing="always", null_test=False, exists_test=NOTHING)
IS_X = Comparison("=", "brand", "x")
NOT_X = Comparison("<>", "brand", "x")
CHEAP = Comparison("<", "price", 5)


def fitted(
    node: Filter, able: Capabilities, stored: Mapping[str, StoredField] | None = None, **options: Any
) -> tuple[Node | None, list[tuple[str, str]]]:
    places = stored or {}
    lowered = lower(node, SHOP, **options)
    found, losses = fit(lowered, able, "Engine", lambda field: places.get(field.name, StoredField()))
    return found, [(loss.pointer, loss.effect) for loss in losses]


X = Eq(BRAND, "x", fold=True)


@pytest.mark.parametrize(
    ("unknown", "able", "expected"),
    [
        ("exclude", Capabilities(), Not(X)),
        ("exclude", TWO_VALUED, And((Exists(BRAND), Not(X)))),
        ("include", Capabilities(), Or((Missing(BRAND), Not(X, missing=True)))),
        ("include", TWO_VALUED, Not(X, missing=True)),
    ],
)
def test_guards_are_spelled_out_as_the_engine_needs_them(unknown: Any, able: Capabilities, expected: Node) -> None:
    found, losses = fitted(NOT_X, able, unknown=unknown)
    assert without_flags(found) == without_flags(expected)
    assert not losses


def without_flags(node: Node | None) -> Node | None:
    """The tree without `Not.missing`, which is of no meaning once guards are spelled out."""
    match node:
        case And(args) | Or(args):
            return dataclasses.replace(node, args=tuple(filter(None, map(without_flags, args))))
        case Not(test):
            return Not(test)
        case _:
            return node


def test_a_list_may_need_the_guard_alone() -> None:
    able = Capabilities(selects_missing="lists")
    assert fitted(NOT_X, able) == (Not(X), [])
    found, _ = fitted(Comparison("<>", "tags", "x"), able)
    assert found == And((Exists(TAGS), Not(Eq(TAGS, "x", fold=True))))


def test_without_a_null_test_a_negation_selects_more_and_says_so() -> None:
    assert fitted(NOT_X, NO_NULLS) == (Not(X), [("/filter", "wider")])
    assert fitted(Comparison("<>", "doors", 4), NO_NULLS) == (Not(Eq(DOORS, 4)), [])


def test_a_negation_that_may_select_rows_without_a_value_is_guarded_both_ways() -> None:
    able = Capabilities(selects_missing="either")
    assert fitted(NOT_X, able)[0] == And((Exists(BRAND), Not(X)))
    assert fitted(NOT_X, able, unknown="include")[0] == Or((Missing(BRAND), Not(X)))


def test_a_value_may_be_tested_for_in_fields_of_some_types() -> None:
    able = Capabilities(selects_missing="always", null_test=False, exists_test=frozenset({"number"}))
    assert fitted(Comparison("<>", "price", 5), able) == (And((Exists(PRICE), Not(Eq(PRICE, 5)))), [])
    assert fitted(NOT_X, able) == (Not(X), [("/filter", "wider")])
    assert fitted(NotFilter(IsNull("price")), able) == (Exists(PRICE), [])
    assert fitted(IsNull("price"), able) == (None, [("/filter", "wider")])


def test_an_engine_without_lists_knows_none_without_elements() -> None:
    able = Capabilities(lists=NO_SUPPORT)
    assert fitted(IsNull("tags"), able) == (None, [("/filter", "wider")])
    assert fitted(NotFilter(IsNull("tags")), able) == (None, [("/filter/args/0", "wider")])
    assert fitted(IsNull("brand"), able) == (Missing(BRAND), [])


def test_a_field_that_always_has_a_value_needs_no_guard() -> None:
    able = Capabilities(null_test=False, exists_test=NOTHING)
    assert fitted(Comparison("<>", "doors", 4), able, unknown="include") == (Not(Eq(DOORS, 4)), [])


def test_a_value_that_stands_for_none_replaces_the_null_test() -> None:
    stored = {"brand": StoredField(null="-"), "price": StoredField(null=-1)}
    none, nothing = Eq(BRAND, "-"), Eq(PRICE, -1)
    assert fitted(IsNull("brand"), NO_NULLS, stored) == (none, [])
    assert fitted(NotFilter(IsNull("brand")), NO_NULLS, stored) == (Not(none), [])
    assert fitted(NOT_X, NO_NULLS, stored) == (And((Not(none), Not(X))), [])
    assert fitted(IS_X, NO_NULLS, stored) == (X, [])
    assert fitted(CHEAP, NO_NULLS, stored) == (And((Range(PRICE, high=5, high_open=True), Not(nothing))), [])
    assert fitted(Comparison(">", "price", 5), NO_NULLS, stored) == (Range(PRICE, low=5, low_open=True), [])


def test_an_inexpressible_condition_is_left_out() -> None:
    able = Capabilities(scalars=Support(has=frozenset()))
    both = AndFilter((Contains("brand", "x"), CHEAP))
    assert fitted(both, able) == (Range(PRICE, high=5, high_open=True), [("/filter/args/0", "wider")])
    assert fitted(Contains("brand", "x"), able) == (None, [("/filter", "wider")])
    assert fitted(NotFilter(Contains("brand", "x")), able) == (None, [("/filter/args/0", "wider")])


def test_alternatives_are_left_out_together() -> None:
    able = Capabilities(scalars=Support(has=frozenset()))
    node = AndFilter((OrFilter((Contains("brand", "x"), CHEAP)), Comparison("=", "doors", 4)))
    assert fitted(node, able) == (Eq(DOORS, 4), [("/filter/args/0", "wider")])
    assert fitted(OrFilter((IS_X, CHEAP)), Capabilities(nesting="conjunction")) == (None, [("/filter", "wider")])


def test_case_that_the_engine_cannot_ignore() -> None:
    able = Capabilities(folding="never", has_folding="never")
    assert fitted(IS_X, able) == (Eq(BRAND, "x"), [("/filter", "narrower")])
    assert fitted(NOT_X, able) == (Not(Eq(BRAND, "x")), [("/filter", "wider")])
    assert fitted(Comparison("=", "brand", "50"), able) == (Eq(BRAND, "50"), [])
    assert fitted(Contains("brand", "x"), able) == (Has(BRAND, "x"), [("/filter", "narrower")])
    assert fitted(Contains("brand", "50"), able) == (Has(BRAND, "50"), [])


def test_case_that_the_engine_always_ignores() -> None:
    able = Capabilities(folding="always")
    assert fitted(Comparison("=", "origin", "japan"), able) == (Eq(ORIGIN, "japan"), [])
    assert fitted(Comparison("=", "origin", "usa"), able) == (Eq(ORIGIN, "usa"), [("/filter", "wider")])
    assert fitted(Comparison("<>", "origin", "usa"), able) == (Not(Eq(ORIGIN, "usa")), [("/filter", "narrower")])


def test_the_case_of_elements_may_differ_from_the_case_of_values() -> None:
    able = Capabilities(list_folding="never")
    assert fitted(IS_X, able)[1] == []
    assert fitted(Comparison("=", "tags", "x"), able) == (Eq(TAGS, "x"), [("/filter", "narrower")])


def test_a_name_that_the_engine_cannot_write() -> None:
    able = Capabilities(names=re.compile("[a-o]+"))
    assert fitted(AndFilter((IS_X, CHEAP)), able) == (None, [("/filter/args/0", "wider"), ("/filter/args/1", "wider")])
    assert fitted(IsNull("price"), able) == (None, [("/filter", "wider")])
    assert fitted(CHEAP, able, {"price": StoredField("cool")})[1] == []


def test_many_values_are_divided() -> None:
    node = OneOf("price", (1, 2, 3))
    two = Capabilities(max_values=2)
    assert fitted(node, two) == (Or((In(PRICE, (1, 2)), Eq(PRICE, 3))), [])
    assert fitted(NotFilter(node), two) == (And((Not(In(PRICE, (1, 2))), Not(Eq(PRICE, 3)))), [])
    none = Capabilities(membership=False)
    assert fitted(node, none) == (Or((Eq(PRICE, 1), Eq(PRICE, 2), Eq(PRICE, 3))), [])


def test_a_range_that_cannot_be_negated_becomes_what_is_outside() -> None:
    able = Capabilities(negated=frozenset({"eq"}))
    node = NotFilter(AndFilter((Comparison(">=", "price", 1), Comparison("<", "price", 5))))
    outside = Or((Range(PRICE, high=1, high_open=True), Range(PRICE, low=5)))
    assert fitted(node, able) == (outside, [])


def test_an_and_of_ors() -> None:
    able = Capabilities(nesting="clauses")
    node = OrFilter((AndFilter((IS_X, CHEAP)), Comparison("=", "doors", 4)))
    cheap, four = Range(PRICE, high=5, high_open=True), Eq(DOORS, 4)
    assert fitted(node, able) == (And((Or((X, four)), Or((cheap, four)))), [])


def test_an_and_of_ors_that_would_be_too_long() -> None:
    pairs = tuple(AndFilter((Comparison("=", "price", n), Comparison("=", "doors", n))) for n in range(12))
    assert fitted(OrFilter(pairs), Capabilities(nesting="clauses")) == (None, [("/filter", "wider")])


def test_the_types_within_one_or() -> None:
    able = Capabilities(nesting="clauses", clause_kind=lambda test: test.field.type)
    assert fitted(OrFilter((IS_X, CHEAP)), able) == (None, [("/filter", "wider")])
    assert fitted(AndFilter((IS_X, CHEAP)), able)[1] == []


def test_an_engine_may_refuse_a_value() -> None:
    able = Capabilities(refuses=lambda test, stored: "no x" if test == X and stored.exact is None else None)
    assert fitted(IS_X, able) == (None, [("/filter", "wider")])
    assert fitted(IS_X, able, {"brand": StoredField(exact="brand.whole")}) == (X, [])
    assert fitted(CHEAP, able)[1] == []


def test_an_engine_may_select_roughly_because_of_how_it_stores_values() -> None:
    able = Capabilities(approximates=lambda test, stored: [("cut", "narrower")] if isinstance(test, Has) else ())
    assert fitted(Contains("brand", "x"), able) == (Has(BRAND, "x"), [("/filter", "narrower")])
    assert fitted(NotFilter(Contains("brand", "x")), able) == (Not(Has(BRAND, "x")), [("/filter/args/0", "wider")])
    assert fitted(IS_X, able) == (X, [])


words = st.text(alphabet="aAb", max_size=2)
asked: dict[str, st.SearchStrategy[Any]] = {
    "brand": words,
    "price": st.integers(-1, 2),
    "tags": words,
}
held = {**asked, "tags": st.lists(words, max_size=2)}
rows = st.fixed_dictionaries({name: st.none() | values for name, values in held.items()})
engines = st.builds(
    Capabilities,
    scalars=st.sampled_from((Support(), Support(has=frozenset()), Support(range=NOTHING), NO_SUPPORT)),
    lists=st.sampled_from((Support(), NO_SUPPORT)),
    membership=st.booleans(),
    max_values=st.sampled_from((None, 1, 2)),
    negated=st.frozensets(st.sampled_from(("eq", "in", "range", "has"))),
    selects_missing=st.sampled_from(("never", "lists", "always", "either")),
    null_test=st.booleans(),
    exists_test=st.sampled_from((ALL_TYPES, NOTHING, frozenset({"number"}))),
    nesting=st.sampled_from(("full", "clauses", "conjunction")),
)


@given(node=trees(SHOP, asked), row=rows, able=engines, include=st.booleans())
def test_nothing_is_lost_in_silence(node: Filter, row: Mapping[str, Any], able: Capabilities, include: bool) -> None:
    found, losses = fitted(node, able, unknown="include" if include else "exclude")
    selected = found is None or passes(found, row, able)
    expected = holds_in_two_values(node, row) if include else holds(node, row) is True
    assert selected or not expected
    if not losses:
        assert selected == expected


def holds_in_two_values(node: Filter, row: Mapping[str, Any]) -> bool:
    match node:
        case NotFilter(arg):
            return not holds_in_two_values(arg, row)
        case AndFilter(args):
            return all(holds_in_two_values(arg, row) for arg in args)
        case OrFilter(args):
            return any(holds_in_two_values(arg, row) for arg in args)
        case Comparison("<>", name, value):
            return not holds_in_two_values(Comparison("=", name, value), row)
        case _:
            return holds(node, row) is True


def passes(node: Node, row: Mapping[str, Any], able: Capabilities) -> bool:
    """Whether an engine of such capabilities selects the row, given a filter that was fitted to it."""
    match node:
        case And(args):
            return all(passes(arg, row, able) for arg in args)
        case Or(args):
            return any(passes(arg, row, able) for arg in args)
    values = row[node.field.name] if node.field.many else [row[node.field.name]]
    values = [value for value in values or () if value is not None]
    match node:
        case Missing():
            assert able.null_test
            return not values
        case Exists():
            assert node.field.type in able.exists_test
            return bool(values)
        case Not(test):
            if not values:
                selects = {"never": False, "lists": test.field.many, "always": True}
                # Where either may be, the whole must not depend on it: one number is as good as another.
                return selects.get(able.selects_missing, isinstance(test, Eq | In))
            return not any(passes_value(test, value) for value in values)
        case _:
            return any(passes_value(node, value) for value in values)


def passes_value(test: Eq | In | Range | Has, value: Any) -> bool:
    match test:
        case Eq(_, wanted, is_folded):
            return bool(fold(value) == fold(str(wanted)) if is_folded else value == wanted)
        case In(_, wanted, is_folded):
            return any(passes_value(Eq(test.field, one, is_folded), value) for one in wanted)
        case Has(_, text, anchor, is_folded):
            text, string = (fold(text), fold(value)) if is_folded else (text, value)
            return {"anywhere": string.__contains__, "start": string.startswith, "end": string.endswith}[anchor](text)
        case Range(_, low, high, low_open, high_open):
            above = low is None or value > low or (value == low and not low_open)
            return bool(above and (high is None or value < high or (value == high and not high_open)))


def test_an_exact_test_where_the_engine_ignores_case_is_wider() -> None:
    exact = Contains("brand", "Bo", "start", exact=True)
    wider = [("/filter", "wider")]
    assert fitted(exact, Capabilities()) == (Has(BRAND, "Bo", "start", fold=False), wider)
    assert fitted(exact, Capabilities(has_exact=True)) == (Has(BRAND, "Bo", "start", fold=False), [])
    assert fitted(exact, Capabilities(has_folding="never")) == (Has(BRAND, "Bo", "start", fold=False), [])
    equal = Comparison("=", "brand", "Bo", exact=True)
    assert fitted(equal, Capabilities(folding="always")) == (Eq(BRAND, "Bo"), wider)
    assert fitted(equal, Capabilities()) == (Eq(BRAND, "Bo"), [])
    assert fitted(Comparison("=", "brand", "50", exact=True), Capabilities(folding="always"))[1] == []


def test_every_leaf_of_a_normal_form_keeps_its_place() -> None:
    found, _ = fitted(OrFilter((AndFilter((IS_X, CHEAP)), IsNull("price"))), Capabilities(nesting="clauses"))
    assert found
    assert {leaf.at for leaf in leaves(found)} == {"/args/0/args/0", "/args/0/args/1", "/args/1"}
