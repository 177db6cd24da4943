"""Filter expressions of Milvus, with values as template parameters.

Dates are numbers of seconds. Fields that may lack a value are nullable, and their logic has three values. Patterns of
`like` are no parameters, so they are escaped. https://milvus.io/docs/boolean.md
"""

from typing import Any

from nlp2filters.core.catalog import Field
from nlp2filters.core.dialects.strings.infix import InfixWriter
from nlp2filters.core.dialects.tree import Eq, Has, In, Test, Value
from nlp2filters.core.dialects.writer import Search, Target


def render(search: Search) -> dict[str, Any]:
    """Return the arguments of `query`: `{"filter", "filter_params", "limit"}`."""
    writer = MilvusWriter(search.target)
    return {
        "filter": writer.whole(search.where),
        "filter_params": writer.parameters,
        **({"limit": search.limit} if search.limit is not None else {}),
    }


class MilvusWriter(InfixWriter):
    """A writer of boolean expressions. `parameters` are the values, by name."""

    conjunction, disjunction, negation, equal = " and ", " or ", "not ", " == "
    temporal_form = "epoch_seconds"

    def __init__(self, target: Target) -> None:
        super().__init__(target)
        self.parameters: dict[str, Any] = {}

    def eq(self, test: Eq) -> str:
        if test.field.many:
            return f"array_contains({self.name(test.field)}, {self.literal(test.value, test.field)})"
        return super().eq(test)

    def one_of(self, test: In) -> str:
        values = self._parameter([self.stored(value, test.field) for value in test.values])
        name = self.name(test.field)
        return f"array_contains_any({name}, {values})" if test.field.many else f"{name} in {values}"

    def has(self, test: Has) -> str:
        text = test.text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
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

    def literal(self, value: Value, field: Field) -> str:
        return self._parameter(self.stored(value, field))

    def _parameter(self, value: Any) -> str:
        name = f"p{len(self.parameters) + 1}"
        self.parameters[name] = value
        return f"{{{name}}}"
