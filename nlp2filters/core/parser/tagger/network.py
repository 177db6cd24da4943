"""The network of the tagger, computed with NumPy.

token vectors, flags ─ dense, convolutions ─ H [tokens, 128]  ┐
field vectors, types ─ dense ─ F [fields, 96] once a catalog  ├ grid [tokens, fields, 48] ─ convolutions along the
which words name which field or one of its values ─ M         ┘ text ─ probabilities
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from nlp2filters.core.linking import NounTarget
from nlp2filters.core.parser.sentence import Sentence
from nlp2filters.core.parser.tagger.features import Array, flags, links
from nlp2filters.core.words import Token

DILATIONS = (1, 2, 4)
HEADS, HEAD_SIZE = 12, 16
PLAIN_HEADS, PLAIN_SIZE = 4, 24
MAX_TOKENS = 256
MAX_FIELDS = 32
# A value has at most this confidence.
MAX_CONFIDENCE = 0.97
# A field that is named counts as nearer than any vector.
NEARNESS_OF_NAMED_FIELD = 100.0


@dataclass(frozen=True, slots=True)
class Tags:
    """The tagger's output for a text, as probabilities.

    `shares` [tokens, fields + 1]: the token is part of a value of the field; the last column: of none. `begins`
    [tokens]: a value begins at the token. `requested` [fields]: the text tests the field, and the token at its `spots`
    [fields] shows that most.
    """

    shares: Array
    begins: Array
    requested: Array
    spots: NDArray[np.intp]


def likelihood(share: float) -> float:
    """Return how often a value with such a share is right, by a fit to the test splits of the training data."""
    return float(MAX_CONFIDENCE * share**1.5)


@dataclass(frozen=True, slots=True, eq=False)
class FieldSide:
    """The part of the network that depends on a catalog alone, the same for every text: a row for each field.

    `titles` [fields, 384] are the vectors of their titles.
    """

    titles: Array
    about: Array
    head_keys: Array
    title_keys: Array
    about_keys: Array
    grid: Array

    @property
    def nbytes(self) -> int:
        """The bytes that it takes."""
        return sum(rows.nbytes for rows in self._all)

    def of(self, columns: Sequence[int]) -> "FieldSide":
        """Select some fields, by index."""
        return self if len(columns) == len(self.titles) else FieldSide(*(rows[columns] for rows in self._all))

    @property
    def _all(self) -> tuple[Array, ...]:
        return self.titles, self.about, self.head_keys, self.title_keys, self.about_keys, self.grid


@dataclass(frozen=True)
class Tagger:
    """The network. `weights` are by name, as `python -m training` writes them."""

    weights: Mapping[str, Array]

    @classmethod
    def packaged(cls) -> "Tagger":
        """Return the network that comes with the package."""
        return _packaged()

    def field_side(self, fields: Array, kinds: Array) -> FieldSide:
        """Compute a catalog's side. `fields` [fields, 2, 384] are the vectors of `Lexicon.described`."""
        titles, abouts = fields[:, 0], fields[:, 1]
        about = _relu(self._dense("title", titles) + self._dense("about", abouts) + self._dense("kind", kinds))
        keys = self._dense("kh", about), self._dense("kt", titles), self._dense("ka", abouts)
        return FieldSide(titles, about, *keys, self._dense("gf", about))

    def tag(self, sentence: Sentence, tokens: Sequence[Token], words: Array, fields: FieldSide) -> Tags:
        """Read a sentence of chunks.

        `words` [tokens, 384] are the vectors of the tokens in the text (`align`). Only the first `MAX_TOKENS` of a long
        text are read, and only the `MAX_FIELDS` of a large catalog that are nearest to the text.
        """
        count = len(fields.titles)
        shares, begins = np.zeros((len(tokens), count + 1), np.float32), np.zeros(len(tokens), np.float32)
        shares[:, -1] = 1
        requested, spots = np.zeros(count, np.float32), np.zeros(count, np.intp)
        if not tokens:
            return Tags(shares, begins, requested, spots)
        tokens, words = tokens[:MAX_TOKENS], words[:MAX_TOKENS]
        columns = _likely(sentence, words, fields.titles)
        logits, starts, tests, places = self._run(
            words, flags(sentence, tokens), links(sentence, tokens, columns), fields.of(columns)
        )
        shares[: len(tokens), [*columns, count]] = _softmax(logits)
        begins[: len(tokens)] = _sigmoid(starts)
        requested[columns], spots[columns] = _sigmoid(tests), places
        return Tags(shares, begins, requested, spots)

    def _run(
        self, words: Array, flags: Array, links: Array, fields: FieldSide
    ) -> tuple[Array, Array, Array, NDArray[np.intp]]:
        """Return the logits of `Tags`: (tokens, fields + 1), (tokens,) and (fields,); and the spots."""
        text = _relu(self._dense("word", words) + self._dense("flag", flags))
        for layer in ("conv.0", "conv.1"):
            text = text + _relu(self._convolve(layer, text[:, None], 1)[:, 0])
        scores = [
            _heads(self._dense("qh", text), fields.head_keys, HEADS, HEAD_SIZE) / HEAD_SIZE**0.5,
            _heads(query := self._dense("qx", words), fields.title_keys, PLAIN_HEADS, PLAIN_SIZE),
            _heads(query, fields.about_keys, PLAIN_HEADS, PLAIN_SIZE),
            links,
        ]
        grid = _relu(
            self._dense("g", np.concatenate(scores, axis=-1)) + self._dense("gh", text)[:, None] + fields.grid[None]
        )
        for index, dilation in enumerate(DILATIONS):
            best = self._dense(f"gm.{index}", grid.max(axis=1))
            grid = grid + _relu(self._convolve(f"gc.{index}", grid, dilation) + best[:, None])
        best = grid.max(axis=1)
        none = self._dense("none_h", text) + self._dense("none_m", best)
        logits = np.concatenate([self._dense("out", grid)[..., 0], none], axis=-1)
        begins = self._dense("beg", np.concatenate([best, text], axis=-1))[:, 0]
        pooled = np.concatenate([grid.max(axis=0), grid.mean(axis=0), fields.about], axis=-1)
        requested = self._dense("ask2", _relu(self._dense("ask", pooled)))[:, 0]
        return logits, begins, requested, _spots(grid, requested)

    def _dense(self, name: str, x: Array) -> Array:
        y: Array = x @ self.weights[f"{name}.weight"].T
        bias = self.weights.get(f"{name}.bias")
        return y if bias is None else y + bias

    def _convolve(self, name: str, x: Array, dilation: int) -> Array:
        """Convolve along the text: x has the shape (tokens, rows, channels)."""
        kernel = self._kernels[name]
        width = len(kernel) // x.shape[-1]
        reach = width // 2 * dilation
        padded = np.zeros((len(x) + 2 * reach, *x.shape[1:]), np.float32)
        padded[reach : reach + len(x)] = x
        shifted = [padded[i * dilation : i * dilation + len(x)] for i in range(width)]
        y: Array = np.concatenate(shifted, axis=-1) @ kernel
        return y + self.weights[f"{name}.bias"]

    @cached_property
    def _kernels(self) -> Mapping[str, Array]:
        """The weights of the convolutions as matrices, shape (width * in, out)."""
        return {
            name.removesuffix(".weight"): np.ascontiguousarray(kernel.transpose(2, 1, 0).reshape(-1, len(kernel)))
            for name, kernel in self.weights.items()
            if kernel.ndim == 3
        }


@cache
def _packaged() -> Tagger:
    with (files(__package__) / "tagger.npz").open("rb") as file, np.load(file) as weights:
        return Tagger({name: weights[name].astype(np.float32) for name in weights.files})


def _likely(sentence: Sentence, words: Array, titles: Array) -> Sequence[int]:
    """Return the fields worth reading, by index: all; or those that words name, and the nearest to one of the words."""
    if len(titles) <= MAX_FIELDS:
        return range(len(titles))
    nearness = (words @ titles.T).max(axis=0)
    index = sentence.lexicon.places
    for candidate in (candidate for chunk in sentence.chunks for candidate in chunk.candidates):
        if not isinstance(candidate.target, NounTarget):
            nearness[index[candidate.target.field.name]] += NEARNESS_OF_NAMED_FIELD
    return sorted(int(at) for at in np.argpartition(-nearness, MAX_FIELDS)[:MAX_FIELDS])


def _spots(grid: Array, requested: Array) -> NDArray[np.intp]:
    """Return a token for each field that the text tests.

    It is the one with most of the greatest values of the field's channels, by their weight.
    """
    spots = np.zeros(len(requested), np.intp)
    for field in np.flatnonzero(requested > 0):
        spots[field] = np.bincount(grid[:, field].argmax(axis=0), grid[:, field].max(axis=0)).argmax()
    return spots


def _heads(queries: Array, keys: Array, heads: int, size: int) -> Array:
    """Multiply by head: shape (tokens, fields, heads)."""
    rows = queries.reshape(len(queries), heads, size).transpose(1, 0, 2)
    columns = keys.reshape(len(keys), heads, size).transpose(1, 2, 0)
    return (rows @ columns).transpose(1, 2, 0)


def _relu(x: Array) -> Array:
    return np.maximum(x, 0)


def _sigmoid(x: Array) -> Array:
    y: Array = (1 / (1 + np.exp(-x))).astype(np.float32)
    return y


def _softmax(x: Array) -> Array:
    powers: Array = np.exp(x - x.max(axis=-1, keepdims=True))
    y: Array = powers / powers.sum(axis=-1, keepdims=True)
    return y
