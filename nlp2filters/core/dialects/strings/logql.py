"""LogQL of Loki, over the labels that `json` extracts from a line.

A missing label is an empty one, so an empty text counts as no value. Lists are not extracted. The time of a line is
not in the query but beside it. https://grafana.com/docs/loki/latest/query/log_queries/
"""

from typing import Any

from nlp2filters.core.catalog import NUMERIC, TEMPORAL, Field
from nlp2filters.core.dialects.strings.infix import LINE_ENDS, InfixWriter, regex_literal
from nlp2filters.core.dialects.tree import Eq, Has, In, Test, Value
from nlp2filters.core.dialects.writer import Search

_NUMBERS = NUMERIC | TEMPORAL


def render(search: Search) -> dict[str, Any]:
    """Return `{"query", "limit"}`, parameters of a range query. A mapping's table is the value of the label `job`."""
    writer = LogQLWriter(search.target)
    stages = [f"{{job={writer.text(search.target.table)}}}"]
    stages += [f"|~ {writer.text('(?i)' + regex_literal(word))}" for word in search.text.split()]
    stages.append("| json")
    if search.where is not None:
        stages.append(f"| {writer.whole(search.where)}")
    return {"query": " ".join(stages), **({"limit": search.limit} if search.limit is not None else {})}


class LogQLWriter(InfixWriter):
    """A writer of label filters. They have no NOT, but an opposite of every operator for text."""

    conjunction, disjunction = " and ", " or "
    escapes = LINE_ENDS
    temporal_form = "epoch_seconds"

    def eq(self, test: Eq) -> str:
        return self._compared(test, "=", "=~")

    def one_of(self, test: In) -> str:
        # Numbers are equal in other notations, too.
        if test.field.type in _NUMBERS:
            return super().one_of(test)
        return self._compared(test, "=", "=~")

    def has(self, test: Has) -> str:
        return self._compared(test, "=", "=~")

    def negated(self, test: Test) -> str:
        if isinstance(test, In) and test.field.type in _NUMBERS:
            return self.every([self.negated(Eq(test.field, value)) for value in test.values])
        return self._compared(test, "!=", "!~")

    def missing(self, field: Field) -> str:
        return f'{self.name(field)}=""'

    def exists(self, field: Field) -> str:
        return f'{self.name(field)}!=""'

    def literal(self, value: Value, field: Field) -> str:
        stored = self.stored(value, field)
        return self.text("true" if stored else "false") if isinstance(stored, bool) else super().literal(value, field)

    def _compared(self, test: Test, equal: str, matching: str) -> str:
        name = self.name(test.field)
        match test:
            case Eq(field, value, False) if field.type in _NUMBERS:
                return f"{name} {'==' if equal == '=' else '!='} {self.literal(value, field)}"
            case Eq(field, value, False):
                return f"{name}{equal}{self.literal(value, field)}"
            case Eq(_, value):
                return f"{name}{matching}{self.text('(?is)' + regex_literal(str(value)))}"
            case In(_, values, fold):
                pattern = "|".join(regex_literal(str(value)) for value in values)
                return f"{name}{matching}{self.text(('(?is)' if fold else '(?s)') + f'(?:{pattern})')}"
            case Has(_, text, anchor, fold):
                before, after = ".*" * (anchor != "start"), ".*" * (anchor != "end")
                flags = "(?is)" if fold else "(?s)"
                return f"{name}{matching}{self.text(flags + before + regex_literal(text) + after)}"
        raise AssertionError("ranges are written by `range`")
