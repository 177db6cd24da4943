"""What tests of agreement share: any filter over a catalog, and what runs Query DSL in place of Elasticsearch."""

import datetime as dt
import re
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
from tests.reference import fold, holds

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


def matches(query: Row, doc: Row, shop: Catalog) -> bool:
    """Whether Query DSL finds the document: where a field holds a list, one of its values has to match."""
    ((kind, body),) = query.items()
    match kind:
        case "bool":
            assert body.keys() <= {"filter", "must_not", "should", "minimum_should_match"}
            should = [matches(part, doc, shop) for part in body.get("should", ())]
            return (
                all(matches(part, doc, shop) for part in body.get("filter", ()))
                and not any(matches(part, doc, shop) for part in body.get("must_not", ()))
                and sum(should) >= body.get("minimum_should_match", 0)
            )
        case "exists":
            return body["field"] in doc
    ((whole, asked),) = body.items()
    name = whole.removesuffix(".keyword")  # of a text, which is split into words, that is its whole
    assert whole.endswith(".keyword") == (shop.by_name[name].type == "text")
    held = doc.get(name, [])
    return any(_value_matches(kind, asked, value) for value in (held if isinstance(held, list) else [held]))


def _value_matches(kind: str, asked: Any, held: Any) -> bool:
    match kind:
        case "term":
            folding = asked.get("case_insensitive")
            return bool(fold(held) == fold(asked["value"]) if folding else held == asked["value"])
        case "terms":
            return held in asked
        case "wildcard":
            folded = fold if asked.get("case_insensitive") else str
            pattern = "".join(
                ".*" if part == "*" else "." if part == "?" else re.escape(part[-1])
                for part in re.findall(r"\\.|.", folded(asked["value"]), re.DOTALL)
            )
            return re.fullmatch(pattern, folded(held), re.DOTALL) is not None
        case "range":
            value = _ordered(held)
            bounds = {"lt": value.__lt__, "lte": value.__le__, "gt": value.__gt__, "gte": value.__ge__}
            return all(bounds[bound](_ordered(limit)) for bound, limit in asked.items())
    raise AssertionError(f"unknown query {kind}")


def _ordered(value: Any) -> Any:
    """Numbers as numbers of one kind; instants, whose text may or may not have a fraction, as instants."""
    if not isinstance(value, str):
        return float(value)
    return dt.datetime.fromisoformat(value) if "T" in value else value
