"""The Kibana Query Language.

It filters only, and compares keywords in upper and lower case. The properties are those of the dialect `elasticsearch`.
Some versions part a pattern at its blanks, so any signs may stand there.
https://www.elastic.co/docs/reference/query-languages/kql
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from nlp2filters.core.catalog import Field
from nlp2filters.core.dialects.capabilities import Effect
from nlp2filters.core.dialects.documents import elasticsearch
from nlp2filters.core.dialects.lucene import MAX_ALTERNATIVES, has_too_many_alternatives
from nlp2filters.core.dialects.strings.infix import LINE_ENDS, InfixWriter, two_ended_on_list
from nlp2filters.core.dialects.tree import Has, In, Test, Value
from nlp2filters.core.dialects.writer import Search
from nlp2filters.core.mapping import StoredField

_PLAIN = re.compile(r"(?!(?:and|or|not)$)[A-Za-z_@][A-Za-z0-9_@.-]*", re.IGNORECASE)
_SIGNS = re.compile(r'[\\():<>"*{}]')
_BLANKS = re.compile(r"\s+")
# Kibana reads numbers as JavaScript does.
MAX_INTEGER = 2**53


def render(search: Search) -> dict[str, Any]:
    """Return `{"query", "language"}`, the form of a query in Kibana."""
    return {"query": KibanaWriter(search.target).whole(search.where), "language": "kuery"}


def refuses(test: Test, stored: StoredField) -> str | None:
    """Return the reason why a test cannot be written."""
    if has_too_many_alternatives(test):
        return f"Kibana takes {MAX_ALTERNATIVES:,} values at most."
    return two_ended_on_list(test, stored) or elasticsearch.refuses(test, stored)


def approximates(test: Test, stored: StoredField) -> Iterator[tuple[str, Effect]]:
    """Yield what a test selects too much or too little."""
    yield from elasticsearch.approximates(test, stored)
    if isinstance(test, Has) and _BLANKS.search(test.text):
        yield "A pattern of Kibana has no blanks: any signs may stand there.", "wider"


class KibanaWriter(InfixWriter):
    """A writer of KQL."""

    conjunction, disjunction, negation, equal = " and ", " or ", "not ", ": "
    separator, escapes, two_zeros, negative_zero = " or ", LINE_ENDS, True, '"-0.0"'

    def one_of(self, test: In) -> str:
        return f"{self.name(test.field)}: ({self.literals(test)})"

    def has(self, test: Has) -> str:
        before, after = "*" * (test.anchor != "start"), "*" * (test.anchor != "end")
        text = _BLANKS.sub("*", _SIGNS.sub(r"\\\g<0>", test.text))
        return f"{self.name(test.field)}: {before}{text}{after}"

    def missing(self, field: Field) -> str:
        return f"not {self.exists(field)}"

    def exists(self, field: Field) -> str:
        return f"{_name(self.target.name(field))}: *"

    def name(self, field: Field) -> str:
        return _name(elasticsearch.whole(self.target, field))

    def stored(self, value: Value, field: Field) -> str | bool | int | float:
        return elasticsearch.stored_value(value, self.target.stored(field).form)

    def literal(self, value: Value, field: Field) -> str:
        if isinstance(value, int) and abs(value) > MAX_INTEGER:
            return self.text(str(value))
        return super().literal(value, field)


@lru_cache(maxsize=1024)
def _name(name: str) -> str:
    return name if _PLAIN.fullmatch(name) else f'"{name.translate(KibanaWriter.escapes)}"'
