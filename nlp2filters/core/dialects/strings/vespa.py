"""YQL of Vespa.

It cannot be asked which documents lack a field; the mapping may name the value that stands for none. Strings are
attributes, which by default ignore case. Dates are numbers of seconds.
https://docs.vespa.ai/en/reference/querying/yql.html
"""

from typing import Any

from nlp2filters.core.catalog import STRINGS
from nlp2filters.core.dialects.strings.infix import LINE_ENDS, InfixWriter, regex_literal
from nlp2filters.core.dialects.tree import Eq, Has, In, Range, Test
from nlp2filters.core.dialects.writer import Search

# The types that `in` takes: https://docs.vespa.ai/en/reference/querying/yql.html#in
_IN = STRINGS | {"integer"}


def render(search: Search) -> dict[str, Any]:
    """Return parameters of a query: `{"yql", "model.restrict", "query"}`.

    `model.restrict` is the schema, and `query` has the words to search for, if there are any.
    """
    writer = YQLWriter(search.target)
    condition = writer.whole(search.where) or "true"
    if search.text:
        condition = f"userQuery() and {condition}" if search.where is not None else "userQuery()"
    statement = [f"select * from sources * where {condition}"]  # noqa: S608
    if search.sort:
        statement.append(f"order by {', '.join(f'{writer.name(key.field)} {key.direction}' for key in search.sort)}")
    if search.limit is not None:
        statement.append(f"limit {search.limit}")
    words = {"query": search.text} if search.text else {}
    return {"yql": " ".join(statement), "model.restrict": search.target.table, **words}


class YQLWriter(InfixWriter):
    """A writer of the condition of `where`."""

    conjunction, disjunction = " and ", " or "
    escapes = LINE_ENDS
    temporal_form = "epoch_seconds"

    def eq(self, test: Eq) -> str:
        sign = " contains " if test.field.type in STRINGS else " = "
        return f"{self.name(test.field)}{sign}{self.literal(test.value, test.field)}"

    def one_of(self, test: In) -> str:
        if test.field.type not in _IN:
            return super().one_of(test)
        return f"{self.name(test.field)} in ({self.literals(test)})"

    def range(self, test: Range) -> str:
        if test.low is None or test.high is None:
            return super().range(test)
        bounds = ("leftOpen" if test.low_open else "") + ("rightOpen" if test.high_open else "")
        annotation = {"": "", "leftOpenrightOpen": '{bounds:"open"}'}.get(bounds, f'{{bounds:"{bounds}"}}')
        limits = ", ".join(self.literal(limit, test.field) for limit in (test.low, test.high))
        call = f"range({self.name(test.field)}, {limits})"
        return f"({annotation}{call})" if annotation else call

    def has(self, test: Has) -> str:
        start, end = "^" * (test.anchor == "start"), "$" * (test.anchor == "end")
        pattern = start + regex_literal(test.text) + end
        return f"{self.name(test.field)} matches {self.text(pattern)}"

    def negated(self, test: Test) -> str:
        # A negation alone selects nothing to take away from.
        return f"(true and !({self.write(test)}))"
