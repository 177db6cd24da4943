"""Names: values that no list holds, such as titles, people and places, cut out of the text at the right borders.

A run of items is a name if something beside it says which field it belongs to: the field itself ("author is Jane
Austen", "Jane Austen as author"), a cue of the language ("written by"), the noun of the records ("mexican
restaurants"), or the question ("who directed Heat?"). Only string fields whose values are not all known take names.
"""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from nlp2filters.core.catalog import STRINGS, Field
from nlp2filters.core.languages import Language
from nlp2filters.core.linking import Lexicon
from nlp2filters.core.parser.row import Row
from nlp2filters.core.parser.scan import Item, Name
from nlp2filters.core.words import fold, spaced, stem

# A name has at most this many items.
LONGEST = 14
# At most this many items separate a border from what makes it one.
NEAR = 4

_ASIDE = re.compile(r"\([^()]*\)")
_SURE, _CUED, _GUESSED = 0.85, 0.7, 0.55


def merge(row: Row) -> list[Item]:
    """Return the items of the row, with those of each name merged into one."""
    if not any(is_open(field) for field in row.catalog.fields):
        return list(row.items)
    found = _Names(row).find()
    items, at = [], 0
    while at < len(row.items):
        if at in found:
            end, name = found[at]
            items.append(Item(row.items[at].start, row.items[end - 1].end, name=name))
            at = end
        else:
            items.append(row.items[at])
            at += 1
    return items


def is_open(field: Field) -> bool:
    """Return whether the field takes values that the catalog does not list."""
    return field.type in STRINGS and not field.closed and not field.values


@dataclass(frozen=True, slots=True)
class _Plan:
    """The language's roles and cues in one catalog. `cues`: by the first word, the longest phrase first."""

    title: Field | None
    kind: Field | None
    language: Field | None
    deeds: Sequence[tuple[str, Field]]
    cues: Mapping[str, Sequence[tuple[tuple[str, ...], Field]]]
    said: Mapping[str, frozenset[str]]


@lru_cache(maxsize=256)
def _plan(lexicon: Lexicon) -> _Plan:
    language, fields = lexicon.language, _Called.by(lexicon)
    cues: defaultdict[str, list[tuple[tuple[str, ...], Field]]] = defaultdict(list)
    for cue in language.names.cues:
        if field := fields.field(cue.fields):
            for phrase in cue.phrases:
                words = tuple(phrase.split())
                cues[words[0]].append((words, field))
    deeds = [
        (phrase, field) for cue in language.names.cues for phrase in cue.behind if (field := fields.field(cue.fields))
    ]
    return _Plan(
        deeds=deeds,
        title=fields.field(language.names.roles.title, described=False),
        kind=fields.field(language.names.roles.kind),
        language=fields.field(language.names.roles.language),
        cues={first: sorted(found, key=lambda pair: -len(pair[0])) for first, found in cues.items()},
        said=vars(language.names),
    )


@dataclass
class _Names:
    """The names of a row: by the item where each begins, its end (exclusive) and its field."""

    row: Row

    def find(self) -> dict[int, tuple[int, Name]]:
        self.found: dict[int, tuple[int, Name]] = {}
        self.taken: set[int] = set()
        self._languages()
        at = 0
        while at < len(self.row.items):
            at = self._behind_field(at) or self._cued(at) or at + 1
        for at in range(len(self.row.items)):
            self._before_field(at)
        self._kinds()
        self._titles()
        return self.found

    # the language's words

    @cached_property
    def _plan(self) -> _Plan:
        return _plan(self.row.lexicon)

    @property
    def _said(self) -> Mapping[str, frozenset[str]]:
        return self._plan.said

    @cached_property
    def _lower(self) -> list[str]:
        return [fold(text) for text in self.row.texts]

    def _is(self, at: int, kind: str) -> bool:
        return 0 <= at < len(self._lower) and self._lower[at] in self._said[kind]

    def _sentence_ends(self, at: int) -> bool:
        """Return whether a sentence ends between this item and the next."""
        if at + 1 >= len(self.row.items):
            return True
        mark = self.row.gap(at).lstrip()[:1]
        # The initials in "J. K." do not end a sentence.
        return mark in {"?", "!"} or (mark == "." and len(self._lower[at]) > 1)

    @cached_property
    def _questioned(self) -> bool:
        """True if the text asks for something that a name may specify."""
        return any(self._is(at, "questions") for at in range(min(len(self._lower), 4)))

    @cached_property
    def _cased(self) -> bool:
        """True if the writer uses capitals, so that names have them."""
        return self.row.text != self.row.text.lower()

    def _may_be_name(self, start: int, end: int) -> bool:
        """Return whether words that are only guessed to be a name look like one."""
        if (
            self._is(start, "pronouns")
            or (start and self._is(start - 1, "indefinite"))
            or self._is(start, "indefinite")
        ):
            return False
        return not self._cased or any(self._capital(place) for place in range(start, end))

    def _capital(self, at: int) -> bool:
        """Return whether the item has a capital that does not just begin a sentence."""
        first = at == 0 or self._sentence_ends(at - 1)
        return self.row.texts[at][:1].isupper() and not first

    # fields

    @cached_property
    def _before_between(self) -> list[int]:
        """The place before each item and before words such as "the" between a question and a field."""
        found: list[int] = []
        for at in range(len(self.row.items)):
            before = at - 1
            skips = before >= 0 and self._is(before, "between") and not self._sentence_ends(before)
            found.append(found[before] if skips else before)
        return found

    @cached_property
    def _asked(self) -> frozenset[int]:
        """The places of fields that are named because their value is wanted: "what is the author of …"."""
        asked = set()
        for at in range(len(self.row.items)):
            if not self._names_field(at):
                continue
            before = self._before_between[at]
            if before < 0 or not self._is(before, "questions") or self._sentence_ends(before):
                continue
            begins = before == 0 or self._sentence_ends(before - 1)
            if begins or not self._is(before, "subordinators"):
                asked.add(at)
        return frozenset(asked)

    def _names_field(self, at: int) -> bool:
        return any(True for _ in self.row.fields(at))

    def _open_field(self, at: int) -> Field | None:
        return next((field for field, _ in self.row.fields(at) if is_open(field)), None)

    # names beside a field

    def _behind_field(self, at: int) -> int | None:
        """Read "author is jane austen", "week of week 13", "author jane austen"."""
        field = self._open_field(at)
        if not field or at in self.taken:
            return None
        start, linked = at + 1, False
        while self._is(start, "links") and not self._sentence_ends(start - 1):
            start, linked = start + 1, True
        if at in self._asked and not (
            linked and self._lower[start - 1] in self._said["equals"] and not self._is(start - 1, "of")
        ):
            return None
        if at in self._asked or self._sentence_ends(start - 1):
            return None
        if (not linked and self.row.is_noun(at)) or self.row.says(start, "contains"):
            return None
        if not linked and (
            self._is(start, "openers") or self._names_field(start) or self.row.items[start].says("comparator")
        ):
            return None
        if self._is(start, "openers") and not linked:
            return None
        end = self._end(start, strict=not linked)
        if not linked and not self._may_be_name(start, end):
            return None
        return self._name(at, start, end, field, _SURE if linked else _CUED)

    def _before_field(self, at: int) -> None:
        """Read "surveying as the type", "a nose tackle position"."""
        field = self._open_field(at)
        if not field or at in self.taken or at in self._asked:
            return
        end = at
        while end and at - end < NEAR and (self._is(end - 1, "articles") or self._is(end - 1, "as_kind")):
            end -= 1
        as_ = any(self._is(place, "as_kind") for place in range(end, at))
        start = end
        while start and end - start < LONGEST and start - 1 not in self.taken and not self._stops(start - 1):
            start -= 1
        if (
            start == end
            or not start
            or not (as_ or (end == at and self._is(start - 1, "articles") and end - start <= 5))
        ):
            return
        if not as_ and not all(self.row.items[place].is_word for place in range(start, end)):
            return
        self._name(start, start, end, field, _CUED, behind=at + 1)

    def _stops(self, at: int) -> bool:
        return (
            self._sentence_ends(at)
            or self._is(at, "openers")
            or self._is(at, "articles")
            or self._is(at, "questions")
            or self._is(at, "links")
            or self._names_field(at)
            or self.row.is_noun(at)
        )

    # names after a cue

    def _cue(self, at: int) -> tuple[int, Field] | None:
        """Return the cue at this item: where it ends, and its field."""
        words = self._lower[at].split()
        for phrase, field in self._plan.cues.get(words[0], ()) if words else ():
            said, end = words, at + 1
            while len(said) < len(phrase) and end < len(self._lower):
                said, end = [*said, *self._lower[end].split()], end + 1
            if tuple(said) == phrase and end < len(self._lower):
                return end, field
        return None

    def _cued(self, at: int) -> int | None:
        cue = self._cue(at)
        if not cue or at in self.taken or at in self._asked:
            return None
        start, field = cue
        if start >= len(self.row.items) or self._sentence_ends(start - 1):
            return None
        first = start
        while self._is(first, "articles"):
            first += 1
        item = self.row.item(first)
        if (
            item is None
            or self.row.is_noun(first)
            or self._names_field(first)
            or item.is_value
            or self._is(first, "openers")
        ):
            return None
        if item.candidates or self._is(first, "questions"):
            return None
        weak = start == at + 1 and self._is(at, "weak")
        end = self._end(start, strict=weak)
        if weak and self._part_follows(end):
            end += 2
        if weak and not self._may_be_name(first, end):
            return None
        return self._name(at, start, end, field, _CUED)

    def _part_follows(self, at: int) -> bool:
        """Return whether a comma and one more word belong to a place: "denver, colorado"."""
        comma, part = self.row.item(at), self.row.item(at + 1)
        if not comma or not part or comma.says("junction") != "," or not part.is_word:
            return False
        return self._sentence_ends(at + 1) or self._border(at + 2)

    def _languages(self) -> None:
        """Read "written in swahili": the names of languages go to the field of languages."""
        field = self._plan.language
        if field is None:
            return
        for at in range(len(self._lower)):
            if self._is(at, "languages") and not self.row.items[at].candidates:
                self._name(at, at, at + 1, field, _CUED)

    # names beside the records, or on their own

    def _kinds(self) -> None:
        """Read "mexican restaurants": the words before the noun are the kind of record."""
        field = self._plan.kind
        if not field:
            return
        for at in range(1, len(self.row.items)):
            if not self.row.is_noun(at) or at in self.taken:
                continue
            start = at
            while start and start - 1 not in self.taken and self.row.items[start - 1].is_word and at - start < 3:
                start -= 1
            if start < at and not self._sentence_ends(at - 1) and not self._is(start, "pronouns"):
                self._name(start, start, at, field, _GUESSED)

    def _titles(self) -> None:
        """Read what is left over as the name of a record: "find burger king", "who directed the goonies"."""
        field = self._plan.title
        if not field or not self._questioned or any(name.field == field.name for _, name in self.found.values()):
            return
        at = 0
        while at < len(self.row.items):
            end = at
            while end < len(self.row.items) and end not in self.taken and not self._ends_title(at, end):
                end += 1
            if end > at and any(self.row.items[place].is_word for place in range(at, end)):
                start, stop = self._trimmed(at, end)
                if start < stop and self._may_be_name(start, stop):
                    self._name(start, start, stop, self._done_by(stop) or field, _GUESSED)
                    return
            at = max(end, at + 1)

    def _done_by(self, at: int) -> Field | None:
        """Return the field of whoever did what the verb here says: "what has stanley kubrick directed"."""
        said = " ".join(self._lower[at : at + 3])
        return next((field for phrase, field in self._plan.deeds if f"{said} ".startswith(f"{phrase} ")), None)

    def _ends_title(self, start: int, at: int) -> bool:
        if at == start:
            return not self.row.items[at].is_word and not self._is(at, "articles")
        return (
            self._sentence_ends(at - 1)
            or self.row.is_noun(at)
            or self._names_field(at)
            or self._border(at)
            or (self._means(at) and not self._joins(at))
        )

    def _joins(self, at: int) -> bool:
        """Return whether a word such as "and" is inside a name."""
        following = self.row.item(at + 1)
        inner = self.row.items[at].says("junction") == "and" and at > 0 and self.row.items[at - 1].is_word
        return inner and following is not None and (following.is_word or self._is(at + 1, "articles"))

    def _trimmed(self, start: int, end: int) -> tuple[int, int]:
        """Trim words that are no part of a title from its ends: "what awards did [the good earth] win"."""
        if not self._cased:
            start = self._wanted_of(start, end)
        while start < end and (
            self._is(start, "loose")
            or self._is(start, "verbs")
            or (self._cased and not self._capital(start))
            or not (self.row.items[start].is_word or self._is(start, "articles"))
        ):
            start += 1
        while end > start and (
            self._is(end - 1, "loose")
            or self._is(end - 1, "verbs")
            or self.row.items[end - 1].skippable
            or (self._cased and not self._capital(end - 1))
        ):
            end -= 1
        if all(not self.row.items[place].is_word for place in range(start, end)):
            return start, start
        return start, end

    def _wanted_of(self, start: int, end: int) -> int:
        """Skip "the email of", "ratings for": what is wanted of a record is no part of its title."""
        if start and self.row.is_noun(start - 1):
            return start
        for at in range(start, min(start + 4, end - 1)):
            if self._is(at, "verbs"):
                return start
            if at > start and self._is(at, "wanted"):
                return at + 1
        return start

    # borders

    def _end(self, start: int, *, strict: bool = False) -> int:
        """Return where the name that begins at `start` ends.

        If `strict`, it also ends before anything that has a meaning of its own.
        """
        at = start
        while at < len(self.row.items) and at - start < LONGEST:
            if at > start and (self._sentence_ends(at - 1) or self._border(at) or (strict and self._means(at))):
                break
            at += 1
        while at > start + 1 and self._dangles(start, at - 1):
            at -= 1
        return at

    def _means(self, at: int) -> bool:
        item = self.row.items[at]
        return bool(item.candidates or item.period or (item.quantity and item.quantity.units) or item.says("junction"))

    def _dangles(self, start: int, at: int) -> bool:
        """Return whether a word at the end of a name belongs to what follows."""
        if self._lower[at] == ")":
            return not any(self._lower[place] == "(" for place in range(start, at))
        return self._is(at, "openers") or self._is(at, "articles") or self._is(at, "loose")

    def _border(self, at: int) -> bool:
        """Return whether something new begins at the item."""
        item = self.row.items[at]
        if self._is(at, "questions") and self._is(at - 1, "breaks"):
            return True
        if self._cue(at) and at not in self.taken:
            return True
        if self._names_field(at) and (self._is(at + 1, "equals") or self.row.says(at + 1, "comparator")):
            return True
        if not (self._is(at, "openers") or item.says("comparator") or item.says("junction")):
            return False
        if item.says("comparator") and self.row.is_value(at + 1):
            return True
        for place in range(at + 1, min(at + 1 + NEAR, len(self.row.items))):
            following = self.row.items[place]
            if self._names_field(place) or following.says("comparator") or self.row.is_noun(place):
                return True
            if self._is(place, "questions") and self._is(place - 1, "breaks"):
                return True
            if following.is_word and place > at + 1 and not self._is(place, "openers"):
                return False
        return False

    def _name(
        self, at: int, start: int, end: int, field: Field, confidence: float, behind: int | None = None
    ) -> int | None:
        places = range(at, end)
        if end <= start or any(place in self.taken or self.row.items[place].quoted for place in places):
            return None
        if "\0" in self.row.text_of(start, end):
            return None
        stop = behind or end
        self.taken.update(range(at, stop))
        value = self.row.text_of(start, end)
        self.found[at] = (stop, Name(field.name, value, confidence))
        return stop


@dataclass(frozen=True, slots=True)
class _Called:
    """The first open field with each stem in its name, label or synonyms, and the first with it in its description."""

    language: Language
    named: Mapping[str, Field]
    described: Mapping[str, Field]

    @classmethod
    def by(cls, lexicon: Lexicon) -> "_Called":
        """Collect the stems of a catalog's open fields."""
        named: dict[str, Field] = {}
        described: dict[str, Field] = {}
        for field in filter(is_open, lexicon.catalog.fields):
            for stems, by_description in ((named, False), (described, True)):
                for word in _stems(field, lexicon.language.stemmer, by_description):
                    stems.setdefault(word, field)
        return cls(lexicon.language, named, described)

    def field(self, nouns: Sequence[str], *, described: bool = True) -> Field | None:
        """Return the first open field that is called, or `described`, by one of the nouns; earlier nouns first."""
        for noun in nouns:
            wanted = stem(noun, self.language.stemmer)
            for stems in (self.named, self.described) if described else (self.named,):
                if wanted in stems:
                    return stems[wanted]
        return None


def _stems(field: Field, stemmer: str, described: bool) -> frozenset[str]:
    about = _ASIDE.sub("", field.description.partition(";")[0]) if described else ""
    said = " ".join((spaced(field.name), field.label, about, *field.synonyms))
    return frozenset(stem(fold(word.strip("()[],.:")), stemmer) for word in said.split())
