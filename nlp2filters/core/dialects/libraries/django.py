"""Conditions of Django's ORM.

Instants are aware, as with `USE_TZ`. A list is an ArrayField of PostgreSQL, or of the form `json` a JSONField. Text in
upper and lower case is searched by a regular expression, since SQLite's LIKE knows no case.
https://docs.djangoproject.com/en/stable/ref/models/querysets/#field-lookups
"""

import datetime as dt
import re
from importlib import import_module
from typing import Any

from nlp2filters.core.catalog import Catalog, Field
from nlp2filters.core.dialects import DEFAULTS, Options
from nlp2filters.core.dialects.libraries.python_source import source_of, variable
from nlp2filters.core.dialects.libraries.python_writer import PythonWriter, written_for
from nlp2filters.core.dialects.stored_values import iso
from nlp2filters.core.dialects.tree import Eq, Has, In, Range, Test, limits, values
from nlp2filters.core.dialects.writer import Search
from nlp2filters.core.filters import Filter
from nlp2filters.core.mapping import Form

_LOOKUPS = {">": "gt", ">=": "gte", "<": "lt", "<=": "lte"}
_PARTS = {"anywhere": "icontains", "start": "istartswith", "end": "iendswith"}


def render(search: Search) -> dict[str, Any]:
    """Return `{"filter": …, "expression": …}`, the text of a Q and of all of a query to `queryset`.

    The names in them are `queryset`, `Q` and `F` from `django.db.models`, and `datetime` for Python's module.
    """
    where = DjangoWriter(search.target, variable("Q")).write(search.where) if search.where else None
    query = variable("queryset")
    if where is not None:
        query = query.filter(where)
    if search.sort:
        columns = [(variable("F")(search.target.name(key.field)), key.direction) for key in search.sort]
        query = query.order_by(*(getattr(column, direction)(nulls_last=True) for column, direction in columns))
    if search.limit is not None:
        query = query[: search.limit]
    return {"filter": None if where is None else source_of(where), "expression": source_of(query)}


def q(filter: Filter, catalog: Catalog, options: Options = DEFAULTS) -> Any:  # noqa: A002
    """Return a filter as a Q, the argument of `QuerySet.filter`.

    Raises:
        ImportError: Django is not installed.
        InvalidFilter: Django cannot express a part of the filter.
    """
    models = import_module("django.db.models")
    return written_for("django", lambda target: DjangoWriter(target, models.Q), filter, catalog, options)


class DjangoWriter(PythonWriter):
    """A writer of Q objects, whose negation selects rows without a value."""

    def test(self, test: Test) -> Any:
        field = test.field
        if field.many:
            elements = [self.value(value, field) for value in values(test)]
            return self.some([self.lookup(field, "contains", [element]) for element in elements])
        match test:
            case Eq():
                return self.lookup(field, "iexact" if test.fold else "exact", self.value(test.value, field))
            case In() if test.fold:
                return self.some([self.lookup(field, "iexact", value) for value in test.values])
            case In():
                return self.lookup(field, "in", [self.value(value, field) for value in test.values])
            case Range():
                name = self.name(field)
                return self.library(**{name + _LOOKUPS[sign]: self.value(limit, field) for sign, limit in limits(test)})
            case Has() if test.fold:
                return self.lookup(field, _PARTS[test.anchor], test.text)
            case Has():
                return self.lookup(field, "regex", _pattern(test.text, test.anchor))

    def negated(self, test: Test) -> Any:
        return ~self.write(test)

    def missing(self, field: Field) -> Any:
        is_null = self.lookup(field, "isnull", True)
        return is_null | self.lookup(field, "exact", []) if field.many else is_null

    def exists(self, field: Field) -> Any:
        has_value = self.lookup(field, "isnull", False)
        return has_value & ~self.lookup(field, "exact", []) if field.many else has_value

    def lookup(self, field: Field, lookup: str, value: Any) -> Any:
        """Write a lookup of a field."""
        return self.library(**{self.name(field) + lookup: value})

    def name(self, field: Field) -> str:
        """Return the name of a field, with what parts it from a lookup."""
        return f"{self.target.name(field).replace('.', '__')}__"

    def moment(self, value: dt.date | dt.time, form: Form | None) -> Any:
        return iso(value) if form in ("iso", "json") else value


def _pattern(text: str, anchor: str) -> str:
    return r"\A" * (anchor == "start") + re.escape(text) + r"\Z" * (anchor == "end")
