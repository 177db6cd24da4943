"""The tagger: a small network over the embedding model's vectors. It marks the words that are values of a field.

It reads what rules cannot: that "Boulder" in "the county of the bridge in Boulder" is a location, and where a title
ends. It knows no field by name: a field is the vector of its own title and description, so any catalog will do.

    token vectors, flags ─ dense, convolutions ─ H [tokens, 128]  ┐
    field vectors, types ─ dense ─ F [fields, 96]                 ├ grid [tokens, fields, 48] ─ convolutions along the
    which words name which field or one of its values ─ M         ┘ text ─ probabilities

The weights come from `python -m training`; docs/tagger.md says of which data.
"""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from importlib.resources import files
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from nlp2filters.core.catalog import NUMERIC, STRINGS
from nlp2filters.core.linking import AdjectiveTarget, FieldTarget, Lexicon, NounTarget, ValueTarget
from nlp2filters.core.parser.row import Row
from nlp2filters.core.words import Token, stem

Array: TypeAlias = NDArray[np.float32]

ROLES = (
    "comparator",
    "bound",
    "range",
    "junction",
    "negation",
    "copula",
    "filler",
    "having",
    "extreme",
    "sort",
    "limit",
)
KINDS = ("word", "number", "symbol", "quoted")
FLAGS = len(KINDS) + len(ROLES) + 8
LINKS = 8
TYPES = 10
DILATIONS = (1, 2, 4)
HEADS, HEAD_SIZE = 12, 16
PLAIN_HEADS, PLAIN_SIZE = 4, 24
MOST_TOKENS = 256
MOST_FIELDS = 32
# A value has at most this confidence.
SUREST = 0.97
# The derived tables of this many lexicons are kept.
LEXICONS = 32
# A field that is named counts as nearer than any vector.
NAMED = 100.0
# This one of the LINKS says that the token names a known value of the field.
VALUE_LINK = 2
# These say that the token has the stem of a word of the field's title, and of its description.
STEM_LINKS = slice(6, 8)


@dataclass(frozen=True, slots=True)
class Tags:
    """The tagger's output for a text, as probabilities.

    `shares` [tokens, fields + 1]: the token is part of a value of the field; the last column: of none. `begins`
    [tokens]: a value begins at the token. `asked` [fields]: the text tests the field, and the token at its `spots`
    [fields] shows that most.
    """

    shares: Array
    begins: Array
    asked: Array
    spots: NDArray[np.intp]


def flags(row: Row, tokens: Sequence[Token]) -> Array:
    """Return the features of each token by itself: shape (tokens, FLAGS), of 0 and 1."""
    found = np.zeros((len(tokens), FLAGS), np.float32)
    base = len(KINDS) + len(ROLES)
    for place, item in enumerate(row.items):
        if item.start >= len(tokens):
            break
        noun = row.is_noun(place)
        for at in range(item.start, min(item.end, len(tokens))):
            token = tokens[at]
            found[at, KINDS.index(token.kind)] = 1
            for index, role in enumerate(ROLES):
                found[at, len(KINDS) + index] = role in item.said
            found[at, base : base + 8] = (
                token.text[:1].isupper(),
                item.period is not None,
                item.clock is not None,
                item.quantity is not None,
                bool(item.quantity and item.quantity.units),
                noun,
                at > item.start,
                bool(item.candidates),
            )
    return found


def links(row: Row, tokens: Sequence[Token], fields: Sequence[int]) -> Array:
    """Return the features of each token and each field of these indexes: shape (tokens, fields, LINKS), of 0 and 1."""
    catalog = row.catalog
    places = {catalog.fields[index].name: at for at, index in enumerate(fields)}
    found = np.zeros((len(tokens), len(places), LINKS), np.float32)
    for item in row.items:
        if item.start >= len(tokens):
            break
        taken = slice(item.start, item.end)
        for candidate in item.candidates:
            target = candidate.target
            if isinstance(target, NounTarget) or target.field.name not in places:
                continue
            if isinstance(target, FieldTarget):
                found[taken, places[target.field.name], 0 if candidate.source != "fuzzy" else 1] = 1
            elif isinstance(target, ValueTarget):
                found[taken, places[target.field.name], 2] = 1
            elif isinstance(target, AdjectiveTarget):
                found[taken, places[target.field.name], 3] = 1
        if item.is_value:
            for field, at in places.items():
                if row.held(item, catalog.by_name[field]) is not None:
                    found[taken, at, 4] = 1
                    found[taken, at, 5] = bool(item.quantity and item.quantity.units)
    titles, abouts = _stems(row.lexicon)
    position = {index: at for at, index in enumerate(fields)}
    for at, token in enumerate(tokens):
        for link, stems in ((6, titles), (7, abouts)):
            if named := stems.get(token.stem):
                for index in named if len(named) < len(position) else named & position.keys():
                    if index in position:
                        found[at, position[index], link] = 1
    return found


@lru_cache(maxsize=LEXICONS)
def _stems(lexicon: Lexicon) -> tuple[Mapping[str, Set[int]], Mapping[str, Set[int]]]:
    """Return the fields in whose title, and in whose description, each stem occurs."""
    found: tuple[dict[str, set[int]], dict[str, set[int]]] = ({}, {})
    for at, described in enumerate(lexicon.described):
        for said, stems in zip(described, found, strict=True):
            for word in dict.fromkeys(said.lower().split()):
                stems.setdefault(stem(word.strip("()[],.:;?"), lexicon.language.stemmer), set()).add(at)
    return found


@lru_cache(maxsize=LEXICONS)
def kinds(lexicon: Lexicon) -> Array:
    """Return the features of each field: shape (fields, TYPES), of 0 to 1."""
    found = np.zeros((len(lexicon.catalog.fields), TYPES), np.float32)
    for at, field in enumerate(lexicon.catalog.fields):
        found[at] = (
            field.type in STRINGS and not field.values,
            field.type in STRINGS and bool(field.values),
            field.type in NUMERIC,
            field.type == "money",
            field.type in ("date", "datetime"),
            field.type == "time",
            field.type == "boolean",
            field.type == "duration",
            min(1.0, np.log1p(len(field.values)) / 8),
            field.closed,
        )
    return found


def likelihood(share: float) -> float:
    """Return how often a value with such a share is right, by a fit to the test splits of the training data."""
    return float(SUREST * share**1.5)


def align(tokens: Sequence[Token], spans: Sequence[tuple[int, int]], vectors: Array) -> Array:
    """Return a vector for each token, the mean of those of its pieces: shape (tokens, 384).

    `spans` are the code points (start, end) of the pieces of the embedding model, `vectors` has a row for each.
    """
    found = np.zeros((len(tokens), vectors.shape[1]), np.float32)
    at = 0
    for index, token in enumerate(tokens):
        while at < len(spans) and spans[at][1] <= token.start:
            at += 1
        end = at
        while end < len(spans) and spans[end][0] < token.end:
            end += 1
        if end > at:
            found[index] = vectors[at:end].mean(axis=0)
    return found


@dataclass(frozen=True)
class Tagger:
    """The network. `weights` are by name, as `python -m training` writes them."""

    weights: Mapping[str, Array]

    @classmethod
    def packaged(cls) -> "Tagger":
        """Return the network that comes with the package."""
        return _packaged()

    def tag(self, row: Row, tokens: Sequence[Token], words: Array, fields: Array) -> Tags:
        """Read a row of items.

        `words` [tokens, 384] are the vectors of the tokens in the text (`align`), `fields` [fields, 2, 384] those
        of the fields (`Lexicon.described`). Only the first `MOST_TOKENS` of a long text are read, and only the
        `MOST_FIELDS` of a large catalog that are nearest to the text.
        """
        shares, begins = np.zeros((len(tokens), len(fields) + 1), np.float32), np.zeros(len(tokens), np.float32)
        shares[:, -1] = 1
        asked, spots = np.zeros(len(fields), np.float32), np.zeros(len(fields), np.intp)
        if not tokens:
            return Tags(shares, begins, asked, spots)
        tokens, words = tokens[:MOST_TOKENS], words[:MOST_TOKENS]
        chosen = _likely(row, words, fields)
        logits, starts, wanted, places = self._run(
            words, flags(row, tokens), links(row, tokens, chosen), fields[chosen], kinds(row.lexicon)[chosen]
        )
        shares[: len(tokens), [*chosen, len(fields)]] = _softmax(logits)
        begins[: len(tokens)] = _sigmoid(starts)
        asked[chosen], spots[chosen] = _sigmoid(wanted), places
        return Tags(shares, begins, asked, spots)

    def _run(
        self, words: Array, flags: Array, links: Array, fields: Array, kinds: Array
    ) -> tuple[Array, Array, Array, NDArray[np.intp]]:
        """Return the logits of `Tags`: (tokens, fields + 1), (tokens,) and (fields,); and the spots."""
        titles, abouts = fields[:, 0], fields[:, 1]
        text = _relu(self._dense("word", words) + self._dense("flag", flags))
        for layer in ("conv.0", "conv.1"):
            text = text + _relu(self._convolve(layer, text[:, None], 1)[:, 0])
        about = _relu(self._dense("title", titles) + self._dense("about", abouts) + self._dense("kind", kinds))
        scores = [
            _heads(self._dense("qh", text), self._dense("kh", about), HEADS, HEAD_SIZE) / HEAD_SIZE**0.5,
            _heads(query := self._dense("qx", words), self._dense("kt", titles), PLAIN_HEADS, PLAIN_SIZE),
            _heads(query, self._dense("ka", abouts), PLAIN_HEADS, PLAIN_SIZE),
            links,
        ]
        grid = _relu(
            self._dense("g", np.concatenate(scores, axis=-1))
            + self._dense("gh", text)[:, None]
            + self._dense("gf", about)[None]
        )
        for index, dilation in enumerate(DILATIONS):
            best = self._dense(f"gm.{index}", grid.max(axis=1))
            grid = grid + _relu(self._convolve(f"gc.{index}", grid, dilation) + best[:, None])
        best = grid.max(axis=1)
        none = self._dense("none_h", text) + self._dense("none_m", best)
        logits = np.concatenate([self._dense("out", grid)[..., 0], none], axis=-1)
        begins = self._dense("beg", np.concatenate([best, text], axis=-1))[:, 0]
        pooled = np.concatenate([grid.max(axis=0), grid.mean(axis=0), about], axis=-1)
        asked = self._dense("ask2", _relu(self._dense("ask", pooled)))[:, 0]
        return logits, begins, asked, _spots(grid, asked)

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


def _likely(row: Row, words: Array, fields: Array) -> Sequence[int]:
    """Return the fields worth reading, by index: all; or those that words name, and the nearest to one of the words."""
    if len(fields) <= MOST_FIELDS:
        return range(len(fields))
    nearness = (words @ fields[:, 0].T).max(axis=0)
    index = row.lexicon.places
    for candidate in (candidate for item in row.items for candidate in item.candidates):
        if not isinstance(candidate.target, NounTarget):
            nearness[index[candidate.target.field.name]] += NAMED
    return sorted(int(at) for at in np.argpartition(-nearness, MOST_FIELDS)[:MOST_FIELDS])


def _spots(grid: Array, asked: Array) -> NDArray[np.intp]:
    """Return a token for each field that the text tests.

    It is the one with most of the greatest values of the field's channels, by their weight.
    """
    found = np.zeros(len(asked), np.intp)
    for field in np.flatnonzero(asked > 0):
        found[field] = np.bincount(grid[:, field].argmax(axis=0), grid[:, field].max(axis=0)).argmax()
    return found


def _heads(queries: Array, keys: Array, heads: int, size: int) -> Array:
    """Multiply by head: shape (tokens, fields, heads)."""
    left = queries.reshape(len(queries), heads, size).transpose(1, 0, 2)
    right = keys.reshape(len(keys), heads, size).transpose(1, 2, 0)
    return (left @ right).transpose(1, 2, 0)


def _relu(x: Array) -> Array:
    return np.maximum(x, 0)


def _sigmoid(x: Array) -> Array:
    y: Array = (1 / (1 + np.exp(-x))).astype(np.float32)
    return y


def _softmax(x: Array) -> Array:
    powers: Array = np.exp(x - x.max(axis=-1, keepdims=True))
    y: Array = powers / powers.sum(axis=-1, keepdims=True)
    return y
