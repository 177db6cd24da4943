"""Examples as arrays: the vectors of the embedding model and the features that the tagger itself computes."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from fastembed import TextEmbedding
from numpy.typing import NDArray

from nlp2filters.core import catalog as catalogs
from nlp2filters.core import parser
from nlp2filters.core.embedding_model import MODEL
from nlp2filters.core.linking import Lexicon
from nlp2filters.core.parser import tagger
from nlp2filters.embedding.weights import MINILM
from training.examples import Example

LONGEST = 60  # tokens
BATCH = 64
TODAY = dt.date(2019, 3, 1)


@dataclass(frozen=True, slots=True)
class Encoded:
    """`labels` [tokens] hold the index of a field, or -1; `begins` [tokens] 1 where a value begins."""

    catalog: str
    words: NDArray[np.float16]
    flags: NDArray[np.uint8]
    links: NDArray[np.uint8]
    labels: NDArray[np.int16]
    begins: NDArray[np.uint8]
    asked: frozenset[int]


@dataclass(frozen=True, slots=True)
class Fields:
    """The tagger's input for the fields of a catalog: vectors [fields, 2, 384] and kinds [fields, TYPES]."""

    vectors: NDArray[np.float16]
    kinds: NDArray[np.float16]


def load_model() -> TextEmbedding:
    """The embedding model that the service uses, on two cores."""
    return TextEmbedding(MODEL, specific_model_path=str(MINILM.locate()), threads=2)


def encode(model: TextEmbedding, examples: Sequence[Example]) -> tuple[list[Encoded], dict[str, Fields]]:
    """The examples in an order of their own, and their catalogs' fields by the catalogs' names."""
    lexicons: dict[str, Lexicon] = {}
    found = []
    for example, (spans, vectors) in _pieces(model, sorted(examples, key=lambda example: len(example.text))):
        if example.catalog not in lexicons:
            lexicons[example.catalog] = _lexicon(example)
        lexicon = lexicons[example.catalog]
        tokens = lexicon.language.tokenize(example.text)
        if 0 < len(tokens) <= LONGEST:
            row = parser.sentence_of(example.text, tokens, lexicon, TODAY)
            labels, begins = np.full(len(tokens), -1, np.int16), np.zeros(len(tokens), np.uint8)
            for start, end, field in example.spans:
                places = [at for at, token in enumerate(tokens) if token.start < end and token.end > start]
                labels[places] = field
                begins[places[:1]] = 1
            found.append(
                Encoded(
                    catalog=example.catalog,
                    words=tagger.align(tokens, spans, vectors).astype(np.float16),
                    flags=tagger.flags(row, tokens).astype(np.uint8),
                    links=tagger.links(row, tokens, range(len(example.fields))).astype(np.uint8),
                    labels=labels,
                    begins=begins,
                    asked=example.asked,
                )
            )
    return found, _fields(model, lexicons)


def _lexicon(example: Example) -> Lexicon:
    fields = [
        {
            "name": field.name,
            "type": field.type,
            "description": field.description[:500],
            **({"currency": "USD"} if field.type == "money" else {}),
            **({"values": list(dict.fromkeys(filter(None, field.values)))} if field.values else {}),
        }
        for field in example.fields
    ]
    return Lexicon.of(catalogs.parse({"name": example.catalog, "fields": fields}))


def _pieces(
    model: TextEmbedding, examples: Sequence[Example]
) -> Iterator[tuple[Example, tuple[list[tuple[int, int]], NDArray[np.float32]]]]:
    network = model.model
    for first in range(0, len(examples), BATCH):
        batch = examples[first : first + BATCH]
        texts = [example.text for example in batch]
        encodings = network.tokenize(texts)
        output = network.onnx_embed(texts).model_output
        for example, encoding, vectors in zip(batch, encodings, output, strict=True):
            kept = [at for at, special in enumerate(encoding.special_tokens_mask) if not special]
            yield example, ([encoding.offsets[at] for at in kept], vectors[kept])


def _fields(model: TextEmbedding, lexicons: Mapping[str, Lexicon]) -> dict[str, Fields]:
    texts = sorted({text for lexicon in lexicons.values() for pair in lexicon.described for text in pair}, key=len)
    vectors = dict(zip(texts, np.asarray(list(model.embed(texts, batch_size=BATCH)), np.float16), strict=True))
    return {
        name: Fields(
            np.array([[vectors[text] for text in pair] for pair in lexicon.described]),
            tagger.kinds(lexicon).astype(np.float16),
        )
        for name, lexicon in lexicons.items()
    }
