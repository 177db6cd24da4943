"""Agreement between two readings of a text that came about independently: the LLM's, and the built-in parser's draft.

Where they differ, at least one is wrong, so the LLM's condition is less sure than the LLM believes.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from nlp2filters.core import meaning, refinement
from nlp2filters.core.catalog import Catalog
from nlp2filters.core.filters import leaves
from nlp2filters.core.interpretation import Condition, Interpretation

# A condition that contradicts a draft of full confidence keeps this share of its own.
SHARE_KEPT = 0.5


def weighed(reading: Interpretation, draft: Interpretation) -> Interpretation:
    """Return the LLM's reading with the confidence of each condition weighed against the draft. Dates are resolved.

    A condition that the draft has too is as sure as the surer of the two. One that contradicts a condition of the
    draft, about the same field or the same words, loses confidence: the more, the surer the draft.
    """
    parts = _parts(reading.conditions)
    contradicted = [condition for condition in draft.conditions if not meaning.parts(condition.test) <= parts]
    return replace(
        reading, conditions=tuple(_weighed(condition, draft, contradicted) for condition in reading.conditions)
    )


def _weighed(condition: Condition, draft: Interpretation, contradicted: Iterable[Condition]) -> Condition:
    own = meaning.parts(condition.test)
    if own <= _parts(draft.conditions):
        agreeing = (other.confidence for other in draft.conditions if own & meaning.parts(other.test))
        return replace(condition, confidence=max(condition.confidence, *agreeing))
    doubt = max((other.confidence for other in contradicted if _about_the_same(condition, other)), default=0.0)
    return replace(condition, confidence=condition.confidence * (1 - SHARE_KEPT * doubt))


def disagreement(reading: Interpretation, draft: Interpretation, catalog: Catalog) -> dict[str, Any] | None:
    """Return how the LLM's reading differs from the draft, as `refinement.difference` does; None if it does not.

    Dates are resolved. Words for the full-text search count only if they are others, not if they are in another order.
    """
    same = (
        meaning.canonical(reading.filter) == meaning.canonical(draft.filter)
        and reading.sort == draft.sort
        and reading.limit == draft.limit
        and set(reading.text.casefold().split()) == set(draft.text.casefold().split())
    )
    return None if same else refinement.difference(draft, reading, catalog)


def _parts(conditions: Iterable[Condition]) -> frozenset[Any]:
    return frozenset[Any]().union(*(meaning.parts(condition.test) for condition in conditions))


def _about_the_same(one: Condition, other: Condition) -> bool:
    same_text = one.said_in == other.said_in
    overlap = one.span.start < other.span.end and other.span.start < one.span.end
    return {leaf.field for leaf in leaves(one.test)} == {leaf.field for leaf in leaves(other.test)} or (
        same_text and overlap
    )
