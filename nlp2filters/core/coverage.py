"""Coverage: an account of every word of the text, including those that an LLM left out.

The built-in parser accounts for every word by itself. An LLM is asked to do so, and may forget.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from nlp2filters.core.catalog import Catalog
from nlp2filters.core.explain import sentence
from nlp2filters.core.filters import Comparison, leaves
from nlp2filters.core.interpretation import Clarification, Condition, Ignored, Interpretation, Mention, Span

FORGOTTEN = "the LLM made nothing of it"


def complete(reading: Interpretation, draft: Interpretation, text: str) -> Interpretation:
    """Add the words that an LLM forgot to its reading, and those of its order, limit and text.

    Words that the parser's `draft` takes for content and the LLM uses nowhere become ignored.
    """
    used_spans = [condition.span for condition in reading.conditions if condition.said_in is None]
    used_spans += [part.span for part in reading.ignored]
    words = {word.casefold() for word in reading.text.split()}
    sorted_by = {sort.field for sort in reading.sort}
    forgotten = [
        part
        for part in _content(draft, text, sorted_by)
        if not _overlaps(part.span, used_spans) and not {word.casefold() for word in part.quote.split()} <= words
    ]
    ignored = sorted((*reading.ignored, *forgotten), key=lambda part: part.span.start)
    return replace(reading, ignored=tuple(ignored), mentions=_mentions(reading, draft, text))


def _mentions(reading: Interpretation, draft: Interpretation, text: str) -> tuple[Mention, ...]:
    """Find the words of an LLM's order and limit, which are the draft's if both agree, and of its text."""
    agreed = {"sort": reading.sort == draft.sort, "limit": reading.limit == draft.limit, "text": False}
    mentions = [words for words in draft.mentions if agreed[words.part]]
    mentions += [Mention(span, span.of(text), "text") for span in _occurrences(reading.text, text)]
    return tuple(sorted(mentions, key=lambda words: words.span.start))


def with_question(reading: Interpretation, draft: Interpretation, catalog: Catalog) -> Interpretation:
    """Ask about a value that a field must equal by the LLM, and only be compared with by the parser's `draft`.

    The parser read a word such as "over" beside it, which the LLM made nothing of.
    """
    for condition in reading.conditions:
        for drafted in draft.conditions:
            if _lost_comparison(condition, drafted):
                choices = tuple(sentence(test, catalog) for test in (drafted.test, condition.test))
                question = Clarification(f"What does “{drafted.quote}” mean?", choices)
                return replace(reading, clarification=question)
    return reading


def _lost_comparison(condition: Condition, drafted: Condition) -> bool:
    match condition.test, drafted.test:
        case Comparison("=", name, value), Comparison("<" | "<=" | ">" | ">=", drafted_name, drafted_value):
            same = name == drafted_name and value == drafted_value
            return same and condition.said_in == drafted.said_in and _overlaps(condition.span, [drafted.span])
    return False


def _content(draft: Interpretation, text: str, sorted_by: set[str]) -> Iterator[Ignored]:
    """Yield the words that the draft uses, and those that it ignores itself."""
    for condition in draft.conditions:
        if condition.said_in is None and not {leaf.field for leaf in leaves(condition.test)} <= sorted_by:
            yield Ignored(condition.span, condition.quote, FORGOTTEN)
    yield from draft.ignored
    for span in _occurrences(draft.text, text):
        yield Ignored(span, span.of(text), FORGOTTEN)


def _occurrences(words: str, text: str) -> Iterator[Span]:
    """Yield where each of the words first occurs in the text."""
    for word in dict.fromkeys(words.split()):
        if match := re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text):
            yield Span(*match.span())


def _overlaps(span: Span, others: Sequence[Span]) -> bool:
    return any(span.start < other.end and other.start < span.end for other in others)
