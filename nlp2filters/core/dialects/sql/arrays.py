"""Engines with arrays: a long list of values is one parameter."""

from abc import abstractmethod
from collections.abc import Sequence

from nlp2filters.core.dialects.sql.family import SQLWriter
from nlp2filters.core.dialects.sql.parameters import Kind, Parameter, value_of_kind
from nlp2filters.core.dialects.tree import Value


class ArrayWriter(SQLWriter):
    """A writer whose long lists are parameters with an array."""

    parameter_form = "array"

    @abstractmethod
    def array_type(self, type_: str) -> str:
        """Return the type of an array of a type."""

    def bind_list(self, values: Sequence[Value], kind: Kind) -> str:
        pairs = [value_of_kind(value, kind) for value in values]
        kinds = {kind for _, kind in pairs}
        kind = kinds.pop() if len(kinds) == 1 else "float"
        type_ = self.array_type(self.types[kind])
        placeholder = self.parameters.add(Parameter(tuple(value for value, _ in pairs), kind, type_))
        return self.cast_array(placeholder, type_)

    def cast_array(self, placeholder: str, type_: str) -> str:
        """Convert a parameter to its type, where the engine would guess another one."""
        return f"CAST({placeholder} AS {type_})"
