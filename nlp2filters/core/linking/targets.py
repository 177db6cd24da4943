"""The targets of linking: the parts of a catalog that words may mean, and how sure it is that they do."""

from collections.abc import Mapping
from dataclasses import dataclass

from nlp2filters.core.catalog import Field
from nlp2filters.core.interpretation import Direction, Source
from nlp2filters.core.languages import Degree

CONFIDENCE: Mapping[Source, float] = {"exact": 0.98, "synonym": 0.95, "fuzzy": 0.8}


@dataclass(frozen=True, slots=True)
class FieldTarget:
    """A field that the words name. `negated`: they say that a boolean one does not hold ("unfurnished").

    `stated`: the words say by themselves whether the field has a value ("in stock"), or none ("unassigned").
    """

    field: Field
    negated: bool = False
    stated: bool = False


@dataclass(frozen=True, slots=True)
class ValueTarget:
    """A value of a field that the words name."""

    field: Field
    value: str


@dataclass(frozen=True, slots=True)
class OppositeTarget:
    """A value that the words exclude: "alcohol" is the opposite of "alcohol-free"."""

    field: Field
    value: str


@dataclass(frozen=True, slots=True)
class AdjectiveTarget:
    """One end of a field: "light" is the low end of weight."""

    field: Field
    high: bool
    degree: Degree

    @property
    def order(self) -> Direction:
        """The direction of a sort that puts this end first."""
        return "desc" if self.high else "asc"


@dataclass(frozen=True, slots=True)
class NounTarget:
    """The records themselves."""


Target = FieldTarget | ValueTarget | OppositeTarget | AdjectiveTarget | NounTarget


@dataclass(frozen=True, slots=True)
class Candidate:
    """A target that words may mean, how it was found, and its confidence (0 to 1)."""

    target: Target
    confidence: float
    source: Source


@dataclass(frozen=True, slots=True)
class Match:
    """The `candidates` that `length` tokens may mean, the likeliest first."""

    length: int
    candidates: tuple[Candidate, ...]
