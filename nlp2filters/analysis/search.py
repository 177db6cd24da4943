"""Search over the chunks of an analysis: by meaning, helped by the words that occur literally."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nlp2filters.analysis.chunks import Chunk
from nlp2filters.analysis.languages import is_document
from nlp2filters.analysis.vectors import similarities

# The weights were chosen on questions about this project's own code, so that a rare name in the question counts.
WORD_WEIGHT = 0.35
# A question is after the code itself rather than after its tests or its documents, unless these fit far better.
TEST_PENALTY = 0.2
DOCUMENT_PENALTY = 0.1
# At most this many results are from one file.
MAX_PER_FILE = 3

# The usual places of tests, in the usual languages.
_TEST = re.compile(
    r"(^|/)(tests?|t|testing|__tests__|spec|benchmarks?|examples?)/|(^|/)(test_|conftest)|[._-](test|spec)\."
)
_WORD = re.compile(r"[A-Za-z][a-z]+|[A-Z]+(?![a-z])|\d+")
_STOP_WORDS = frozenset(
    """
    a an and are as at be by do does for from how in into is it its of on or that the this to what when where
    which who with
    """.split()  # noqa: SIM905
)


@dataclass(frozen=True, slots=True)
class SearchResult:
    """A chunk that answers a question, with its score from 0 to 1 about."""

    chunk: Chunk
    score: float


def search(
    question: str,
    query: NDArray[np.floating[Any]] | None,
    chunks: Sequence[Chunk],
    vectors: NDArray[np.int8],
    count: int,
) -> list[SearchResult]:
    """Return the best chunks for a question, whose vector is `query`; without one, by words only."""
    if not chunks:
        return []
    scores = WORD_WEIGHT * _word_scores(question, chunks) - _penalties(chunks)
    if query is not None:
        scores += similarities(vectors, query)
    results: list[SearchResult] = []
    per_file: Counter[str] = Counter()
    for number in np.argsort(-scores, kind="stable"):
        chunk = chunks[int(number)]
        if per_file[chunk.path] < MAX_PER_FILE:
            per_file[chunk.path] += 1
            results.append(SearchResult(chunk, round(float(scores[number]), 4)))
        if len(results) == count:
            break
    return results


def _penalties(chunks: Sequence[Chunk]) -> NDArray[np.float32]:
    penalties = (
        TEST_PENALTY * bool(_TEST.search(chunk.path)) + DOCUMENT_PENALTY * is_document(chunk.path) for chunk in chunks
    )
    return np.fromiter(penalties, dtype=np.float32, count=len(chunks))


def words(text: str) -> list[str]:
    """Return the words of a text or of code in lower case: those of `max_retries` and `maxRetries` are alike."""
    return [word.lower() for word in _WORD.findall(text) if word.lower() not in _STOP_WORDS]


def _word_scores(question: str, chunks: Sequence[Chunk]) -> NDArray[np.float32]:
    """Return, for each chunk, the share of the question's words in it, weighted by how rare they are."""
    question_words = set(words(question))
    if not question_words:
        return np.zeros(len(chunks), dtype=np.float32)
    present = [question_words & {*words(chunk.model_text), *words(chunk.path)} for chunk in chunks]
    counts = Counter(word for some in present for word in some)
    rarity = {word: np.log(1 + (len(chunks) - counts[word] + 0.5) / (counts[word] + 0.5)) for word in question_words}
    total = sum(rarity.values()) or 1.0
    return np.array([sum(rarity[word] for word in some) / total for some in present], dtype=np.float32)
