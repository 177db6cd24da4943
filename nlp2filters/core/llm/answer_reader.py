"""The strict parsing of an LLM's answer: it is checked like a stranger's filter."""

import re
from collections.abc import Iterable
from typing import NamedTuple

import orjson
from pydantic import ValidationError

from nlp2filters.core import checks, filters
from nlp2filters.core.catalog import Catalog
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
from nlp2filters.core.llm.answer_schema import AnswerCondition, AnswerForm, AnswerIgnored
from nlp2filters.errors import InvalidAnswer, InvalidFilter, Violation

MAX_VIOLATIONS_LENGTH = 2000


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
        answer = AnswerForm.model_validate(orjson.loads(_unfenced(content)), strict=False)
    except orjson.JSONDecodeError as exc:
        raise InvalidAnswer(f"The answer is no JSON: {exc}") from exc
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
        filter_ = self._filter([condition.test for condition in conditions if condition])
        sort = self._sort()
        ignored = [self._ignored(part, f"/ignored/{at}") for at, part in enumerate(answer.ignored)]
        if filter_ and filters.size(filter_) > filters.LIMITS.nodes:
            self.violations.append(
                Violation("/alternatives", "The filter has too many parts. Say it with fewer conditions.")
            )
        if self.violations:
            raise _invalid(self.violations)
        question = answer.clarification
        return Interpretation(
            filter=filter_,
            sort=sort,
            limit=answer.limit,
            text=answer.text.strip(),
            conditions=tuple(filter(None, conditions)),
            ignored=tuple(filter(None, ignored)),
            clarification=Clarification(question.question, tuple(question.choices)) if question else None,
        )

    def _condition(self, part: AnswerCondition, at: str) -> Condition | None:
        quotation = self._quotation(part.quote, f"{at}/quote")
        test = self._test(part, at)
        if quotation is None or test is None:
            return None
        words, span, said_in = quotation
        return Condition(test, span, words, part.confidence, "llm", said_in=said_in)

    def _test(self, part: AnswerCondition, at: str) -> Leaf | Not | None:
        field = self.catalog.by_name.get(part.field)
        if field and part.op not in checks.operators(field):
            allowed = ", ".join(checks.operators(field))
            detail = f"{part.op!r:.50} does not apply to {field.name!r}. Allowed: {allowed}."
            self.violations.append(Violation(f"{at}/op", detail))
            return None
        try:
            leaf = leaf_from_json(part.model_dump(include={"field", "op", "value"}))
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

    def _sort(self) -> tuple[Sort, ...]:
        sort = tuple(Sort(part.field, part.direction) for part in self.answer.sort)
        try:
            checks.check_sort(sort, self.catalog, "/sort")
        except InvalidFilter as exc:
            self.violations.extend(exc.violations)
        return sort

    def _filter(self, tests: list[Leaf | Not]) -> Filter | None:
        """Build the filter of the alternatives; the conditions that all of them share come before the OR."""
        groups = [list(dict.fromkeys(group)) for group in self.answer.alternatives if group]
        for i, group in enumerate(groups):
            if not all(0 <= index < len(self.answer.conditions) for index in group):
                self.violations.append(Violation(f"/alternatives/{i}", "An index must be that of a condition."))
        missing = set(range(len(self.answer.conditions))) - {index for group in groups for index in group}
        if groups and missing:
            self.violations.append(
                Violation("/alternatives", f"The conditions {sorted(missing)} are in no alternative.")
            )
        if self.violations or not groups:
            return all_of(*tests)
        shared = [index for index in groups[0] if all(index in group for group in groups)]
        rests = [all_of(*(tests[index] for index in group if index not in shared)) for group in groups]
        either = any_of(*rests) if all(rests) else None
        node = all_of(*(tests[index] for index in shared), either)
        return filters.push_not_inward(node) if node else None

    def _ignored(self, part: AnswerIgnored, at: str) -> Ignored | None:
        quotation = self._quotation(part.quote, f"{at}/quote")
        if quotation is None or quotation.said_in is not None:
            return None
        return Ignored(quotation.span, quotation.words, part.reason)

    def _quotation(self, quote: str, at: str) -> _Quotation | None:
        """Find the quote in the text, or else in an earlier one, the latest first."""
        for said_in, text in self.texts.items():
            if span := _span(quote, text):
                return _Quotation(span.of(text), span, said_in)
        self.violations.append(Violation(at, "The quote does not occur in the text. Copy it letter by letter."))
        return None


def _span(quote: str, text: str) -> Span | None:
    """Find the quote in the text; case and white space may differ."""
    start = text.find(quote)
    if quote.strip() and start >= 0:
        return Span(start, start + len(quote))
    pattern = r"\s+".join(re.escape(word) for word in quote.split())
    match = re.search(pattern, text, re.IGNORECASE) if pattern else None
    return Span(*match.span()) if match else None


def _member(pointer: str) -> str:
    """Return the member of a condition that a pointer into its CQL2-JSON means."""
    if pointer.endswith("property"):
        return "field"
    return "op" if pointer.endswith("/op") else "value"


def _invalid(violations: Iterable[Violation]) -> InvalidAnswer:
    lines = "\n".join(f"{violation.pointer or '/'}: {violation.detail}" for violation in violations)
    return InvalidAnswer(lines[:MAX_VIOLATIONS_LENGTH])


def _unfenced(content: str) -> str:
    """Remove the ``` that some models put around the answer."""
    match = re.fullmatch(r"\s*```(?:json)?\s*(.*?)\s*```\s*", content, re.DOTALL)
    return match[1] if match else content
