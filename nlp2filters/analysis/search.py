"""Search in a codebase by meaning, helped by the words that occur literally.

An index holds everything that an answer needs, so that a question costs no parsing, and its reader needs no parser.
It names its format and the model of its vectors: one that this version does not know is refused rather than misread.
Words are weighed as in BM25 (Robertson and Zaragoza, 2009). Passages for which a budget had no room have no vector, and
are found by their words alone.
"""

import io
import zipfile
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from typing import Any, Self

import numpy as np
import orjson
from numpy.typing import NDArray

from nlp2filters.analysis.vectors import similarities
from nlp2filters.analysis.words import stems
from nlp2filters.core.embedding_model import MODEL

# How much the words of a question count beside its meaning; the scores of both are from 0 to 1. The weights were chosen
# on questions about two projects, and checked on a third.
WORD_WEIGHT = 0.35
# How much it counts that the whole file is about the question, and that its beginning says so.
FILE_WEIGHT = 0.3
# At most this many results are from one file, and each but its best gives way to other files' that are nearly as good.
MAX_PER_FILE = 2
REPEAT_HANDICAP = 0.1
# How soon further occurrences of a word stop to matter, and how much the length of a passage does: the usual values.
SATURATION, LENGTH_SHARE = 1.2, 0.75

# Changes with what `from_bytes` expects. An index without a format is of the first version, which had this one.
FORMAT = 1
_ABOUT = {"format": FORMAT, "model": MODEL}
_ARRAYS = ("vectors", "rarity", "starts", "holders", "weights")


class ForeignIndex(Exception):
    """An index was built by another version: in another format, or with the vectors of another model."""


@dataclass(frozen=True, slots=True)
class SearchResult:
    """Lines that answer a question, with a score from 0 to 1 about."""

    path: str
    start_line: int
    end_line: int
    page: int | None
    score: float
    quote: str


@dataclass(frozen=True, slots=True)
class Passage:
    """The lines of a chunk. The `handicap` is subtracted from its score."""

    path: str
    start_line: int
    end_line: int
    page: int | None
    text: str
    handicap: float = 0.0

    def scored(self, score: float) -> SearchResult:
        """Return the passage as a result."""
        return SearchResult(self.path, self.start_line, self.end_line, self.page, score, self.text)


@dataclass(frozen=True)
class SearchIndex:
    """Passages, the vectors of the first of them, and what each word weighs in each passage.

    The word with the number `i` is in the passages `holders[starts[i]:starts[i + 1]]` with these `weights`, and weighs
    `rarity[i]` at the most. A vector of zeros is not known.
    """

    passages: Sequence[Passage]
    vectors: NDArray[np.int8]
    numbers: Mapping[str, int]
    rarity: NDArray[np.float32]
    starts: NDArray[np.int64]
    holders: NDArray[np.uint32]
    weights: NDArray[np.float32]

    @classmethod
    def of(cls, passages: Sequence[Passage], texts: Sequence[Sequence[str]], vectors: NDArray[np.int8]) -> Self:
        """Build the index of passages with their words, in the order of their vectors."""
        places: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for number, text in enumerate(texts):
            for word, count in Counter(text).items():
                places[word].append((number, count))
        lengths = np.array([len(text) for text in texts], np.float32)
        drag = SATURATION * (1 - LENGTH_SHARE + LENGTH_SHARE * lengths / max(float(lengths.mean()) if texts else 0, 1))
        sizes = np.array([len(entries) for entries in places.values()], np.int64)
        holders = np.array([number for entries in places.values() for number, _ in entries], np.uint32)
        occurrences = np.array([count for entries in places.values() for _, count in entries], np.float32)
        rarity = _rarity(len(passages), sizes)
        weights = np.repeat(rarity, sizes) * occurrences / (occurrences + drag[holders])
        return cls(
            passages,
            vectors[: len(passages)],
            {word: number for number, word in enumerate(places)},
            rarity,
            np.concatenate([[0], np.cumsum(sizes)]),
            holders,
            weights.astype(np.float32),
        )

    def search(self, question: str, query: NDArray[np.floating[Any]] | None, count: int) -> list[SearchResult]:
        """Return the best places for a question, the best first; without its vector, `query`, by its words only."""
        handicaps = np.array([passage.handicap for passage in self.passages], np.float32)
        scores = self._meanings(query) + WORD_WEIGHT * self._word_scores(question)
        scores += FILE_WEIGHT * self._file_scores(scores) - handicaps
        places: list[tuple[float, Passage]] = []
        per_file: Counter[str] = Counter()
        for number in np.argsort(-scores, kind="stable"):
            passage = self.passages[int(number)]
            if (repeats := per_file[passage.path]) < MAX_PER_FILE:
                per_file[passage.path] += 1
                places.append((float(scores[number]) - REPEAT_HANDICAP * repeats, passage))
        places.sort(key=lambda place: -place[0])
        return [passage.scored(round(score, 4)) for score, passage in places[:count]]

    def _meanings(self, query: NDArray[np.floating[Any]] | None) -> NDArray[np.float32]:
        """Return the cosine of each passage with a query; those without a vector get the mean of the others."""
        present = self.vectors.any(axis=1)
        if query is None or not present.any():
            return np.zeros(len(self.passages), np.float32)
        cosines = similarities(self.vectors, query)
        scores = np.full(len(self.passages), cosines[present].mean(), np.float32)
        scores[: len(cosines)][present] = cosines[present]
        return scores

    def _file_scores(self, scores: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return for each passage the mean of those of its file, plus the score of the file's beginning."""
        beginnings: dict[str, int] = {}
        for number in sorted(range(len(self.passages)), key=lambda number: self.passages[number].start_line):
            beginnings.setdefault(self.passages[number].path, number)
        first = np.array([beginnings[passage.path] for passage in self.passages], np.int64)
        sums, sizes = np.bincount(first, scores, len(scores)), np.bincount(first, minlength=len(scores))
        return (sums[first] / np.maximum(sizes[first], 1) + scores[first]).astype(np.float32)

    def _word_scores(self, question: str) -> NDArray[np.float32]:
        """Return the share of a question's words that each passage has, weighed by how rare they are."""
        scores, possible = np.zeros(len(self.passages), np.float32), 1e-9
        for word in sorted(set(stems(question))):
            number = self.numbers.get(word)
            if number is None:
                possible += float(_rarity(len(self.passages), np.zeros(1, np.int64))[0])
                continue
            entries = slice(self.starts[number], self.starts[number + 1])
            scores[self.holders[entries]] += self.weights[entries]
            possible += float(self.rarity[number])
        return scores / np.float32(possible)

    def to_bytes(self) -> bytes:
        """Encode the index."""
        passages = [astuple(passage) for passage in self.passages]
        arrays: dict[str, NDArray[Any]] = {
            "about": np.frombuffer(orjson.dumps(_ABOUT), np.uint8),
            "texts": np.frombuffer(orjson.dumps([passages, list(self.numbers)]), np.uint8),
            **{name: getattr(self, name) for name in _ARRAYS},
        }
        stream = io.BytesIO()
        np.savez_compressed(stream, **arrays)  # type: ignore[arg-type]
        return stream.getvalue()

    @classmethod
    def from_bytes(cls, content: bytes) -> Self:
        """Decode an index.

        Raises:
            ForeignIndex: it is of another version.
        """
        try:
            with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
                if "about" in arrays and orjson.loads(arrays["about"].tobytes()) != _ABOUT:
                    raise ForeignIndex
                passages, vocabulary = orjson.loads(arrays["texts"].tobytes())
                return cls(
                    passages=[Passage(*passage) for passage in passages],
                    numbers={word: number for number, word in enumerate(vocabulary)},
                    **{name: arrays[name] for name in _ARRAYS},
                )
        except (KeyError, TypeError, ValueError, EOFError, zipfile.BadZipFile) as exc:
            raise ForeignIndex from exc


def _rarity(count: int, holders: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return how much a word counts that so many of `count` passages have."""
    return np.log1p((count - holders + 0.5) / (holders + 0.5)).astype(np.float32)
