"""The Query DSL of Elasticsearch, which OpenSearch shares.

It expects the mapping that Elasticsearch creates by itself: a text field `x` has a keyword `x.keyword`
(for values up to 256 characters), by which whole values are compared and sorted. Times of day are
keywords such as "18:30:00". `case_insensitive` folds A to Z only.
https://www.elastic.co/docs/reference/query-languages/query-dsl/query-dsl-term-query
"""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from nlp2filters.core.catalog import Field
from nlp2filters.core.dialects.tree import And, Eq, Has, In, Range, Test, Value
from nlp2filters.core.dialects.writer import Search, Writer

Query = dict[str, Any]


def render(search: Search) -> dict[str, Any]:
    """Return the body of a `_search`: `{"query": {"bool": …}, "sort": […], "size": n}`.

    `sort` and `size` are present if asked for. Conditions filter and do not score. The words that no condition took
    must match in some text field, and score.
    """
    writer, where = QueryDSL(search.target), search.where
    parts = where.args if isinstance(where, And) else (where,) if where else ()
    body: dict[str, Any] = {"query": {"bool": {"filter": [writer.write(part) for part in parts]}}}
    if search.text:
        texts = [search.target.name(field) for field in search.target.catalog.fields if field.type == "text"]
        # Without `fields`, Elasticsearch searches every field that can be searched by words.
        among = {"fields": texts} if texts else {"lenient": True}
        body["query"]["bool"]["must"] = [{"multi_match": {"query": search.text, **among}}]
    if search.sort:
        body["sort"] = [{writer.whole(key.field): {"order": key.direction, "missing": "_last"}} for key in search.sort]
    if search.limit is not None:
        body["size"] = search.limit
    return body


class QueryDSL(Writer[Query]):
    """A writer of queries that do not score."""

    def eq(self, test: Eq) -> Query:
        folding = {"case_insensitive": True} if test.fold else {}
        return {"term": {self.whole(test.field): {"value": _to_json(test.value), **folding}}}

    def one_of(self, test: In) -> Query:
        if test.fold:
            return super().one_of(test)
        return {"terms": {self.whole(test.field): [_to_json(value) for value in test.values]}}

    def range(self, test: Range) -> Query:
        limits = {}
        if test.low is not None:
            limits["gt" if test.low_open else "gte"] = _to_json(test.low)
        if test.high is not None:
            limits["lt" if test.high_open else "lte"] = _to_json(test.high)
        return {"range": {self.whole(test.field): limits}}

    def has(self, test: Has) -> Query:
        start, end = "*" * (test.anchor != "start"), "*" * (test.anchor != "end")
        folding = {"case_insensitive": True} if test.fold else {}
        return {"wildcard": {self.whole(test.field): {"value": f"{start}{_escaped(test.text)}{end}", **folding}}}

    def negated(self, test: Test) -> Query:
        return {"bool": {"must_not": [self.write(test)]}}

    def missing(self, field: Field) -> Query:
        return {"bool": {"must_not": [self.exists(field)]}}

    def exists(self, field: Field) -> Query:
        return {"exists": {"field": self.target.name(field)}}

    def every(self, parts: Sequence[Query]) -> Query:
        return {"bool": {"filter": list(parts)}}

    def some(self, parts: Sequence[Query]) -> Query:
        return {"bool": {"should": list(parts), "minimum_should_match": 1}}

    def whole(self, field: Field) -> str:
        """Return the property that holds the value in one piece, not its words."""
        name = self.target.name(field)
        return self.target.stored(field).exact or (f"{name}.keyword" if field.type == "text" else name)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("*", "\\*").replace("?", "\\?")


def _to_json(value: Value) -> Any:
    return value.isoformat() if isinstance(value, dt.date | dt.time) else value
