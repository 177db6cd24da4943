"""The Query DSL of Elasticsearch, which OpenSearch shares.

It expects the mapping that the engine creates by itself. Every string `x` is a text for search by words and has a
sub-field `x.keyword`, by which whole values are compared and sorted; so are times of day ("18:30:00"). What is longer
than 256 characters is not in `x.keyword`. Numbers with fractions have single precision. A field's mapping says
otherwise: `exact` names a property that holds texts of all lengths, and the form "native" a number of full precision.
https://www.elastic.co/docs/manage-data/data-store/mapping/dynamic-field-mapping
"""

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import Any

from nlp2filters.core.catalog import STRINGS, Field
from nlp2filters.core.dialects.capabilities import Effect
from nlp2filters.core.dialects.lucene import MAX_ALTERNATIVES, has_too_many_alternatives, refuses_folded_list
from nlp2filters.core.dialects.precision import in_single_precision, is_fraction
from nlp2filters.core.dialects.stored_values import in_form, iso_milliseconds
from nlp2filters.core.dialects.tree import And, Eq, Has, In, Range, Test, Value, limits, splits_a_millisecond, values
from nlp2filters.core.dialects.writer import Search, SortKey, Target, Writer
from nlp2filters.core.mapping import Form, StoredField

Query = dict[str, Any]

# `ignore_above` of a dynamic mapping, in units of UTF-16.
MAX_LENGTH = 256

# The engine joins the terms of these by OR.
_DATES = frozenset({"date", "datetime"})
_OPERATORS = {">": "gt", ">=": "gte", "<": "lt", "<=": "lte"}


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
        # Without `fields`, the engine searches every field that can be searched by words.
        among = {"fields": texts} if texts else {"lenient": True}
        body["query"]["bool"]["must"] = [{"multi_match": {"query": search.text, **among}}]
    if search.sort:
        body["sort"] = [writer.order(key) for key in search.sort]
    if search.limit is not None:
        body["size"] = search.limit
    return body


def refuses(test: Test, _: StoredField) -> str | None:
    """Return the reason why a test cannot be written."""
    if splits_a_millisecond(test):
        return "The engine keeps milliseconds of an instant."
    if test.field.type in _DATES and has_too_many_alternatives(test):
        return f"The engine takes {MAX_ALTERNATIVES:,} dates at most."
    return refuses_folded_list(test)


def approximates(test: Test, stored: StoredField) -> Iterator[tuple[str, Effect]]:
    """Yield what a test misses among long texts, and what it cannot tell apart among long numbers."""
    field = test.field
    if field.type in STRINGS and not field.closed and stored.exact is None and _meets_long_texts(test):
        yield (
            f"Texts of more than {MAX_LENGTH} characters are not in {field.title!r} as the engine maps it by itself: "
            "name a property that has them as `exact` in its mapping.",
            "narrower",
        )
    for effect in in_single_precision(test) if stored.form is None else ():
        yield (
            f"{field.title!r} has single precision as the engine maps it by itself: map it as a double, and say so by "
            "the form `native` in its mapping.",
            effect,
        )


def whole(target: Target, field: Field) -> str:
    """Return the property that holds the values of a field in one piece, not their words."""
    name, stored = target.name(field), target.stored(field)
    is_text = field.type in STRINGS or (field.type == "time" and stored.form in (None, "iso"))
    return stored.exact or (f"{name}.keyword" if is_text else name)


def stored_value(value: Value, form: Form | None) -> str | bool | int | float:
    """Return a value in a stored form. The engine would round up an instant that says no milliseconds.

    https://www.elastic.co/docs/reference/query-languages/query-dsl/query-dsl-range-query#missing-date-components
    """
    if isinstance(value, dt.datetime) and form in (None, "native", "iso"):
        return iso_milliseconds(value)
    return in_form(value, form or "iso")


class QueryDSL(Writer[Query]):
    """A writer of queries that do not score."""

    def eq(self, test: Eq) -> Query:
        if is_fraction(test.field) and test.value == 0:
            return self.one_of(In(test.field, (0.0,)))
        term = {"value": self.value(test.value, test.field), **_folding(test)}
        return self._of(test.field, {"term": {self.whole(test.field): term}})

    def one_of(self, test: In) -> Query:
        if test.fold:
            return super().one_of(test)
        zeros = [-0.0] if is_fraction(test.field) and 0 in test.values else []
        among = [self.value(value, test.field) for value in test.values] + zeros
        return self._of(test.field, {"terms": {self.whole(test.field): among}})

    def range(self, test: Range) -> Query:
        within = {}
        for sign, limit in limits(test):
            # The engine has two zeros, of which the negative one is the less.
            is_negative = sign in (">=", "<") and limit == 0 and is_fraction(test.field)
            within[_OPERATORS[sign]] = -0.0 if is_negative else self.value(limit, test.field)
        return self._of(test.field, {"range": {self.whole(test.field): within}})

    def has(self, test: Has) -> Query:
        start, end = "*" * (test.anchor != "start"), "*" * (test.anchor != "end")
        pattern = {"value": f"{start}{_escaped(test.text)}{end}", **_folding(test)}
        return self._of(test.field, {"wildcard": {self.whole(test.field): pattern}})

    def negated(self, test: Test) -> Query:
        return {"bool": {"must_not": [self.write(test)]}}

    def missing(self, field: Field) -> Query:
        return {"bool": {"must_not": [self.exists(field)]}}

    def exists(self, field: Field) -> Query:
        return self._of(field, {"exists": {"field": self.target.name(field)}})

    def every(self, parts: Sequence[Query]) -> Query:
        return {"bool": {"filter": list(parts)}}

    def some(self, parts: Sequence[Query]) -> Query:
        return {"bool": {"should": list(parts), "minimum_should_match": 1}}

    def order(self, key: SortKey) -> Query:
        """Write a key to sort by."""
        path = self.target.stored(key.field).nested
        nested = {"nested": {"path": path}} if path else {}
        return {self.whole(key.field): {"order": key.direction, "missing": "_last", **nested}}

    def whole(self, field: Field) -> str:
        """Return the property that holds the value in one piece, not its words."""
        return whole(self.target, field)

    def value(self, value: Value, field: Field) -> Any:
        """Return a value in the form in which the field is stored."""
        return stored_value(value, self.target.stored(field).form)

    def _of(self, field: Field, query: Query) -> Query:
        """Search objects of their own if the property is in such."""
        path = self.target.stored(field).nested
        return {"nested": {"path": path, "query": query}} if path else query


def _folding(test: Eq | Has) -> Query:
    return {"case_insensitive": True} if test.fold else {}


def _meets_long_texts(test: Test) -> bool:
    return isinstance(test, Has) or any(len(str(value).encode("utf-16-le")) > 2 * MAX_LENGTH for value in values(test))


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("*", "\\*").replace("?", "\\?")
