"""The names of a field's values by their words and by their spelling, for retrieving those that a text may mean."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import log

import numpy as np
from rapidfuzz import fuzz, process

from nlp2filters.core.catalog import Field
from nlp2filters.core.languages import Language
from nlp2filters.core.words import fold

# Of each way to find values, at most this many are returned.
MAX_BEST = 40
# Phrases of up to this many words are compared with the spelling of values, and at most this many phrases.
MAX_WORDS, MAX_PHRASES = 4, 60
# Phrases with fewer letters resemble too much.
MIN_LETTERS = 4
# A value, or a word of one, must be spelled at least this alike, in percent.
MIN_SPELLING, MIN_WORD_SPELLING = 75, 80


@dataclass(frozen=True, eq=False)
class ValueIndex:
    """The names of a field's values by their words and by their spelling: a value may have several names."""

    language: Language
    values: Sequence[str]
    names: Sequence[str]
    stems: Sequence[frozenset[str]]
    by_stem: Mapping[str, Sequence[int]]

    @classmethod
    def of(cls, field: Field, language: Language) -> "ValueIndex":
        """Build the index of a field's values."""
        pairs = [(value.value, fold(name)) for value in field.values for name in (value.value, *value.synonyms)]
        stems = [frozenset(token.stem for token in language.tokenize(name)) for _, name in pairs]
        by_stem: dict[str, list[int]] = defaultdict(list)
        for at, words in enumerate(stems):
            for stem in words:
                by_stem[stem].append(at)
        return cls(language, [value for value, _ in pairs], [name for _, name in pairs], stems, by_stem)

    def by_words(self, text: str) -> list[str]:
        """Return the values that share words with the text: those with most of their words in it, rare ones first."""
        scores: Counter[int] = Counter()
        for stem in {token.stem for token in self.language.tokenize(text)}:
            for word, likeness in self._similar(stem):
                places = self.by_stem[word]
                weight = likeness * log(1 + len(self.names) / len(places))
                for at in places:
                    scores[at] += weight / len(self.stems[at]) ** 0.5
        return self._best(scores.items())

    def _similar(self, stem: str) -> Iterator[tuple[str, float]]:
        """Yield the words of the values that a word of the text is, or else that it misspells, with their likeness."""
        if stem in self.by_stem:
            yield stem, 1.0
        elif len(stem) >= MIN_LETTERS:
            similar = process.extract(stem, self._words, scorer=fuzz.ratio, score_cutoff=MIN_WORD_SPELLING, limit=3)
            yield from ((word, score / 100) for word, score, _ in similar)

    @cached_property
    def _words(self) -> Sequence[str]:
        return list(self.by_stem)

    def by_spelling(self, text: str) -> list[str]:
        """Return the values whose spelling is like that of a few words of the text."""
        phrases = _phrases([fold(token.text) for token in self.language.tokenize(text)])
        if not phrases:
            return []
        scores = process.cdist(phrases, self.names, scorer=fuzz.ratio, score_cutoff=MIN_SPELLING).max(axis=0)
        return self._best((int(at), float(scores[at])) for at in np.flatnonzero(scores))

    def _best(self, scores: Iterable[tuple[int, float]]) -> list[str]:
        ranked = sorted(scores, key=lambda pair: (-pair[1], len(self.names[pair[0]])))
        return list(dict.fromkeys(self.values[at] for at, _ in ranked[: 4 * MAX_BEST]))[:MAX_BEST]


def _phrases(words: Sequence[str]) -> list[str]:
    """Return the groups of up to `MAX_WORDS` words with enough letters."""
    groups = (
        " ".join(words[start : start + length])
        for start in range(len(words))
        for length in range(1, min(MAX_WORDS, len(words) - start) + 1)
    )
    return [group for group in dict.fromkeys(groups) if len(group) >= MIN_LETTERS][:MAX_PHRASES]
