"""The context in which rules look for open values: the words of a sentence, and the borders between them."""

from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass, field
from functools import cached_property

from nlp2filters.core.catalog import Field
from nlp2filters.core.languages.tables import Names
from nlp2filters.core.linking import FieldTarget
from nlp2filters.core.parser.open_values.cues import Cues, cues_of
from nlp2filters.core.parser.sentence import Sentence
from nlp2filters.core.words import fold

# An open value has at most this many chunks.
MAX_LENGTH = 14
# At most this many chunks separate a border from the field, noun or question that makes it one.
MAX_DISTANCE = 4
# A sentence asks for something by one of its first words, up to this many.
MAX_QUESTION_START = 4


@dataclass(frozen=True, slots=True)
class OpenValue:
    """A value that no list holds, and the chunks `start` to `end` (exclusive) that say it and its field."""

    start: int
    end: int
    text: str
    field: Field
    confidence: float


@dataclass
class Context:
    """A text on its way to open values. `values` are those recognized so far, `occupied` the places of their chunks."""

    sentence: Sentence
    values: list[OpenValue] = field(default_factory=list)
    occupied: set[int] = field(default_factory=set)

    def add(self, value: OpenValue) -> None:
        """Add a value, so that no other one uses its chunks."""
        self.values.append(value)
        self.occupied.update(range(value.start, value.end))

    def value(
        self, words: range, of: Field, confidence: float, *, start: int | None = None, end: int | None = None
    ) -> OpenValue | None:
        """Return the chunks `words` as a value of a field; None if one is quoted, or belongs to another value.

        `start` and `end` (exclusive) are given if chunks before or after it belong to it as well, such as its field.
        """
        start = words.start if start is None else start
        places = range(start, words.stop)
        if not words or any(at in self.occupied or self.sentence.chunks[at].quoted for at in places):
            return None
        if len(words) == 1 and self.sentence.role(words.start, "unknown") and not self.is_capitalized(words.start):
            # "grower unknown" names no grower.
            return None
        text = self.sentence.text_of(words.start, words.stop)
        if "\0" in text:
            return None
        return OpenValue(start, words.stop if end is None else end, text, of, confidence)

    # Words

    @cached_property
    def names(self) -> Names:
        """The words of the language that stand around open values."""
        return self.sentence.language.names

    @cached_property
    def cues(self) -> Cues:
        """The cues of the language, with the catalog's field of each."""
        return cues_of(self.sentence.lexicon)

    @cached_property
    def lower(self) -> Sequence[str]:
        """The folded words of each chunk."""
        return [fold(text) for text in self.sentence.texts]

    def is_one_of(self, at: int, words: Set[str]) -> bool:
        """Return whether there is a chunk at the place, and it is one of these words."""
        return 0 <= at < len(self.lower) and self.lower[at] in words

    def is_unknown(self, at: int) -> bool:
        """Return whether nothing is known about the chunk at a place of the sentence."""
        return self.sentence.chunks[at].is_unknown and not self._compares(at)

    def _compares(self, at: int) -> bool:
        """Return whether the chunk is part of a comparison: "shorter than"."""
        word = fold(self.sentence.texts[at])
        return word in self.sentence.language.comparatives and self.sentence.role(at + 1, "than") is not None

    def has_meaning(self, at: int) -> bool:
        """Return whether the chunk means something by itself, whatever is beside it."""
        chunk = self.sentence.chunks[at]
        return bool(
            chunk.candidates or chunk.period or (chunk.quantity and chunk.quantity.units) or chunk.role("junction")
        )

    def ends_sentence(self, at: int) -> bool:
        """Return whether a sentence ends between this chunk and the next."""
        if at + 1 >= len(self.sentence.chunks):
            return True
        mark = self.sentence.gap(at).lstrip()[:1]
        # The initials in "J. K." do not end a sentence.
        return mark in {"?", "!"} or (mark == "." and len(self.lower[at]) > 1)

    @cached_property
    def is_question(self) -> bool:
        """True if the text asks for something that a title may specify."""
        return any(self.is_one_of(at, self.names.questions) for at in range(MAX_QUESTION_START))

    # Capitals

    @cached_property
    def has_capitals(self) -> bool:
        """True if the writer uses capitals, so that names have them."""
        return self.sentence.text != self.sentence.text.lower()

    def is_capitalized(self, at: int) -> bool:
        """Return whether the chunk has a capital that does not just begin a sentence."""
        begins = at == 0 or self.ends_sentence(at - 1)
        return self.sentence.texts[at][:1].isupper() and not begins

    def is_acronym(self, at: int) -> bool:
        """Return whether the chunk is in capitals alone, like "US", which may mean something else otherwise."""
        return self.sentence.texts[at].isupper() and len(self.lower[at]) > 1

    def looks_like_name(self, words: range) -> bool:
        """Return whether words of which nothing but their place tells that they are a name look like one."""
        first, names = words.start, self.names
        if (
            self.is_one_of(first, names.pronouns)
            or self.is_one_of(first, names.indefinite)
            or self.is_one_of(first - 1, names.indefinite)
        ):
            return False
        return not self.has_capitals or any(map(self.is_capitalized, words))

    # Fields and cues

    @cached_property
    def _fields(self) -> Sequence[Sequence[Field]]:
        """The fields that each chunk may name."""
        return [list(self._named(at)) for at in range(len(self.sentence.chunks))]

    def _named(self, at: int) -> Iterator[Field]:
        for field_, candidate in self.sentence.fields(at):
            # "Unassigned" says all about the assignee.
            if not (isinstance(candidate.target, FieldTarget) and candidate.target.stated):
                yield field_

    def names_field(self, at: int) -> bool:
        """Return whether the chunk may name a field."""
        return 0 <= at < len(self._fields) and bool(self._fields[at])

    def free_open_field(self, at: int) -> Field | None:
        """Return the open field that the chunk names, if it may be the field of a value beside it."""
        if at in self.occupied or at in self._requested:
            return None
        return next((of for of in self._fields[at] if of.is_open), None)

    def is_requested(self, at: int) -> bool:
        """Return whether the chunk names a field whose value is asked for: "what is the author of …"."""
        return at in self._requested

    @cached_property
    def _requested(self) -> Set[int]:
        return frozenset(
            at for at in range(len(self.sentence.chunks)) if self.names_field(at) and self._follows_question(at)
        )

    def _follows_question(self, at: int) -> bool:
        """Return whether a question comes before the chunk, with nothing but words such as "the" between."""
        question = self._places_before[at]
        if not self.is_one_of(question, self.names.questions) or self.ends_sentence(question):
            return False
        begins = question == 0 or self.ends_sentence(question - 1)
        return begins or not self.is_one_of(question, self.names.subordinators)

    @cached_property
    def _places_before(self) -> Sequence[int]:
        """The place before each chunk and before words such as "the" between a question and a field."""
        places: list[int] = []
        for at in range(len(self.sentence.chunks)):
            before = at - 1
            skips = before >= 0 and self.is_one_of(before, self.names.between) and not self.ends_sentence(before)
            places.append(places[before] if skips else before)
        return places

    def cue(self, at: int) -> tuple[int, Field] | None:
        """Return the end (exclusive) of the cue that begins at the chunk, and its field; something must follow."""
        return self._cues[at]

    @cached_property
    def _cues(self) -> Sequence[tuple[int, Field] | None]:
        return [self._cue(at) for at in range(len(self.sentence.chunks))]

    def _cue(self, at: int) -> tuple[int, Field] | None:
        words = self.lower[at].split()
        for phrase, of in self.cues.before.get(words[0], ()) if words else ():
            following, end = words, at + 1
            while len(following) < len(phrase) and end < len(self.lower):
                following, end = [*following, *self.lower[end].split()], end + 1
            if tuple(following) == phrase and end < len(self.lower):
                return end, of
        return None

    # Borders

    def words_from(self, start: int, *, strict: bool = False) -> range:
        """Return the places of a value that begins at `start`.

        If `strict`, it also ends before anything that has a meaning of its own.
        """
        end, last = start, min(start + MAX_LENGTH, len(self.sentence.chunks))
        while end < last and (end == start or not self._ends_value(end, strict=strict)):
            end += 1
        while end > start + 1 and self._dangles(start, end - 1):
            end -= 1
        return range(start, end)

    def _ends_value(self, at: int, *, strict: bool) -> bool:
        return self.ends_sentence(at - 1) or self.is_border(at) or (strict and self.has_meaning(at))

    def words_before(self, end: int) -> range:
        """Return the places of a value that ends before `end`, back to a chunk that cannot be in it."""
        start = end
        while start and end - start < MAX_LENGTH and start - 1 not in self.occupied and not self._stops(start - 1):
            start -= 1
        return range(start, end)

    def _stops(self, at: int) -> bool:
        names = self.names
        return (
            self.ends_sentence(at)
            or any(self.is_one_of(at, words) for words in (names.openers, names.articles, names.questions, names.links))
            or self.names_field(at)
            or self.sentence.is_noun(at)
        )

    def _dangles(self, start: int, at: int) -> bool:
        """Return whether a word at the end of a value belongs to what follows."""
        if self.lower[at] == ")":
            return "(" not in self.lower[start:at]
        return any(self.is_one_of(at, words) for words in (self.names.openers, self.names.articles, self.names.loose))

    def is_border(self, at: int) -> bool:
        """Return whether something new begins at the chunk."""
        if self._asks_after_break(at) or (at not in self.occupied and self.cue(at)):
            return True
        if self.names_field(at) and (
            self.is_one_of(at + 1, self.names.equals) or self.sentence.role(at + 1, "comparator")
        ):
            return True
        chunk = self.sentence.chunks[at]
        if chunk.role("comparator"):
            return self.sentence.is_value(at + 1) or self._opens_part(at)
        return bool(self.is_one_of(at, self.names.openers) or chunk.role("junction")) and self._opens_part(at)

    def _asks_after_break(self, at: int) -> bool:
        """Return whether a question begins at the chunk: ", who"."""
        return self.is_one_of(at, self.names.questions) and self.is_one_of(at - 1, self.names.breaks)

    def _opens_part(self, at: int) -> bool:
        """Return whether a field, a comparison, a noun or a question comes soon after a word such as "and"."""
        for place in range(at + 1, min(at + 1 + MAX_DISTANCE, len(self.sentence.chunks))):
            chunk = self.sentence.chunks[place]
            if self.names_field(place) or chunk.role("comparator") or self.sentence.is_noun(place):
                return True
            if self._asks_after_break(place):
                return True
            if chunk.is_unknown and place > at + 1 and not self.is_one_of(place, self.names.openers):
                return False
        return False
