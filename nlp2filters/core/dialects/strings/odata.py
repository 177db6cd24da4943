"""Query options of OData 4.01.

A null is a value in comparisons: `ne` is true of it, so negations are guarded by `ne null`. `tolower` folds text.
https://docs.oasis-open.org/odata/odata/v4.01/odata-v4.01-part2-url-conventions.html
"""

import datetime as dt
from typing import Any

from nlp2filters.core.catalog import Field
from nlp2filters.core.dialects.stored_values import iso
from nlp2filters.core.dialects.strings.infix import InfixWriter, without_absent
from nlp2filters.core.dialects.tree import Eq, Has, In, Range, Test, Value, limits
from nlp2filters.core.dialects.writer import Search

_SIGNS = {"<": "lt", "<=": "le", ">": "gt", ">=": "ge"}
_FUNCTIONS = {"anywhere": "contains", "start": "startswith", "end": "endswith"}


def render(search: Search) -> dict[str, Any]:
    """Return `{"$filter", "$orderby", "$top", "$search"}`, not percent-encoded; what is not asked for is left out."""
    writer, name = ODataWriter(search.target), search.target.name
    words = " AND ".join(f'"{word}"' for word in search.text.replace('"', " ").split())
    options = {
        "$filter": writer.whole(search.where),
        "$orderby": ",".join(f"{name(key.field)} {key.direction}" for key in search.sort),
        "$top": search.limit,
        "$search": words,
    }
    return without_absent(options)


class ODataWriter(InfixWriter):
    """A writer of `$filter`."""

    conjunction, disjunction, equal = " and ", " or ", " eq "

    def eq(self, test: Eq) -> str:
        return self._of_elements(test, self._folded(test.fold, test.field, self.equal, [test.value]))

    def one_of(self, test: In) -> str:
        return self._of_elements(test, self._folded(test.fold, test.field, " in ", list(test.values)))

    def range(self, test: Range) -> str:
        subject = self._subject(test.field)
        parts = [f"{subject} {_SIGNS[sign]} {self.literal(limit, test.field)}" for sign, limit in limits(test)]
        return self._of_elements(test, " and ".join(parts) if test.field.many or len(parts) == 1 else self.every(parts))

    def has(self, test: Has) -> str:
        subject, text = self._subject(test.field), self.text(test.text)
        arguments = f"tolower({subject}),tolower({text})" if test.fold else f"{subject},{text}"
        return self._of_elements(test, f"{_FUNCTIONS[test.anchor]}({arguments})")

    def negated(self, test: Test) -> str:
        return f"not ({self.write(test)})"

    def missing(self, field: Field) -> str:
        return f"not {self.name(field)}/any()" if field.many else f"{self.name(field)} eq null"

    def exists(self, field: Field) -> str:
        return f"{self.name(field)}/any()" if field.many else f"{self.name(field)} ne null"

    def literal(self, value: Value, field: Field) -> str:
        stored = self.stored(value, field)
        # Dates and times are not quoted, unless they are stored as text.
        if isinstance(value, dt.date | dt.time) and isinstance(stored, str):
            return self.text(stored) if self.target.stored(field).form == "iso" else iso(value)
        return super().literal(value, field)

    def text(self, text: str) -> str:
        return "'" + text.replace("'", "''") + "'"

    def _folded(self, fold: bool, field: Field, sign: str, values: list[Value]) -> str:
        literals = [self.literal(value, field) for value in values]
        subject = self._subject(field)
        if fold:
            literals, subject = [f"tolower({literal})" for literal in literals], f"tolower({subject})"
        return f"{subject}{sign}{literals[0] if sign == self.equal else '(' + ','.join(literals) + ')'}"

    def _subject(self, field: Field) -> str:
        """Return the name for one value: that of the element, if the field has a list."""
        return "e" if field.many else self.name(field)

    def _of_elements(self, test: Test, expression: str) -> str:
        return f"{self.name(test.field)}/any(e: {expression})" if test.field.many else expression
