"""What tests of agreement share: any filter over a catalog."""

from collections.abc import Mapping
from typing import Any, get_args

from hypothesis import strategies as st

from nlp2filters.core.catalog import Catalog
from nlp2filters.core.filters import (
    Anchor,
    And,
    Between,
    Comparison,
    Contains,
    Filter,
    IsNull,
    Leaf,
    Not,
    OneOf,
    Or,
    leaves,
)
from tests.reference import holds

Row = Mapping[str, Any]
Asked = Mapping[str, st.SearchStrategy[Any]]

STRINGS = {"keyword", "text"}


@st.composite
def conditions(draw: st.DrawFn, shop: Catalog, asked: Asked) -> Leaf:
    """Any condition that the catalog allows, on one of the fields in `asked` and values from there."""
    name = draw(st.sampled_from(list(asked)))
    field, values, kinds = shop.by_name[name], asked[name], ["equal", "in", "null"]
    # In a closed field, the values have one spelling each.
    exact = st.booleans() if field.type in STRINGS and not field.closed else st.just(False)
    if field.type in STRINGS:
        kinds += ["contains"] * 2
    elif field.type != "boolean":
        kinds += ["between"] * 2 if field.many else ["between", "compare"] * 2
    match draw(st.sampled_from(kinds)):
        case "equal":
            return Comparison(draw(st.sampled_from(("=", "<>"))), name, draw(values), draw(exact))
        case "in":
            return OneOf(name, tuple(draw(st.lists(values, min_size=1, max_size=3))), draw(exact))
        case "compare":
            return Comparison(draw(st.sampled_from(("<", "<=", ">", ">="))), name, draw(values))
        case "between":
            return Between(name, draw(values), draw(values))
        case "contains":
            anchor = draw(st.sampled_from(get_args(Anchor)))
            return Contains(name, draw(values.filter(str.strip)), anchor, draw(exact))
        case _:
            return IsNull(name)


def searches_exactly(node: Filter) -> bool:
    """True if a part of a text is searched for in one spelling, which not every engine can."""
    return any(isinstance(leaf, Contains) and leaf.exact for leaf in leaves(node))


def trees(shop: Catalog, asked: Asked) -> st.SearchStrategy[Filter]:
    """Any filter of such conditions."""
    return st.recursive(
        conditions(shop, asked),
        lambda inner: st.one_of(
            st.builds(Not, inner),
            st.builds(And, st.lists(inner, min_size=2, max_size=3).map(tuple)),
            st.builds(Or, st.lists(inner, min_size=2, max_size=3).map(tuple)),
        ),
        max_leaves=5,
    )


def selected(node: Filter, table: list[dict[str, Any]]) -> list[int]:
    """What the reference selects. It knows the values of `origin` and of `diet` as exact."""
    return [number for number, row in enumerate(table) if holds(node, row)]
