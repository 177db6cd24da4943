"""Arguments of MongoDB's `find`, in Extended JSON, or a pipeline for `aggregate`.

Text is searched by regular expressions of escaped text, which fold all of Unicode. Days are dates at midnight in UTC,
and times of day are strings such as "18:30:00".
https://www.mongodb.com/docs/manual/reference/mongodb-extended-json/
"""

import datetime as dt
import re
from collections.abc import Sequence
from typing import Any

from nlp2filters.core.catalog import Field
from nlp2filters.core.dialects.documents.operators import OperatorWriter, Query
from nlp2filters.core.dialects.stored_values import in_form, iso
from nlp2filters.core.dialects.tree import Eq, Has, In, Range, Test, Value, splits_a_millisecond
from nlp2filters.core.dialects.writer import Search, SortKey
from nlp2filters.core.mapping import StoredField

# A name that begins with a dollar is an operator.
NAMES = re.compile(r"(?:(?!\$)[^.\0]+)(?:\.(?!\$)[^.\0]+)*")
# Not "$", which also stands before a line feed at the end.
_END = r"(?![\s\S])"


def render(search: Search) -> dict[str, Any]:
    """Return `{"filter": …, "sort": …, "limit": n}`, the arguments of `find`; `sort` and `limit` if asked for.

    An ascending order has documents without the field first. So if there may be any, the result is `{"filter": …,
    "pipeline": […]}`, in which the pipeline of `aggregate` is all of the search.
    """
    writer = FindWriter(search.target)
    where = writer.write(search.where) if search.where else {}
    if search.text:
        where = writer.every([{"$text": {"$search": _words(search.text)}}, *([where] if where else [])])
    if any(key.direction == "asc" and key.field.nullable for key in search.sort):
        return {"filter": where, "pipeline": writer.pipeline(where, search)}
    arguments: dict[str, Any] = {"filter": where}
    if search.sort:
        arguments["sort"] = {search.target.name(key.field): _SIGN[key.direction] for key in search.sort}
    if search.limit is not None:
        arguments["limit"] = search.limit
    return arguments


def refuses(test: Test, _: StoredField) -> str | None:
    """Return the reason why a test cannot be written."""
    if splits_a_millisecond(test):
        return "MongoDB keeps milliseconds of an instant."
    return None


class FindWriter(OperatorWriter):
    """A writer of filters in which a document without the field passes every negation."""

    def eq(self, test: Eq) -> Query:
        if test.fold:
            return self.field(test.field, _pattern(f"^{_escaped(str(test.value))}{_END}"))
        return super().eq(test)

    def one_of(self, test: In) -> Query:
        if test.fold:
            return self.some([self.eq(Eq(test.field, value, fold=True)) for value in test.values])
        return super().one_of(test)

    def range(self, test: Range) -> Query:
        within = self.within(test)
        # The ends of a range without $elemMatch may be met by two elements of a list.
        return self.field(test.field, {"$elemMatch": within} if test.field.many else within)

    def has(self, test: Has) -> Query:
        start, end = "^" * (test.anchor == "start"), _END * (test.anchor == "end")
        return self.field(test.field, _pattern(f"{start}{_escaped(test.text)}{end}", fold=test.fold))

    def negated(self, test: Test) -> Query:
        return {"$nor": [self.write(test)]}

    def missing(self, field: Field) -> Query:
        return {"$nor": [self.exists(field)]}

    def exists(self, field: Field) -> Query:
        return self.field(field, {"$ne": None, "$not": {"$size": 0}} if field.many else {"$ne": None})

    def every(self, parts: Sequence[Query]) -> Query:
        names = [name for part in parts for name in part]
        if len(set(names)) < len(names):
            return super().every(parts)
        return {name: tested for part in parts for name, tested in part.items()}

    def field(self, field: Field, tested: Query) -> Query:
        name, path = self.target.name(field), self.target.stored(field).nested
        return {path: {"$elemMatch": {name.removeprefix(f"{path}."): tested}}} if path else {name: tested}

    def value(self, value: Value, field: Field) -> Any:
        form = self.target.stored(field).form
        if form not in (None, "native"):
            return in_form(value, form)
        return _date(value) if isinstance(value, dt.date) else in_form(value, "iso")

    def pipeline(self, where: Query, search: Search) -> list[Query]:
        """Write all stages of a search whose order has documents without the field last."""
        flags = {f"_missing_{number}": self._flag(key) for number, key in enumerate(search.sort)}
        order: dict[str, int] = {}
        for flag, key in zip(flags, search.sort, strict=True):
            order |= {flag: 1, self.target.name(key.field): _SIGN[key.direction]}
        stages: list[Query] = [{"$match": where}, {"$addFields": flags}, {"$sort": order}]
        if search.limit is not None:
            stages.append({"$limit": search.limit})
        return [*stages, {"$unset": list(flags)}]

    def _flag(self, key: SortKey) -> Query:
        value = {"$ifNull": [f"${self.target.name(key.field)}", None]}
        return {"$in": [value, [None, []]]}


_SIGN = {"asc": 1, "desc": -1}


def _date(value: dt.date) -> Query:
    """Write a date, of which Extended JSON has text from 1970 on only."""
    if value.year < 1970:
        return {"$date": {"$numberLong": str(in_form(value, "epoch_milliseconds"))}}
    return {"$date": iso(value) if isinstance(value, dt.datetime) else f"{value.isoformat()}T00:00:00Z"}


def _pattern(pattern: str, *, fold: bool = True) -> Query:
    return {"$regex": pattern, "$options": "i" if fold else ""}


def _escaped(text: str) -> str:
    # A pattern ends at a NUL.
    return re.escape(text).replace("\0", r"\x00")


def _words(text: str) -> str:
    """Return words without the signs by which `$text` excludes words or looks for phrases."""
    return re.sub(r'(?:^|(?<=\s))-+|"', " ", text).strip()
