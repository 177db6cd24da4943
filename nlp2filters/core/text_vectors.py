"""Vectors of a text and of a catalog's names, as they pass from the embedding model to the parser."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Vectors: TypeAlias = NDArray[Any]
else:  # Only what computes with them loads numpy.
    Vectors = Any


@dataclass(frozen=True, slots=True)
class TextVectors:
    """The embedding model's output for a text: the code points (start, end) of its pieces, and a vector for each."""

    pieces: Sequence[tuple[int, int]]
    vectors: Vectors


@dataclass(frozen=True, slots=True, eq=False)
class Meanings:
    """The vectors of the phrases of a text. Those of an embedding API come with its index of the catalog's names."""

    phrases: Vectors
    index: Vectors | None = None
    digest: str = ""
