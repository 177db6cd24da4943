"""Filters as objects over tables and their relations, for GraphQL and object-relational mappers.

A field's mapping may name a relation as `nested`, or before a dot: of a list field, one to many rows, of which one must
pass.
"""

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

from nlp2filters.core.catalog import Field
from nlp2filters.core.dialects.capabilities import Effect
from nlp2filters.core.dialects.tree import Eq, In, Test, values
from nlp2filters.core.dialects.writer import Writer
from nlp2filters.core.mapping import StoredField

Query = dict[str, Any]

# What LIKE gives a meaning, by PostgreSQL's rule.
_WILDCARDS = str.maketrans({sign: f"\\{sign}" for sign in "\\%_"})


def refuses(test: Test, stored: StoredField) -> str | None:
    """Return the reason why a test cannot be written: a column with a list knows no more than its elements."""
    if not is_list_column(test.field, stored):
        return None
    if not isinstance(test, Eq | In) or test.field.type == "datetime":
        return "A column with a list can only be asked for an element: name a relation as `nested`, if it is one."
    return None


def approximates(test: Test, stored: StoredField) -> Iterator[tuple[str, Effect]]:
    """Yield what a test misses because elements of a list are compared in upper and lower case."""
    folds = isinstance(test, Eq | In) and test.fold and is_list_column(test.field, stored)
    if folds and any(str(value).lower() != str(value).upper() for value in values(test)):
        yield f"Upper and lower case are distinguished in {test.field.title!r}.", "narrower"


def place(field: Field, stored: StoredField) -> tuple[str | None, str]:
    """Return the relation to the table with a field's column, if it is another table, and the name of the column."""
    name = stored.name or field.name
    if stored.nested:
        return stored.nested, name.removeprefix(f"{stored.nested}.")
    path, _, column = name.rpartition(".")
    return path or None, column


def is_list_column(field: Field, stored: StoredField) -> bool:
    """Return whether a field is a column with lists."""
    return field.many and place(field, stored)[0] is None


class RelationWriter(Writer[Query]):
    """A writer of `{column: {operator: value}}`, in logic of three values.

    `conjunction`, `disjunction`, `negation` are the names of the members that join.
    """

    conjunction: ClassVar[str]
    disjunction: ClassVar[str]
    negation: ClassVar[str]

    @abstractmethod
    def tested(self, test: Test) -> list[Query]:
        """Write a test of a value, as operators; more than one are alternatives."""

    @abstractmethod
    def tested_elements(self, test: Eq | In) -> list[Query]:
        """Write a test of a column with a list, as operators; more than one are alternatives."""

    @abstractmethod
    def related(self, path: str, query: Query, *, many: bool) -> Query:
        """Write that the row, or one of the rows, at the other end of a relation passes."""

    @abstractmethod
    def with_elements(self, field: Field) -> Query:
        """Write, as operators, that a column with a list has elements."""

    @abstractmethod
    def with_value(self) -> Query:
        """Write, as operators, that a column has a value."""

    def eq(self, test: Eq) -> Query:
        return self._related(test.field, self._bare(test))

    one_of = range = has = eq  # type: ignore[assignment]

    def negated(self, test: Test) -> Query:
        opposite = {self.negation: self._bare(test)}
        # Negated within the relation, a row without the other end passes no more than a row without the value.
        return self._related(test.field, opposite) if not test.field.many else self._no_element(test)

    def missing(self, field: Field) -> Query:
        return {self.negation: self.exists(field)}

    def exists(self, field: Field) -> Query:
        tested = self.with_elements(field) if self._is_list_column(field) else self.with_value()
        return self._related(field, {self.place(field)[1]: tested})

    def every(self, parts: Sequence[Query]) -> Query:
        return {self.conjunction: list(parts)}

    def some(self, parts: Sequence[Query]) -> Query:
        return {self.disjunction: list(parts)}

    def place(self, field: Field) -> tuple[str | None, str]:
        """Return the relation that leads to a field's column, and the name of the column."""
        return place(field, self.target.stored(field))

    def _no_element(self, test: Test) -> Query:
        """Write that no element passes, or that there are none."""
        opposite = {self.negation: self.write(test)}
        return self.some([self.missing(test.field), opposite]) if self._is_list_column(test.field) else opposite

    def _bare(self, test: Test) -> Query:
        if self._is_list_column(test.field):
            assert isinstance(test, Eq | In), "others are refused"
            alternatives = self.tested_elements(test)
        else:
            alternatives = self.tested(test)
        _, column = self.place(test.field)
        parts = [{column: tested} for tested in alternatives]
        return self.some(parts) if len(parts) > 1 else parts[0]

    def _related(self, field: Field, query: Query) -> Query:
        path, _ = self.place(field)
        return self.related(path, query, many=field.many) if path else query

    def _is_list_column(self, field: Field) -> bool:
        return is_list_column(field, self.target.stored(field))


def escaped(text: str) -> str:
    """Return a text as a pattern of LIKE that means the same."""
    return text.translate(_WILDCARDS)
