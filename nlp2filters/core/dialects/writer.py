"""The parts of a dialect: a writer of fitted filters, and the search that it writes."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from nlp2filters.core.catalog import Catalog, Field
from nlp2filters.core.dialects.tree import And, Eq, Exists, Has, In, Missing, Node, Not, Or, Range, Test
from nlp2filters.core.interpretation import Direction
from nlp2filters.core.mapping import AS_IN_CATALOG, NO_MAPPING, EngineMapping, StoredField

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Target:
    """The place of a catalog's records in an engine."""

    catalog: Catalog
    mapping: EngineMapping = NO_MAPPING

    def stored(self, field: Field) -> StoredField:
        """Return the place and form of a field."""
        return self.mapping.fields.get(field.name, AS_IN_CATALOG)

    def name(self, field: Field) -> str:
        """Return the name of a field in the engine."""
        stored = self.mapping.fields.get(field.name)
        return stored.name or field.name if stored else field.name

    @property
    def table(self) -> str:
        """The name of the table, index or collection."""
        return self.mapping.table or self.catalog.name


@dataclass(frozen=True, slots=True)
class SortKey:
    """A field to sort by; rows without a value come last."""

    field: Field
    direction: Direction


@dataclass(frozen=True, slots=True)
class Search:
    """A search to write for an engine: a fitted filter, an order, a number of rows, and words for full-text search."""

    target: Target
    where: Node | None = None
    sort: tuple[SortKey, ...] = ()
    limit: int | None = None
    text: str = ""


class Render(Protocol):
    """A function that writes a search as JSON data, in the form that the engine's client takes."""

    def __call__(self, search: Search) -> Mapping[str, Any]: ...  # noqa: D102


class Writer(ABC, Generic[T]):
    """A writer of fitted filters, from the inside out. An engine overrides what it writes unlike its family."""

    def __init__(self, target: Target) -> None:
        self.target = target

    def write(self, node: Node) -> T:
        """Write a filter."""
        match node:
            case Eq():
                return self.eq(node)
            case In():
                return self.one_of(node)
            case Range():
                return self.range(node)
            case Has():
                return self.has(node)
            case Not():
                return self.negated(node.test)
            case Exists():
                return self.exists(node.field)
            case Missing():
                return self.missing(node.field)
            case And():
                return self.every([self.write(arg) for arg in node.args])
            case Or():
                return self.some([self.write(arg) for arg in node.args])

    @abstractmethod
    def eq(self, test: Eq) -> T:
        """Write that a field has a value."""

    @abstractmethod
    def range(self, test: Range) -> T:
        """Write that a field is in a range."""

    @abstractmethod
    def every(self, parts: Sequence[T]) -> T:
        """Join two parts or more by AND."""

    @abstractmethod
    def some(self, parts: Sequence[T]) -> T:
        """Join two parts or more by OR."""

    @abstractmethod
    def negated(self, test: Test) -> T:
        """Write the engine's own negation of a test, without a guard."""

    def one_of(self, test: In) -> T:
        """Write that a field has one of some values."""
        return self.some([self.eq(Eq(test.field, value, test.fold)) for value in test.values])

    def has(self, test: Has) -> T:
        """Write that a text is part of a field."""
        raise NotImplementedError("the engine's capabilities name an anchor that it does not write")

    def missing(self, field: Field) -> T:
        """Write that a field has no value."""
        raise NotImplementedError("the engine's capabilities name a null test that it does not write")

    def exists(self, field: Field) -> T:
        """Write that a field has a value."""
        raise NotImplementedError("the engine's capabilities name a null test that it does not write")
