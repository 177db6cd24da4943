"""Variables of a query to Hasura's GraphQL over PostgreSQL: `where`, `order_by` and `limit`.

A list is a column of the type jsonb, or an array relationship that the field's mapping names as `nested`. Elements of
jsonb are compared in upper and lower case.
https://hasura.io/docs/2.0/api-reference/graphql-api/query/
"""

import re
from typing import Any

from nlp2filters.core.catalog import Field
from nlp2filters.core.dialects.documents.relations import Query, RelationWriter, escaped
from nlp2filters.core.dialects.stored_values import in_form
from nlp2filters.core.dialects.tree import Eq, Has, In, Range, Test, Value, limits, values
from nlp2filters.core.dialects.writer import Search, SortKey

NAMES = re.compile(r"(?!_(?:and|or|not)\b)[_A-Za-z]\w*(?:\.[_A-Za-z]\w*)?", re.ASCII)
_OPERATORS = {">": "_gt", ">=": "_gte", "<": "_lt", "<=": "_lte"}


def render(search: Search) -> dict[str, Any]:
    """Return `{"where": …, "order_by": […], "limit": n}`, each if asked for.

    They are variables of `query ($where: products_bool_exp, $order_by: [products_order_by!], $limit: Int)`: values do
    not belong in the text of a query.
    """
    writer = HasuraWriter(search.target)
    written: dict[str, Any] = {}
    if search.where:
        written["where"] = writer.write(search.where)
    if search.sort:
        written["order_by"] = [writer.order(key) for key in search.sort]
    if search.limit is not None:
        written["limit"] = search.limit
    return written


class HasuraWriter(RelationWriter):
    """A writer of boolean expressions."""

    conjunction = "_and"
    disjunction = "_or"
    negation = "_not"

    def tested(self, test: Test) -> list[Query]:
        match test:
            case Eq(fold=True) | In(fold=True):
                return [{"_ilike": escaped(str(value))} for value in values(test)]
            case Eq(field, value):
                return [{"_eq": self.value(value, field)}]
            case In(field, among):
                return [{"_in": [self.value(value, field) for value in among]}]
            case Has():
                start, end = "%" * (test.anchor != "start"), "%" * (test.anchor != "end")
                return [{"_ilike" if test.fold else "_like": f"{start}{escaped(test.text)}{end}"}]
            case Range():
                return [{_OPERATORS[sign]: self.value(limit, test.field) for sign, limit in limits(test)}]

    def tested_elements(self, test: Eq | In) -> list[Query]:
        return [{"_contains": [self.value(value, test.field)]} for value in values(test)]

    def with_elements(self, field: Field) -> Query:
        return {"_is_null": False, "_neq": []}

    def with_value(self) -> Query:
        return {"_is_null": False}

    def related(self, path: str, query: Query, *, many: bool) -> Query:
        return {path: query}

    def order(self, key: SortKey) -> Query:
        """Write a key to sort by."""
        path, column = self.place(key.field)
        order = {column: f"{key.direction}_nulls_last"}
        return {path: order} if path else order

    def value(self, value: Value, field: Field) -> Any:
        """Return a value in the form in which the field is stored."""
        return in_form(value, self.target.stored(field).form or "iso")
