"""The words of a language that point to an open value, with the field that each means in one catalog."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from nlp2filters.core import field_words
from nlp2filters.core.catalog import Field
from nlp2filters.core.languages import Language
from nlp2filters.core.linking import Lexicon
from nlp2filters.core.words import stem


@dataclass(frozen=True, slots=True)
class Cues:
    """The fields of the titles, categories and languages, and the fields that cues belong to.

    `before` are cues before a value ("written by"), by the first word, the longest phrase first; `behind` are cues
    after it ("what has stanley kubrick directed").
    """

    title: Field | None
    category: Field | None
    language: Field | None
    before: Mapping[str, Sequence[tuple[tuple[str, ...], Field]]]
    behind: Sequence[tuple[str, Field]]

    def field_behind(self, words: str) -> Field | None:
        """Return the field of the cue with which these words begin."""
        return next((field for phrase, field in self.behind if f"{words} ".startswith(f"{phrase} ")), None)


@lru_cache(maxsize=256)
def cues_of(lexicon: Lexicon) -> Cues:
    """Find the fields of a catalog that the cues of its language belong to."""
    names, fields = lexicon.language.names, _OpenFields.of(lexicon)
    before: defaultdict[str, list[tuple[tuple[str, ...], Field]]] = defaultdict(list)
    behind: list[tuple[str, Field]] = []
    for cue in names.cues:
        if field := fields.called(cue.fields):
            for phrase in cue.phrases:
                words = tuple(phrase.split())
                before[words[0]].append((words, field))
            behind += [(phrase, field) for phrase in cue.behind]
    return Cues(
        title=fields.called(names.roles.title, described=False),
        category=fields.called(names.roles.kind),
        language=fields.called(names.roles.language),
        before={first: sorted(cues, key=lambda cue: -len(cue[0])) for first, cues in before.items()},
        behind=behind,
    )


@dataclass(frozen=True, slots=True)
class _OpenFields:
    """The first open field with each stem in its names, and the first with it in its names or description."""

    language: Language
    by_name: Mapping[str, Field]
    by_description: Mapping[str, Field]

    @classmethod
    def of(cls, lexicon: Lexicon) -> "_OpenFields":
        language = lexicon.language
        by_name: dict[str, Field] = {}
        by_description: dict[str, Field] = {}
        for field in lexicon.catalog.fields:
            if not field.is_open:
                continue
            for word in field_words.stems_of_names(field, language):
                by_name.setdefault(word, field)
                by_description.setdefault(word, field)
            for word in field_words.stems_of_description(field, language):
                by_description.setdefault(word, field)
        return cls(language, by_name, by_description)

    def called(self, nouns: Sequence[str], *, described: bool = True) -> Field | None:
        """Return the first open field that is called, or `described`, by one of the nouns; earlier nouns first."""
        for noun in nouns:
            word = stem(noun, self.language.stemmer)
            for fields in (self.by_name, self.by_description) if described else (self.by_name,):
                if word in fields:
                    return fields[word]
        return None
