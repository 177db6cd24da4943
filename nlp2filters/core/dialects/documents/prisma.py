"""Arguments of Prisma Client's `findMany`, over PostgreSQL.

Dates, instants and times of day are of the type DateTime (`@db.Date`, `@db.Timestamptz`, `@db.Time`). A list is a
scalar list, or a relation that the field's mapping names as `nested`. Elements of scalar lists are compared in upper
and lower case. Prisma gives `%` and `_` to LIKE as they are, so they are escaped here.
https://www.prisma.io/docs/orm/reference/prisma-client-reference
"""

import datetime as dt
import re
from typing import Any

from nlp2filters.core.catalog import Field
from nlp2filters.core.dialects.documents import relations
from nlp2filters.core.dialects.documents.relations import Query, RelationWriter, escaped
from nlp2filters.core.dialects.stored_values import in_form, iso_milliseconds
from nlp2filters.core.dialects.tree import Eq, Has, In, Range, Test, Value, limits, splits_a_millisecond, values
from nlp2filters.core.dialects.writer import Search, SortKey
from nlp2filters.core.mapping import StoredField

NAMES = re.compile(r"(?!(?:AND|OR|NOT)\b)[A-Za-z]\w*(?:\.[A-Za-z]\w*)?", re.ASCII)
_OPERATORS = {">": "gt", ">=": "gte", "<": "lt", "<=": "lte"}
_PARTS = {"anywhere": "contains", "start": "startsWith", "end": "endsWith"}


def render(search: Search) -> dict[str, Any]:
    """Return `{"where": …, "orderBy": […], "take": n}`, each if asked for."""
    writer = PrismaWriter(search.target)
    written: dict[str, Any] = {}
    if search.where:
        written["where"] = writer.write(search.where)
    if search.sort:
        written["orderBy"] = [writer.order(key) for key in search.sort]
    if search.limit is not None:
        written["take"] = search.limit
    return written


def refuses(test: Test, stored: StoredField) -> str | None:
    """Return the reason why a test cannot be written."""
    if splits_a_millisecond(test):
        return "Prisma keeps milliseconds of an instant."
    return relations.refuses(test, stored)


class PrismaWriter(RelationWriter):
    """A writer of `where`."""

    conjunction = "AND"
    disjunction = "OR"
    negation = "NOT"

    def tested(self, test: Test) -> list[Query]:
        match test:
            case Eq(fold=True) | In(fold=True):
                return [{"equals": escaped(str(value)), "mode": "insensitive"} for value in values(test)]
            case Eq(field, value):
                return [{"equals": self.value(value, field)}]
            case In(field, among):
                return [{"in": [self.value(value, field) for value in among]}]
            case Has():
                mode = {"mode": "insensitive"} if test.fold else {}
                return [{_PARTS[test.anchor]: escaped(test.text), **mode}]
            case Range():
                return [{_OPERATORS[sign]: self.value(limit, test.field) for sign, limit in limits(test)}]

    def tested_elements(self, test: Eq | In) -> list[Query]:
        among = [self.value(value, test.field) for value in values(test)]
        return [{"hasSome": among} if len(among) > 1 else {"has": among[0]}]

    def with_elements(self, field: Field) -> Query:
        return {"isEmpty": False}

    def with_value(self) -> Query:
        return {"not": None}

    def related(self, path: str, query: Query, *, many: bool) -> Query:
        return {path: {"some" if many else "is": query}}

    def order(self, key: SortKey) -> Query:
        """Write a key to sort by; only columns that may be NULL have a place for it."""
        order: Any = {"sort": key.direction, "nulls": "last"} if key.field.nullable else key.direction
        path, column = self.place(key.field)
        return {path: {column: order}} if path else {column: order}

    def value(self, value: Value, field: Field) -> Any:
        """Return a value in the form in which the field is stored."""
        form = self.target.stored(field).form
        if not isinstance(value, dt.date | dt.time) or form not in (None, "native"):
            return in_form(value, form or "iso")
        match value:
            case dt.datetime():
                instant = value
            case dt.time():
                instant = dt.datetime.combine(dt.date(1970, 1, 1), value)
            case _:
                instant = dt.datetime.combine(value, dt.time())
        return iso_milliseconds(instant)
