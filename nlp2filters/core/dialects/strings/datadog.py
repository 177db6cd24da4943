"""The log search of Datadog, over attributes. Dates are numbers of milliseconds, within attributes of numbers.

https://docs.datadoghq.com/logs/explorer/search_syntax/
"""

import re
from typing import Any

from nlp2filters.core.catalog import Field
from nlp2filters.core.dialects.strings.infix import InfixWriter
from nlp2filters.core.dialects.tree import Has, Range, Value, limits
from nlp2filters.core.dialects.writer import Search

_SIGNS = re.compile(r'[=\-!&|><(){}\[\]"*?:\\#~^+/,\s]')


def render(search: Search) -> dict[str, Any]:
    """Return `{"filter": {"query"}, "page": {"limit"}}`, members of the body of a search for logs."""
    writer = DatadogWriter(search.target)
    words = " ".join(writer.text(word) for word in search.text.split())
    query = " ".join(filter(None, (words, writer.whole(search.where))))
    page = {"page": {"limit": search.limit}} if search.limit is not None else {}
    return {"filter": {"query": query or "*"}, **page}


class DatadogWriter(InfixWriter):
    """A writer of search queries."""

    negation, equal = "-", ":"
    temporal_form = "epoch_milliseconds"

    def range(self, test: Range) -> str:
        name, field = self.name(test.field), test.field
        if test.low is not None and test.high is not None and not test.low_open and not test.high_open:
            return f"{name}:[{self.literal(test.low, field)} TO {self.literal(test.high, field)}]"
        parts = [f"{name}:{sign}{self.literal(limit, field)}" for sign, limit in limits(test)]
        return self.every(parts) if len(parts) > 1 else parts[0]

    def has(self, test: Has) -> str:
        before, after = "*" * (test.anchor != "start"), "*" * (test.anchor != "end")
        return f"{self.name(test.field)}:{before}{_escaped(test.text)}{after}"

    def missing(self, field: Field) -> str:
        return f"-{self.exists(field)}"

    def exists(self, field: Field) -> str:
        return f"{self.name(field)}:*"

    def literal(self, value: Value, field: Field) -> str:
        written = super().literal(value, field)
        return f"\\{written}" if written.startswith("-") else written

    def name(self, field: Field) -> str:
        return f"@{self.target.name(field)}"


def _escaped(text: str) -> str:
    return _SIGNS.sub(r"\\\g<0>", text)
