"""Filter expressions of Milvus.

Dates are numbers of seconds. Fields that may lack a value are nullable. Logic has three values,
except in `in` of some versions.
https://milvus.io/docs/boolean.md
"""

from typing import Any

from nlp2filters.core.catalog import Field
from nlp2filters.core.dialects.strings.infix import LINE_ENDS, InfixWriter
from nlp2filters.core.dialects.tree import Eq, Has, In, Test
from nlp2filters.core.dialects.writer import Search

_WILDCARDS = str.maketrans({sign: f"\\{sign}" for sign in "\\%_"})


def render(search: Search) -> dict[str, Any]:
    """Return the arguments of `query` and `search`: `{"filter", "limit"}`."""
    limit = {"limit": search.limit} if search.limit is not None else {}
    return {"filter": MilvusWriter(search.target).whole(search.where), **limit}


class MilvusWriter(InfixWriter):
    """A writer of boolean expressions."""

    conjunction, disjunction, equal = " and ", " or ", " == "
    escapes, two_zeros = LINE_ENDS, True
    temporal_form = "epoch_seconds"

    def eq(self, test: Eq) -> str:
        if test.field.many:
            return self.one_of(In(test.field, (test.value,)))
        return super().eq(test)

    def one_of(self, test: In) -> str:
        name, values = self.name(test.field), f"[{self.literals(test)}]"
        return f"array_contains_any({name}, {values})" if test.field.many else f"{name} in {values}"

    def has(self, test: Has) -> str:
        text = test.text.translate(_WILDCARDS)
        pattern = {"anywhere": f"%{text}%", "start": f"{text}%", "end": f"%{text}"}[test.anchor]
        return f"{self.name(test.field)} like {self.text(pattern)}"

    def negated(self, test: Test) -> str:
        return f"not ({self.write(test)})"

    def missing(self, field: Field) -> str:
        name = self.name(field)
        return self.some([f"{name} is null", f"array_length({name}) == 0"]) if field.many else f"{name} is null"

    def exists(self, field: Field) -> str:
        name = self.name(field)
        return f"array_length({name}) > 0" if field.many else f"{name} is not null"
