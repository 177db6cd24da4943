"""The Kibana Query Language. It filters only, and compares keywords in upper and lower case.

https://www.elastic.co/docs/reference/query-languages/kql
"""

import re
from typing import Any

from nlp2filters.core.catalog import Field
from nlp2filters.core.dialects.strings.infix import InfixWriter
from nlp2filters.core.dialects.tree import Eq, Has, In, Test
from nlp2filters.core.dialects.writer import Search

# Signs of the language, and blanks, which would end a value or begin another.
_SIGNS = re.compile(r'[\\():<>"*{}\s]')
_BLANKS = {"\t": "\\t", "\r": "\\r", "\n": "\\n"}
_WORDS = re.compile(r"^(and|or|not)$", re.IGNORECASE)


def render(search: Search) -> dict[str, Any]:
    """Return `{"query", "language"}`, the form of a query in Kibana."""
    return {"query": KibanaWriter(search.target).whole(search.where), "language": "kuery"}


class KibanaWriter(InfixWriter):
    """A writer of KQL."""

    conjunction, disjunction, negation, equal = " and ", " or ", "not ", ": "

    def one_of(self, test: In) -> str:
        values = " or ".join(self.literal(value, test.field) for value in test.values)
        return f"{self.name(test.field)}: ({values})"

    def has(self, test: Has) -> str:
        before, after = "*" * (test.anchor != "start"), "*" * (test.anchor != "end")
        return f"{self.name(test.field)}: {before}{_escaped(test.text)}{after}"

    def missing(self, field: Field) -> str:
        return f"not {self.exists(field)}"

    def exists(self, field: Field) -> str:
        return f"{_escaped(self.target.name(field))}: *"

    def eq(self, test: Eq) -> str:
        return f"{self.name(test.field)}: {self.literal(test.value, test.field)}"

    def negated(self, test: Test) -> str:
        return f"not {self.write(test)}"

    def name(self, field: Field) -> str:
        name = self.target.name(field)
        return _escaped(self.target.stored(field).exact or (f"{name}.keyword" if field.type == "text" else name))

    def text(self, text: str) -> str:
        escaped = text.replace("\\", "\\\\").replace('"', '\\"')
        return '"' + re.sub(r"[\t\r\n]", lambda match: _BLANKS[match.group()], escaped) + '"'


def _escaped(text: str) -> str:
    """Escape a text that stands without quotes."""
    if _WORDS.match(text):
        return f"\\{text}"
    return _SIGNS.sub(lambda match: _BLANKS.get(match.group(), f"\\{match.group()}"), text)
