"""Fit the likelihood that the nearest name is the right one: the figures of `core/linking/similarity.py::_likelihood`.

Each synonym of the catalogs in `tests/cases` is left out and looked for among the other names; words of sentences that
mean nothing to the catalog are looked for as well. Run it from the root: `python tools/calibrate_linking.py`.
"""

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nlp2filters.core import parser
from nlp2filters.core.catalog import Catalog
from nlp2filters.core.linking import MOST_MARGIN, FieldTarget, Lexicon, Target, ValueTarget, embeddable, phrases
from nlp2filters.embedding.embedder import Embedder
from nlp2filters.embedding.weights import MINILM
from nlp2filters.evaluation.cases import read_cases, read_collections

CASES = Path("tests/cases")
TODAY = dt.date(2026, 11, 24)
MEANINGLESS = ("nothing", "text", "injection")

Row = tuple[float, float, bool]  # cosine, margin, whether the nearest name is right


async def main() -> None:
    collections = read_collections((CASES / "catalogs.json").read_bytes())
    unrelated: dict[str, set[str]] = {}
    for category in MEANINGLESS:
        for case in read_cases((CASES / f"{category}.jsonl").read_bytes(), collections):
            lexicon = Lexicon.of(collections[case.catalog].catalog)
            sentence = parser.sentence_of(case.text, lexicon.language.tokenize(case.text), lexicon, TODAY)
            unrelated.setdefault(case.catalog, set()).update(phrases(sentence.unknown))
    embedder = await Embedder.load(MINILM.locate(progress=True))
    rows: list[Row] = []
    for name, collection in collections.items():
        if name != "pisos":  # the model knows English
            rows += [row async for row in _rows(collection.catalog, unrelated.get(name, set()), embedder)]
    await embedder.close()
    features = np.array([(1, cosine, min(margin, MOST_MARGIN)) for cosine, margin, _ in rows])
    right = np.array([float(hit) for *_, hit in rows])
    coefficients = _fit(features, right)
    likelihoods = 1 / (1 + np.exp(-features @ coefficients))
    print(f"{len(rows)} phrases; weights: {coefficients.round(2)}")
    for tenth in range(10):
        in_tenth = np.floor(10 * likelihoods) == tenth
        if in_tenth.any():
            print(f"{tenth / 10}: {in_tenth.sum():4d} phrases, {right[in_tenth].mean():.2f} right")


async def _rows(catalog: Catalog, unrelated: set[str], embedder: Embedder) -> AsyncIterator[Row]:
    names = embeddable(catalog)
    meanings: Mapping[str, Target | None] = {**dict(_synonyms(catalog)), **dict.fromkeys(sorted(unrelated))}
    name_vectors = await embedder.embed(tuple(names))
    phrase_vectors = await embedder.embed(tuple(meanings))
    for (phrase, target), cosines in zip(meanings.items(), phrase_vectors @ name_vectors.T, strict=True):
        others = [(cosine, names[name]) for name, cosine in zip(names, cosines, strict=True) if name != phrase]
        others.sort(key=lambda pair: -pair[0])
        cosine, best = others[0]
        rival = next((cosine for cosine, targets in others if not set(targets) & set(best)), 0.0)
        yield cosine, cosine - rival, target in best


def _synonyms(catalog: Catalog) -> Iterator[tuple[str, Target]]:
    for field in catalog.fields:
        yield from ((synonym, FieldTarget(field)) for synonym in field.synonyms)
        for value in field.values:
            yield from ((synonym, ValueTarget(field, value.value)) for synonym in value.synonyms)


def _fit(features: NDArray[Any], right: NDArray[Any]) -> NDArray[Any]:
    """Logistic regression by Newton's method."""
    weights = np.zeros(features.shape[1])
    for _ in range(100):
        likelihoods = 1 / (1 + np.exp(-features @ weights))
        curvature = (features.T * (likelihoods * (1 - likelihoods))) @ features + 0.01 * np.eye(len(weights))
        weights -= np.linalg.solve(curvature, features.T @ (likelihoods - right) + 0.01 * weights)
    return weights


if __name__ == "__main__":
    asyncio.run(main())
