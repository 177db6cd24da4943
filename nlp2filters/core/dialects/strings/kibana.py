"""The Kibana Query Language. It filters only, and compares keywords in upper and lower case.

https://www.elastic.co/docs/reference/query-languages/kql
"""

import re
from typing import Any

from nlp2filters.core.catalog import Field
from nlp2filters.core.dialects.documents import elasticsearch
from nlp2filters.core.dialects.strings.infix import LINE_ENDS, InfixWriter, two_ended_on_list
from nlp2filters.core.dialects.tree import Has, In, Test
from nlp2filters.core.dialects.writer import Search
from nlp2filters.core.mapping import StoredField

# Signs of the language, and blanks, which would end a value or begin another.
_SIGNS = re.compile(r'[\\():<>"*{}\s]')
_BLANKS = {"\t": "\\t", "\r": "\\r", "\n": "\\n"}
_WORDS = re.compile(r"^(and|or|not)$", re.IGNORECASE)


def render(search: Search) -> dict[str, Any]:
    """Return `{"query", "language"}`, the form of a query in Kibana."""
    return {"query": KibanaWriter(search.target).whole(search.where), "language": "kuery"}


def refuses(test: Test, stored: StoredField) -> str | None:
    """Return the reason why a test cannot be written."""
    return two_ended_on_list(test, stored) or elasticsearch.refuses(test, stored)


class KibanaWriter(InfixWriter):
    """A writer of KQL."""

    conjunction, disjunction, negation, equal = " and ", " or ", "not ", ": "
    escapes, separator, two_zeros = LINE_ENDS, " or ", True

    def one_of(self, test: In) -> str:
        return f"{self.name(test.field)}: ({self.literals(test)})"

    def has(self, test: Has) -> str:
        before, after = "*" * (test.anchor != "start"), "*" * (test.anchor != "end")
        return f"{self.name(test.field)}: {before}{_escaped(test.text)}{after}"

    def missing(self, field: Field) -> str:
        return f"not {self.exists(field)}"

    def exists(self, field: Field) -> str:
        return f"{_escaped(self.target.name(field))}: *"

    def name(self, field: Field) -> str:
        return _escaped(elasticsearch.whole(self.target, field))


def _escaped(text: str) -> str:
    """Escape a text that stands without quotes."""
    if _WORDS.match(text):
        return f"\\{text}"
    return _SIGNS.sub(lambda match: _BLANKS.get(match.group(), f"\\{match.group()}"), text)
