"""The tokens of a text as the parser looks them up: compound words split, and spelled as the catalog spells them.

Only languages whose file has such tables need this; the tokens of the others stay as they are.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from nlp2filters.core.linking import AdjectiveTarget, Candidate, FieldTarget, Lexicon, NounTarget, Target, ValueTarget
from nlp2filters.core.words import Token, fold, stem

# The parts of a compound have at least this many letters: "Sport" has nothing to do with "Ort".
SHORTEST_FIRST, SHORTEST_LAST = 3, 4
# A longer word is not split.
MAX_LENGTH = 48
# The vocabularies of this many catalogs are kept.
LEXICONS = 64


def tokenize(text: str, lexicon: Lexicon) -> list[Token]:
    """Split a text into tokens whose words are those of the catalog, where a compound or a spelling hides them."""
    tokens = lexicon.language.tokenize(text)
    if not lexicon.language.compounds.linking:
        return tokens
    vocabulary = _vocabulary(lexicon)
    return [part for token in tokens for part in vocabulary.parts(token)]


@lru_cache(maxsize=LEXICONS)
def _vocabulary(lexicon: Lexicon) -> "_Vocabulary":
    index = lexicon.phrases
    words = {word for phrases in (index.by_norms, index.by_stems) for phrase in phrases for word in phrase}
    return _Vocabulary(lexicon, lexicon.language.vocabulary.union(words), _parts_of_names(lexicon))


def _parts_of_names(lexicon: Lexicon) -> Mapping[str, str]:
    """Return the first and last parts of names that are one word, of those that belong to one field only."""
    names: dict[str, str] = {}
    owners: dict[str, set[str]] = defaultdict(set)
    for (name, *more), candidates in lexicon.phrases.by_norms.items():
        fields = {c.target.field.name for c in candidates if isinstance(c.target, FieldTarget)}
        if more or not fields:
            continue
        ends = {name[cut:] for cut in range(SHORTEST_FIRST, len(name) - SHORTEST_LAST + 1)}
        starts = {name[:cut] for cut in range(SHORTEST_LAST, len(name) - SHORTEST_FIRST + 1)}
        for part in ends | starts:
            names.setdefault(part, name)
            owners[part] |= fields
    return {part: name for part, name in names.items() if len(owners[part]) == 1}


@dataclass(frozen=True, eq=False)
class _Vocabulary:
    """The `words` that a language and a catalog know, and the field names that `parts_of_names` are parts of."""

    lexicon: Lexicon
    words: frozenset[str]
    parts_of_names: Mapping[str, str]

    def parts(self, token: Token) -> Iterable[Token]:
        """Return the tokens that a token stands for; itself, if it is known or nothing is known about its parts."""
        if token.kind != "word" or self._knows(token.norm) or len(token.norm) > MAX_LENGTH:
            return (token,)
        plain = self._plain(token.norm)
        singulars = (plain.removesuffix(ending) for ending in self.lexicon.language.plural_endings)
        if word := next(filter(self._knows, (plain, *singulars)), None):
            return (self._as(token, word),)
        if parts := next(self._compounds(token), None):
            return parts
        # "Miete" is short for the only field "Kaltmiete".
        name = self.parts_of_names.get(plain)
        return (self._as(token, name),) if name else (token,)

    def _knows(self, word: str) -> bool:
        language = self.lexicon.language
        return word in self.words or stem(word, language.stemmer) in self.words or language.number(word) is not None

    def _plain(self, word: str) -> str:
        """Return the word without the digraphs that stand for an accented letter: "gruen", "Koeln"."""
        for digraph, letter in self.lexicon.language.compounds.digraphs.items():
            word = word.replace(digraph, letter)
        return word

    def _as(self, token: Token, norm: str) -> Token:
        return replace(token, norm=norm, stem=stem(norm, self.lexicon.language.stemmer))

    def _compounds(self, token: Token) -> Iterator[tuple[Token, ...]]:
        """Yield the readings of a compound, the longest last part first.

        "Altbauwohnung" is an "Altbau" and a "Wohnung". What else comes before a field or the records only describes
        them: "Kaufpreis" is a "Preis".
        """
        for cut in range(SHORTEST_FIRST, len(token.text) - SHORTEST_LAST + 1):
            last = self._plain(fold(token.text[cut:]))
            targets = self._targets(last)
            if not targets:
                continue
            firsts = list(self._without_linking(self._plain(fold(token.text[:cut]))))
            first = next((first for first in firsts if any(map(_has_content, self._targets(first)))), None)
            middle = token.start + cut
            if first:
                yield (
                    replace(self._as(token, first), text=token.text[:cut], end=middle),
                    replace(self._as(token, last), text=token.text[cut:], start=middle),
                )
            elif all(isinstance(target, FieldTarget) for target in targets) or (
                any(isinstance(target, NounTarget) for target in targets) and any(map(self._knows, firsts))
            ):
                yield (self._as(token, last),)

    def _without_linking(self, first: str) -> Iterator[str]:
        """Yield the first part without what joins it to the next: the "s" of "Verkaufspreis"."""
        for linking in self.lexicon.language.compounds.linking:
            if first.endswith(linking) and len(first) - len(linking) >= SHORTEST_FIRST:
                yield first.removesuffix(linking)

    def _targets(self, word: str) -> tuple[Target, ...]:
        index, stems = self.lexicon.phrases, (stem(word, self.lexicon.language.stemmer),)
        candidates: tuple[Candidate, ...] = index.by_norms.get((word,)) or index.by_stems.get(stems) or ()
        return tuple(candidate.target for candidate in candidates)


def _has_content(target: Target) -> bool:
    """Return whether words with the meaning are a condition by themselves: a value, a boolean field, an adjective."""
    is_flag = isinstance(target, FieldTarget) and target.field.type == "boolean"
    return is_flag or isinstance(target, ValueTarget | AdjectiveTarget)
