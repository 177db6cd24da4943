"""The Query DSL of Elasticsearch, which OpenSearch shares.

It expects the mapping that Elasticsearch creates by itself: a text field `x` has a keyword `x.keyword`
(for values up to 256 characters), by which whole values are compared and sorted. Times of day are
keywords such as "18:30:00". `case_insensitive` folds A to Z only.
https://www.elastic.co/docs/reference/query-languages/query-dsl/query-dsl-term-query
"""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from nlp2filters.core.catalog import Catalog, Field
from nlp2filters.core.dialects.lowering import fold, folds_case, lower
from nlp2filters.core.filters import (
    And,
    Between,
    Comparison,
    Contains,
    Filter,
    IsNull,
    Leaf,
    OneOf,
    Scalar,
)
from nlp2filters.core.interpretation import Interpretation, Sort

Query = dict[str, Any]

_BOUNDS = {"<": "lt", "<=": "lte", ">": "gt", ">=": "gte"}


def render(interpretation: Interpretation, catalog: Catalog, zone: dt.tzinfo = dt.UTC) -> dict[str, Any]:
    """Return the body of a `_search`: `{"query": {"bool": …}, "sort": […], "size": n}`.

    `sort` and `size` are present if asked for. Conditions filter and do not score. The words that no condition took
    must match in some text field, and score.
    """
    it = interpretation
    body: dict[str, Any] = {"query": {"bool": {"filter": query(it.filter, catalog, zone) if it.filter else []}}}
    if it.text:
        texts = [field.name for field in catalog.fields if field.type == "text"]
        # Without `fields`, Elasticsearch searches every field that can be searched by words.
        among = {"fields": texts} if texts else {"lenient": True}
        body["query"]["bool"]["must"] = [{"multi_match": {"query": it.text, **among}}]
    if it.sort:
        body["sort"] = [_sort(sort, catalog) for sort in it.sort]
    if it.limit is not None:
        body["size"] = it.limit
    return body


def query(filter: Filter, catalog: Catalog, zone: dt.tzinfo = dt.UTC) -> list[Query]:  # noqa: A002
    """Return the queries that a document must all match.

    Only `isNull` selects a document without the field, so every negation requires that the field exists. A list passes
    a test if one of its values does; an empty one counts as no value.
    """
    lowered = lower(filter, catalog, zone)
    return [_query(part, catalog) for part in (lowered.args if isinstance(lowered, And) else (lowered,))]


def _query(node: Filter, catalog: Catalog) -> Query:
    return fold(
        node,
        leaf=lambda leaf: _test(leaf, catalog.by_name[leaf.field]),
        negated=lambda leaf: _negated(leaf, catalog.by_name[leaf.field]),
        every=lambda queries: {"bool": {"filter": queries}},
        some=_any,
    )


def _negated(leaf: Leaf, field: Field) -> Query:
    if isinstance(leaf, IsNull):
        return _exists(field.name)
    return {"bool": {"filter": [_exists(field.name)], "must_not": [_test(leaf, field)]}}


def _test(leaf: Leaf, field: Field) -> Query:
    whole = _whole(field)
    match leaf:
        case Comparison("<>", name, value):
            return _negated(Comparison("=", name, value), field)
        case Comparison("=", _, value):
            return _term(value, field)
        case Comparison(op, _, value):
            return {"range": {whole: {_BOUNDS[op]: _to_json(value)}}}
        case Between(_, low, high):
            return {"range": {whole: {"gte": _to_json(low), "lte": _to_json(high)}}}
        case OneOf(_, values) if folds_case(field):
            return _any([_term(value, field) for value in values])
        case OneOf(_, values):
            return {"terms": {whole: [_to_json(value) for value in values]}}
        case Contains(_, text):
            return {"wildcard": {whole: {"value": f"*{_escaped(text)}*", "case_insensitive": True}}}
        case IsNull(name):
            return {"bool": {"must_not": [_exists(name)]}}


def _term(value: Scalar, field: Field) -> Query:
    folding = {"case_insensitive": True} if folds_case(field) else {}
    return {"term": {_whole(field): {"value": _to_json(value), **folding}}}


def _any(queries: Sequence[Query]) -> Query:
    return {"bool": {"should": queries, "minimum_should_match": 1}}


def _exists(name: str) -> Query:
    return {"exists": {"field": name}}


def _whole(field: Field) -> str:
    """Return the property that holds the value in one piece, not its words."""
    return f"{field.name}.keyword" if field.type == "text" else field.name


def _sort(sort: Sort, catalog: Catalog) -> Query:
    return {_whole(catalog.by_name[sort.field]): {"order": sort.direction, "missing": "_last"}}


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("*", "\\*").replace("?", "\\?")


def _to_json(value: Scalar) -> Any:
    return value.isoformat() if isinstance(value, dt.date | dt.time) else value
