"""The features of the tagger: what the rules and the catalog know about each word and each field.

The weights fit these features and their order. After any change here the network must be trained again.
"""

from collections.abc import Iterator, Mapping, Sequence, Set
from functools import lru_cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from nlp2filters.core.catalog import NUMERIC, STRINGS, Field
from nlp2filters.core.linking import (
    AdjectiveTarget,
    Candidate,
    FieldTarget,
    Lexicon,
    NounTarget,
    OppositeTarget,
    ValueTarget,
)
from nlp2filters.core.parser.chunker import Chunk
from nlp2filters.core.parser.sentence import Sentence
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
TYPES = 10

# The links of a token to a field. It names the field, exactly or misspelled, one of its known values, or one end of it;
# it is an amount that the field can hold, perhaps in a unit; it has the stem of a word of the title or description.
LINKS = 8
NAME_LINK, MISSPELLED_NAME_LINK, VALUE_LINK, ADJECTIVE_LINK, AMOUNT_LINK, UNIT_LINK, TITLE_LINK, DESCRIPTION_LINK = (
    range(LINKS)
)
STEM_LINKS = slice(TITLE_LINK, DESCRIPTION_LINK + 1)

# The derived tables of this many lexicons are kept.
LEXICONS = 32
_PUNCTUATION = "()[],.:;?"


def flags(sentence: Sentence, tokens: Sequence[Token]) -> Array:
    """Return the features of each token by itself: shape (tokens, FLAGS), of 0 and 1."""
    features = np.zeros((len(tokens), FLAGS), np.float32)
    base = len(KINDS) + len(ROLES)
    for place, chunk in enumerate(sentence.chunks):
        if chunk.start >= len(tokens):
            break
        noun = sentence.is_noun(place)
        for at in range(chunk.start, min(chunk.end, len(tokens))):
            token = tokens[at]
            features[at, KINDS.index(token.kind)] = 1
            for index, role in enumerate(ROLES):
                features[at, len(KINDS) + index] = role in chunk.roles
            features[at, base : base + 8] = (
                token.text[:1].isupper(),
                chunk.period is not None,
                chunk.clock is not None,
                chunk.quantity is not None,
                bool(chunk.quantity and chunk.quantity.units),
                noun,
                at > chunk.start,
                bool(chunk.candidates),
            )
    return features


def links(sentence: Sentence, tokens: Sequence[Token], fields: Sequence[int]) -> Array:
    """Return the features of each token and each field of these indexes: shape (tokens, fields, LINKS), of 0 and 1."""
    columns = {sentence.catalog.fields[index]: at for at, index in enumerate(fields)}
    features = np.zeros((len(tokens), len(columns), LINKS), np.float32)
    for chunk in sentence.chunks:
        if chunk.start >= len(tokens):
            break
        words = slice(chunk.start, chunk.end)
        for field, link in _links_by_name(chunk):
            if field in columns:
                features[words, columns[field], link] = 1
        if chunk.is_value:
            for field, at in columns.items():
                if sentence.coerce(chunk, field) is not None:
                    features[words, at, AMOUNT_LINK] = 1
                    features[words, at, UNIT_LINK] = bool(chunk.quantity and chunk.quantity.units)
    _link_by_stem(features, sentence.lexicon, tokens, fields)
    return features


def _links_by_name(chunk: Chunk) -> Iterator[tuple[Field, int]]:
    for candidate in chunk.candidates:
        target = candidate.target
        if not isinstance(target, NounTarget):
            yield target.field, _link_by_name(candidate)


def _link_by_name(candidate: Candidate) -> int:
    match candidate.target:
        case FieldTarget():
            return MISSPELLED_NAME_LINK if candidate.source == "fuzzy" else NAME_LINK
        case ValueTarget() | OppositeTarget():
            return VALUE_LINK
        case AdjectiveTarget():
            return ADJECTIVE_LINK
        case NounTarget():
            raise ValueError("a noun names no field")


def _link_by_stem(features: Array, lexicon: Lexicon, tokens: Sequence[Token], fields: Sequence[int]) -> None:
    """Set the links of tokens that have the stem of a word of a field's title or description."""
    columns = {index: at for at, index in enumerate(fields)}
    for link, fields_by_stem in zip((TITLE_LINK, DESCRIPTION_LINK), _fields_by_stem(lexicon), strict=True):
        for at, token in enumerate(tokens):
            indexes = fields_by_stem.get(token.stem, frozenset())
            for index in indexes if len(indexes) < len(columns) else indexes & columns.keys():
                if index in columns:
                    features[at, columns[index], link] = 1


@lru_cache(maxsize=LEXICONS)
def _fields_by_stem(lexicon: Lexicon) -> tuple[Mapping[str, Set[int]], Mapping[str, Set[int]]]:
    """Return the fields in whose title, and in whose description, each stem occurs."""
    by_stem: tuple[dict[str, set[int]], dict[str, set[int]]] = ({}, {})
    for at, described in enumerate(lexicon.described):
        for text, fields in zip(described, by_stem, strict=True):
            for word in dict.fromkeys(text.lower().split()):
                fields.setdefault(stem(word.strip(_PUNCTUATION), lexicon.language.stemmer), set()).add(at)
    return by_stem


@lru_cache(maxsize=LEXICONS)
def kinds(lexicon: Lexicon) -> Array:
    """Return the features of each field: shape (fields, TYPES), of 0 to 1."""
    features = np.zeros((len(lexicon.catalog.fields), TYPES), np.float32)
    for at, field in enumerate(lexicon.catalog.fields):
        features[at] = (
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
    return features


def align(tokens: Sequence[Token], spans: Sequence[tuple[int, int]], vectors: Array) -> Array:
    """Return a vector for each token, the mean of those of its pieces: shape (tokens, 384).

    `spans` are the code points (start, end) of the pieces of the embedding model, `vectors` has a row for each.
    """
    means = np.zeros((len(tokens), vectors.shape[1]), np.float32)
    at = 0
    for index, token in enumerate(tokens):
        while at < len(spans) and spans[at][1] <= token.start:
            at += 1
        end = at
        while end < len(spans) and spans[end][0] < token.end:
            end += 1
        if end > at:
            means[index] = vectors[at:end].mean(axis=0)
    return means
