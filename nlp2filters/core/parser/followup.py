"""A follow-up: how a text changes the earlier filter that it refines.

Only the words for that are read here: "also", "instead", "any brand", "remove the price limit", "start over". The
parser reads the rest of the text.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from nlp2filters.core.budget import TOKEN_STEPS, Budget
from nlp2filters.core.interpretation import Span
from nlp2filters.core.languages.phrases import PhraseTable
from nlp2filters.core.linking import FieldTarget, Lexicon, Match
from nlp2filters.core.parser.cursor import TokenCursor
from nlp2filters.core.parser.tokens import tokenize

_SEPARATORS = {",", ";"}


@dataclass(slots=True)
class Followup:
    """The effects of a follow-up.

    `rest` is `text` with blanks in place of the words that were read here, so that places in both agree.
    `anew`: nothing of the earlier filter holds. `lifted` are fields whose conditions are dropped; `unordered` and
    `unlimited` say the same of order and number. Values in `additions` widen the filter; those in `replacements`
    replace what was asked of their field. `words` are the spans of all words that were read here.
    """

    text: str
    rest: str
    anew: bool = False
    lifted: set[str] = field(default_factory=set)
    unordered: bool = False
    unlimited: bool = False
    additions: dict[Span, None] = field(default_factory=dict)
    replacements: dict[Span, None] = field(default_factory=dict)
    words: list[Span] = field(default_factory=list)

    def adds(self, span: Span) -> bool:
        """Return whether the words there widen the filter."""
        return _holds(self.additions, span)

    def replaces(self, span: Span) -> bool:
        """Return whether the words there replace what was asked before."""
        return _holds(self.replacements, span)


def read(text: str, lexicon: Lexicon, budget: Budget | None = None) -> Followup:
    """Find what the text does to the earlier filter; most texts only add to it.

    Raises:
        TextTooComplex: it takes more work than the budget allows.
    """
    return _FollowupReader(text, lexicon, budget or Budget()).read()


def _holds(spans: Iterable[Span], inner: Span) -> bool:
    return any(span.start <= inner.start and inner.end <= span.end for span in spans)


class _FollowupReader:
    """One pass over the tokens of a text."""

    def __init__(self, text: str, lexicon: Lexicon, budget: Budget) -> None:
        self.budget = budget
        self.lexicon, self.language, self.phrases = lexicon, lexicon.language, lexicon.language.followup
        self.tokens = tokenize(text, lexicon)
        self.cursor = TokenCursor(self.tokens, 0, self.language)
        self.followup = Followup(text, text)

    def read(self) -> Followup:
        at = 0
        while at < len(self.tokens):
            self.budget.spend(TOKEN_STEPS)
            at = self._whole(at) or self._object(at) or self._aside(at) or at + 1
        return self.followup

    def _whole(self, at: int) -> int | None:
        """Read "start over"; return the place after it."""
        if end := self._phrase(at, self.phrases.anew):
            self.followup.anew = True
            self._take(at, end)
        return end

    def _object(self, at: int) -> int | None:
        """Read "any price", "remove the price limit", "price does not matter"; return the place after it."""
        if end := self._phrase(at, self.phrases.lift):
            return self._lift(at, self._field(end)) if not self._excepts(end) else None
        if end := self._phrase(at, self.phrases.drop):
            begin = self._determined(end)
            return self._lift(at, self._field(end)) or self._lift_rest(at, begin) or self._exclude(at, end)
        mention = self._field(end) if (end := self._phrase(at, self.phrases.without)) else None
        if mention and self._phrase(mention[1], self.phrases.limit):
            return self._lift(at, mention)
        if (mention := self._field(at)) and (end := self._phrase(mention[1], self.phrases.indifferent)):
            return self._lift(at, (mention[0], end))
        return None

    def _aside(self, at: int) -> int | None:
        """Read "also", "instead"; return the place after it."""
        phrases = self.phrases
        for table, spans in ((phrases.add, self.followup.additions), (phrases.instead, self.followup.replacements)):
            if end := self._phrase(at, table):
                spans[self._segment(at)] = None
                return self._take(at, end)
        last = self._phrase(at, phrases.add_last)
        first = self._phrase(at, phrases.add_first) if at == 0 else None
        if first or (last and self._ends(last)):
            self.followup.additions[self._segment(at)] = None
            return self._take(at, first or last or at)
        return None

    def _phrase(self, at: int, phrases: PhraseTable[str]) -> int | None:
        """Return the place after the longest of the phrases at `at`, unless one of the grammar is longer."""
        length = self.cursor.phrase_length(phrases, at)
        grammatical = self.language.match(self.tokens, at) if length else None
        return at + length if length and not (grammatical and grammatical.length > length) else None

    def _determined(self, at: int) -> int:
        """Return the place after an article."""
        return self._after_determiners[at] if at < len(self.tokens) else at

    @cached_property
    def _after_determiners(self) -> Sequence[int]:
        """The next place that is not an article's, for each token."""
        determiners = self.language.numbers.determiners
        after = len(self.tokens)
        places = []
        for at in range(len(self.tokens) - 1, -1, -1):
            after = after if self.tokens[at].norm in determiners else at
            places.append(after)
        return places[::-1]

    def _match(self, at: int) -> Match | None:
        """Look up the words at a place in the catalog."""
        return self.lexicon.match(self.tokens, at) if at < len(self.tokens) else None

    def _field(self, at: int) -> tuple[set[str], int] | None:
        """Return the fields that the words at a place may name, and the place after them."""
        at = self._determined(at)
        match = self._match(at)
        names = {c.target.field.name for c in match.candidates if isinstance(c.target, FieldTarget)} if match else set()
        return (names, at + match.length) if match and names else None

    def _excepts(self, at: int) -> bool:
        """Return whether "but" follows the field: "any brand but Beats" asks for something."""
        mention = self._field(at)
        phrase = self.language.match(self.tokens, mention[1]) if mention else None
        return phrase is not None and phrase.meanings.get("junction") == "but"

    def _lift(self, at: int, mention: tuple[set[str], int] | None) -> int | None:
        if not mention:
            return None
        names, end = mention
        self.followup.lifted |= names
        return self._take(at, self._phrase(end, self.phrases.limit) or end)

    def _lift_rest(self, at: int, begin: int) -> int | None:
        """Read "remove the limit", "drop the order"."""
        if end := self._phrase(begin, self.phrases.order):
            self.followup.unordered = True
            return self._take(at, end)
        if end := self._phrase(begin, self.phrases.limit):
            self.followup.unlimited = True
            return self._take(at, end)
        return None

    def _exclude(self, at: int, end: int) -> int | None:
        """Read "drop the red ones"; the parser sees "not" in place of "drop"."""
        start, stop = self.tokens[at].start, self.tokens[end - 1].end
        word = self.language.grammar["negation"]["not"][0]
        if self._match(self._determined(end)) is None or stop - start < len(word):
            return None
        self._write(start, stop, word)
        return end

    def _ends(self, at: int) -> bool:
        """Return whether the text ends there, or a comma follows."""
        return at >= len(self.tokens) or self.tokens[at].text in _SEPARATORS

    def _segment(self, at: int) -> Span:
        """Return the words around a token up to the next commas."""
        return self._segments[at]

    @cached_property
    def _segments(self) -> Sequence[Span]:
        """The segment of each token."""
        segments: list[Span] = []
        for end, token in enumerate(self.tokens):
            if token.text in _SEPARATORS:
                segments.append(Span(token.start, token.end))
            elif end + 1 == len(self.tokens) or self.tokens[end + 1].text in _SEPARATORS:
                whole = Span(self.tokens[len(segments)].start, token.end)
                segments += [whole] * (end + 1 - len(segments))
        return segments

    def _take(self, at: int, end: int) -> int:
        """Mark the tokens as read: the parser sees blanks."""
        span = Span(self.tokens[at].start, self.tokens[end - 1].end)
        self.followup.words.append(span)
        self._write(span.start, span.end, "")
        return end

    def _write(self, start: int, end: int, word: str) -> None:
        self.followup.rest = self.followup.rest[:start] + word.ljust(end - start) + self.followup.rest[end:]
