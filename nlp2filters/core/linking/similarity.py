"""Similarity: the fields and values that words mean, by the cosine of embeddings."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nlp2filters.core.catalog import Field
from nlp2filters.core.linking.lexicon import Lexicon
from nlp2filters.core.linking.matching import MAX_CANDIDATES
from nlp2filters.core.linking.targets import Candidate, Target
from nlp2filters.core.words import Token

# A phrase has at most this many words.
MAX_PHRASE = 3
# At most this many phrases of a text are embedded.
MAX_PHRASES = 200
# At most this many names are compared for the nearest one and its rival.
MAX_NEAREST = 20
# A meaning found by embedding must be at least this likely.
MIN_LIKELIHOOD = 0.75
# A greater difference between two cosines makes the nearer name no likelier.
MOST_MARGIN = 0.3
# Words that are tagged as a value of a field must be at least this near to a known one (cosine).
MIN_NEAR = 0.3

# The cosines of another model are rescaled by those between so many of a catalog's names: fewer tell too little.
MIN_RESCALED = 8
MAX_RESCALED = 400

Similar = Mapping[str, tuple[Candidate, ...]]


def phrases(unknown: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """Return the word groups worth embedding: up to three words of each run of words that nothing explains."""
    groups: dict[str, None] = {}
    for run in unknown:
        for start in range(len(run)):
            for length in range(1, min(MAX_PHRASE, len(run) - start) + 1):
                groups[" ".join(run[start : start + length])] = None
    return tuple(groups)[:MAX_PHRASES]


def phrase_of(tokens: Sequence[Token]) -> str:
    """Return tokens as the key of `Similar`."""
    return " ".join(token.norm for token in tokens)


@dataclass(frozen=True, eq=False)
class Nearness:
    """The similarity of phrases of a text to the names of a catalog, as cosines of their embeddings.

    `phrases` are the rows of `cosines`, shape (phrases, lexicon.names).
    """

    lexicon: Lexicon
    phrases: Mapping[str, int]
    cosines: NDArray[Any]

    @classmethod
    def of(
        cls,
        phrases: Sequence[str],
        vectors: NDArray[Any],
        name_vectors: NDArray[Any],
        lexicon: Lexicon,
        *,
        like: NDArray[Any] | None = None,
    ) -> "Nearness":
        """Compare phrases to names. `vectors` has a unit row per phrase, `name_vectors` one per `lexicon.names`.

        If both are of another model than `MODEL`, whose vectors of the names are `like`, the cosines are rescaled.
        """
        cosines = vectors @ name_vectors.T
        if like is not None:
            cosines = _rescaled(cosines, name_vectors, like)
        return cls(lexicon, {phrase: row for row, phrase in enumerate(phrases)}, cosines)

    @cached_property
    def clear(self) -> Similar:
        """The meanings of phrases that are clear without context.

        The confidence is how often a name so near, and so much nearer than that of any other target, is the right one.
        """
        return dict(self._clear_meanings()) if self.lexicon.names else {}

    def _clear_meanings(self) -> Iterator[tuple[str, tuple[Candidate, ...]]]:
        for phrase, row in self.phrases.items():
            targets, likelihood = self._nearest(self.cosines[row])
            if likelihood >= MIN_LIKELIHOOD:
                confidence = round(likelihood / len(targets), 3)
                yield phrase, tuple(Candidate(target, confidence, "embedding") for target in targets)

    def _nearest(self, cosines: NDArray[Any]) -> tuple[Sequence[Target], float]:
        """Return the targets of the nearest name, and the likelihood that they are meant."""
        nearest = np.argpartition(-cosines, min(MAX_NEAREST, len(cosines) - 1))[:MAX_NEAREST]
        first, *others = nearest[np.argsort(-cosines[nearest])]
        targets = self._targets(first)
        rival = next((cosines[at] for at in others if set(targets).isdisjoint(self._targets(at))), 0.0)
        return targets, _likelihood(float(cosines[first]), float(cosines[first] - rival))

    def _targets(self, name: int) -> Sequence[Target]:
        return self.lexicon.targets[name][:MAX_CANDIDATES]

    def value(self, of: Field, phrase: str) -> Candidate | None:
        """Return the known value of the field that is nearest to a phrase, if it is near enough."""
        row, values = self.phrases.get(phrase), self.lexicon.values_of.get(of.name)
        if row is None or not values:
            return None
        places, targets = values
        cosines = self.cosines[row, places]
        nearest = int(cosines.argmax())
        cosine = float(cosines[nearest])
        return Candidate(targets[nearest], min(1.0, cosine), "embedding") if cosine >= MIN_NEAR else None


def _rescaled(cosines: NDArray[Any], names: NDArray[Any], like: NDArray[Any]) -> NDArray[Any]:
    """Rescale the cosines of one model to those of another, for which the thresholds hold.

    Models differ in how near unrelated words are: 0.1 in one, 0.7 in another. Afterwards, the names of the catalog are
    as near to each other as in the other model, in mean and in spread.
    """
    if len(names) < MIN_RESCALED:
        return cosines
    step = -(-len(names) // MAX_RESCALED)
    own, others = _between(names[::step]), _between(like[::step])
    rescaled = (cosines - own.mean()) * (others.std() / max(float(own.std()), 1e-6)) + others.mean()
    return np.asarray(rescaled.clip(-1.0, 1.0))


def _between(vectors: NDArray[Any]) -> NDArray[Any]:
    """Return the cosines between different vectors."""
    return np.asarray((vectors @ vectors.T)[~np.eye(len(vectors), dtype=bool)])


def _likelihood(cosine: float, margin: float) -> float:
    """Estimate how likely the nearest name is the right one, by the fit of `tools/calibrate_linking.py`."""
    return 1 / (1 + math.exp(4.31 - 5.24 * cosine - 11.0 * min(margin, MOST_MARGIN)))
