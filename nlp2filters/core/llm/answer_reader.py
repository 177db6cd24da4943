"""The parsing of an LLM's answer, which is checked like a stranger's filter."""

import re
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import NamedTuple

from pydantic import ValidationError
from rapidfuzz import fuzz

from nlp2filters.core import checks, filters
from nlp2filters.core.catalog import Catalog, Field
from nlp2filters.core.conversation import Conversation
from nlp2filters.core.filters import And, Filter, Leaf, Not, Or, all_of, any_of
from nlp2filters.core.interpretation import (
    Clarification,
    Condition,
    Ignored,
    Interpretation,
    Sort,
    Span,
    leaf_from_json,
)
from nlp2filters.core.llm import salvage
from nlp2filters.core.llm.answer_form import AnswerCondition, AnswerForm, AnswerIgnored
from nlp2filters.core.words import fold
from nlp2filters.errors import InvalidAnswer, InvalidFilter, Violation

MAX_VIOLATIONS_LENGTH = 2000
# A quote that differs from the words of the text in more than a few letters is none. In percent of the letters.
MIN_QUOTE_SIMILARITY = 88
# Shorter quotes must be exact.
MIN_SIMILAR_QUOTE = 6


class _Quotation(NamedTuple):
    """A quote of the text, or else of an earlier one: that of the job `said_in`."""

    words: str
    span: Span
    said_in: str | None


def read_answer(content: str, text: str, catalog: Catalog, conversation: Conversation | None = None) -> Interpretation:
    """Read the interpretation in an LLM's answer. Its conditions quote the text or an earlier one.

    Raises:
        InvalidAnswer: with every fault: it is not JSON, has another form, or does not fit the catalog or the text.
    """
    try:
        answer = AnswerForm.model_validate(salvage.grouped(salvage.load(content)), strict=False)
    except ValidationError as exc:
        raise _invalid(Violation("".join(f"/{part}" for part in e["loc"]), e["msg"]) for e in exc.errors()) from exc
    return _AnswerReader(answer, text, catalog, conversation).read()


class _AnswerReader:
    """The reader of one answer. It goes on after a fault, so that all are reported at once."""

    def __init__(self, answer: AnswerForm, text: str, catalog: Catalog, conversation: Conversation | None) -> None:
        self.answer, self.catalog = answer, catalog
        earlier_texts = reversed(list(conversation.texts.items())) if conversation else ()
        self.texts: dict[str | None, str] = {None: text, **dict(earlier_texts)}
        self.violations: list[Violation] = []

    def read(self) -> Interpretation:
        answer = self.answer
        conditions = [self._condition(part, f"/conditions/{at}") for at, part in enumerate(answer.conditions)]
        filter_ = self._filter(conditions)
        sort = self._sort()
        if filter_ and filters.size(filter_) > filters.LIMITS.nodes:
            detail = "The filter has too many parts. Say it with fewer conditions."
            self.violations.append(Violation("/conditions", detail))
        if self.violations:
            raise _invalid(self.violations)
        question = answer.clarification
        return Interpretation(
            filter=filter_,
            sort=sort,
            limit=answer.limit,
            text=self._text(anything=bool(conditions or sort)),
            conditions=tuple(dict.fromkeys(filter(None, conditions))),
            ignored=tuple(filter(None, map(self._ignored, answer.ignored))),
            clarification=Clarification(question.question, tuple(question.choices)) if question else None,
        )

    def _condition(self, part: AnswerCondition, at: str) -> Condition | None:
        quotation = self._quotation(part.quote)
        if quotation is None:
            detail = "The quote does not occur in the text. Copy it letter by letter."
            self.violations.append(Violation(f"{at}/quote", detail))
        test = self._test(part, at)
        if quotation is None or test is None:
            return None
        words, span, said_in = quotation
        return Condition(test, span, words, part.confidence, "llm", said_in=said_in)

    def _test(self, part: AnswerCondition, at: str) -> Leaf | Not | None:
        field = self._field(part.field)
        if field and part.op not in checks.operators(field):
            allowed = ", ".join(checks.operators(field))
            detail = f"{part.op!r:.50} does not apply to {field.name!r}. Allowed: {allowed}."
            self.violations.append(Violation(f"{at}/op", detail))
            return None
        try:
            leaf = leaf_from_json({"field": self._name(part.field), "op": part.op, "value": part.value})
            test = checks.check(leaf, self.catalog)
        except InvalidFilter as exc:
            self.violations.extend(
                Violation(f"{at}/{_member(violation.pointer)}", violation.detail) for violation in exc.violations
            )
            return None
        except ValueError as exc:
            self.violations.append(Violation(f"{at}/op", str(exc)))
            return None
        assert not isinstance(test, And | Or)
        return test

    def _field(self, name: str) -> Field | None:
        """Return the field of a name, or the only one that is called so but for case, blanks and punctuation."""
        if field := self.catalog.by_name.get(name):
            return field
        called = [field for field in self.catalog.fields if _key(name) in map(_key, (field.name, field.title))]
        return called[0] if len(called) == 1 else None

    def _name(self, name: str) -> str:
        field = self._field(name)
        return field.name if field else name

    def _sort(self) -> tuple[Sort, ...]:
        sort = tuple(Sort(self._name(part.field), part.direction) for part in self.answer.sort)
        try:
            checks.check_sort(sort, self.catalog, "/sort")
        except InvalidFilter as exc:
            self.violations.extend(exc.violations)
        return sort

    def _filter(self, conditions: Sequence[Condition | None]) -> Filter | None:
        """Join the conditions: those of group 0 must hold, and of the other groups one."""
        groups: dict[int | str, list[Filter]] = {0: []}
        for part, condition in zip(self.answer.conditions, conditions, strict=True):
            if condition:
                groups.setdefault(part.group, []).append(condition.test)
        shared, *others = (all_of(*dict.fromkeys(tests)) for tests in groups.values())
        node = all_of(shared, any_of(*dict.fromkeys(others)))
        return filters.push_not_inward(node) if node else None

    def _text(self, *, anything: bool) -> str:
        """Return the words for a full-text search. Some models repeat the whole text, which leaves nothing over."""
        text = self.answer.text.strip()
        repeats = _key(text) == _key(self.texts[None])
        return "" if repeats and anything else text

    def _ignored(self, part: AnswerIgnored) -> Ignored | None:
        """Return ignored words of this text. Others change nothing, wherever they come from."""
        quotation = self._quotation(part.quote)
        if quotation is None or quotation.said_in is not None:
            return None
        return Ignored(quotation.span, quotation.words, part.reason)

    def _quotation(self, quote: str) -> _Quotation | None:
        """Find the quote in the text, or else in an earlier one, the latest first; only then with other spelling."""
        exact = ((_span(quote, text), said_in) for said_in, text in self.texts.items())
        similar = ((_similar_span(quote, text), said_in) for said_in, text in self.texts.items())
        span, said_in = next((place for place in chain(exact, similar) if place[0]), (None, None))
        return _Quotation(span.of(self.texts[said_in]), span, said_in) if span else None


def _span(quote: str, text: str) -> Span | None:
    """Find the quote in the text. Case, white space and the marks around it may differ."""
    start = text.find(quote)
    if quote.strip() and start >= 0:
        return Span(start, start + len(quote))
    words = quote.strip(" \t\n\r\"'“”‘’«»„.,;:!?…").split()
    pattern = r"\s+".join(re.escape(word) for word in words)
    match = re.search(pattern, text, re.IGNORECASE) if pattern else None
    return Span(*match.span()) if match else None


def _similar_span(quote: str, text: str) -> Span | None:
    """Find the words of the text that a quote spells otherwise: models correct what people mistype."""
    if len(quote.strip()) < MIN_SIMILAR_QUOTE:
        return None
    words = [Span(*match.span()) for match in re.finditer(r"\S+", text)]
    length = len(quote.split())
    places = (Span(words[at].start, words[at + length - 1].end) for at in range(len(words) - length + 1))
    scored = [(fuzz.ratio(quote.casefold(), place.of(text).casefold()), place) for place in places]
    best = max(scored, default=(0, None), key=lambda pair: pair[0])
    return best[1] if best[0] >= MIN_QUOTE_SIMILARITY and _same_digits(quote, best[1], text) else None


def _same_digits(quote: str, span: Span | None, text: str) -> bool:
    """Return whether the numbers are the same: 30 is no misspelling of 39."""
    return span is not None and re.findall(r"\d", quote) == re.findall(r"\d", span.of(text))


def _key(name: str) -> str:
    """Return a text without case, blanks and punctuation."""
    return re.sub(r"[\W_]+", "", fold(name))


def _member(pointer: str) -> str:
    """Return the member of a condition that a pointer into its CQL2-JSON means."""
    if pointer.endswith("property"):
        return "field"
    return "op" if pointer.endswith("/op") else "value"


def _invalid(violations: Iterable[Violation]) -> InvalidAnswer:
    lines = "\n".join(f"{violation.pointer or '/'}: {violation.detail}" for violation in violations)
    return InvalidAnswer(lines[:MAX_VIOLATIONS_LENGTH])
