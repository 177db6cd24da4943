"""The passages of a codebase among which a search looks: its chunks, of which those of the code itself come first."""

from collections.abc import Sequence
from itertools import accumulate, takewhile

import numpy as np
from numpy.typing import NDArray

from nlp2filters.analysis.chunks import Chunk
from nlp2filters.analysis.languages import is_document, is_test
from nlp2filters.analysis.search import Passage, SearchIndex
from nlp2filters.analysis.words import stems

# An index has the first chunks, which are those of the most used files, with so many characters.
MAX_PASSAGES, MAX_CHARACTERS = 20_000, 32 << 20
# A question is after the code itself rather than after its tests or its documents, unless these fit far better.
TEST_HANDICAP = 0.2
DOCUMENT_HANDICAP = 0.1


def index_of(chunks: Sequence[Chunk], vectors: NDArray[np.int8]) -> SearchIndex:
    """Return the index of a codebase; `vectors` are those of the first chunks."""
    sizes = accumulate(len(chunk.text) for chunk in chunks[:MAX_PASSAGES])
    within = chunks[: sum(1 for _ in takewhile(lambda size: size <= MAX_CHARACTERS, sizes))]
    passages = [
        Passage(chunk.path, chunk.start_line, chunk.end_line, chunk.page, chunk.text, _handicap(chunk.path))
        for chunk in within
    ]
    texts = [[*stems(chunk.model_text), *stems(chunk.path)] for chunk in within]
    return SearchIndex.of(passages, texts, vectors)


def _handicap(path: str) -> float:
    return TEST_HANDICAP * is_test(path) + DOCUMENT_HANDICAP * is_document(path)
