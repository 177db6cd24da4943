"""The Kusto Query Language of Azure Data Explorer, Log Analytics and Fabric.

A string is never null: an empty one counts as no value. Lists are `dynamic` arrays.
https://learn.microsoft.com/en-us/kusto/query/scalar-data-types/null-values
"""

import datetime as dt
import re
from typing import Any

from nlp2filters.core.catalog import STRINGS, Field
from nlp2filters.core.dialects.stored_values import iso
from nlp2filters.core.dialects.strings.infix import LINE_ENDS, InfixWriter
from nlp2filters.core.dialects.tree import Eq, Has, In, Test, Value
from nlp2filters.core.dialects.writer import Search

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_OPERATORS = {"anywhere": "contains", "start": "startswith", "end": "endswith"}


def render(search: Search) -> dict[str, Any]:
    """Return `{"query"}`, a whole tabular statement."""
    writer = KustoWriter(search.target)
    steps = [writer.identifier(search.target.table)]
    if search.where is not None:
        steps.append(f"where {writer.whole(search.where)}")
    if words := search.text.split():
        steps.append("where " + " and ".join(f"* has {writer.text(word)}" for word in words))
    if search.sort:
        keys = [f"{writer.name(key.field)} {key.direction} nulls last" for key in search.sort]
        steps.append(f"sort by {', '.join(keys)}")
    if search.limit is not None:
        steps.append(f"take {search.limit}")
    return {"query": "\n| ".join(steps)}


class KustoWriter(InfixWriter):
    """A writer of the condition of `where`."""

    conjunction, disjunction = " and ", " or "
    escapes = LINE_ENDS

    def eq(self, test: Eq) -> str:
        name, literal = self.name(test.field), self.literal(test.value, test.field)
        if not test.field.many:
            return f"{name} {'=~' if test.fold else '=='} {literal}"
        # Lower case changes no escape of the array's JSON.
        array, value = (
            (f"parse_json(tolower(tostring({name})))", f"tolower({literal})") if test.fold else (name, literal)
        )
        return f"set_has_element({array}, {value})"

    def one_of(self, test: In) -> str:
        if test.field.many:
            return super().one_of(test)
        return f"{self.name(test.field)} {'in~' if test.fold else 'in'} ({self.literals(test)})"

    def has(self, test: Has) -> str:
        operator = _OPERATORS[test.anchor] + ("" if test.fold else "_cs")
        return f"{self.name(test.field)} {operator} {self.text(test.text)}"

    def negated(self, test: Test) -> str:
        return f"not({self.write(test)})"

    def missing(self, field: Field) -> str:
        name = self.name(field)
        if field.many:
            return f"coalesce(array_length({name}), 0) == 0"
        return f"isempty({name})" if field.type in STRINGS else f"isnull({name})"

    def exists(self, field: Field) -> str:
        name = self.name(field)
        if field.many:
            return f"array_length({name}) > 0"
        return f"isnotempty({name})" if field.type in STRINGS else f"isnotnull({name})"

    def name(self, field: Field) -> str:
        return self.identifier(self.target.name(field))

    def identifier(self, name: str) -> str:
        """Write the name of a table or of a column."""
        return name if _PLAIN.fullmatch(name) else f"[{self.text(name)}]"

    def literal(self, value: Value, field: Field) -> str:
        if self.target.stored(field).form in (None, "native") and not field.many:
            match value:
                case dt.time():
                    return f"time({value.isoformat()})"
                case dt.date():
                    return f"datetime({iso(value)})"
        return super().literal(value, field)
