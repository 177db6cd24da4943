"""Worked examples for the prompt: texts with their right answers, over a small catalog of their own.

They are the same for every catalog, so that they are part of the prefix that providers cache. Each shows what models
get wrong without one: groups, exclusions, words for the full-text search, and a question.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from nlp2filters.core.interpretation import NAMES_RECORDS

CATALOG: Mapping[str, Any] = {
    "name": "headphones",
    "fields": [
        {"name": "kind", "type": "keyword", "values": ["over-ear", "in-ear"], "closed": True},
        {"name": "brand", "type": "keyword", "values": ["Beats", "Bose", "Sony"]},
        {"name": "price", "type": "money", "currency": "USD"},
        {"name": "stars", "type": "number"},
        {"name": "wireless", "type": "boolean"},
        {"name": "released", "type": "date"},
    ],
}
# The day on which the examples are asked.
TODAY = "2026-03-10 (Tuesday)"


def _condition(quote: str, field: str, op: str, value: Any, *, group: int = 0, confidence: float = 0.97) -> Any:
    return {"quote": quote, "field": field, "op": op, "value": value, "group": group, "confidence": confidence}


def _answer(*conditions: Any, **members: Any) -> Mapping[str, Any]:
    rest: dict[str, Any] = {"sort": [], "limit": None, "text": "", "ignored": [], "clarification": None}
    return {"conditions": conditions, **rest, **members}


EXAMPLES: Sequence[tuple[str, Mapping[str, Any]]] = (
    (
        "wireless headphones under $80, not Beats, released this year",
        _answer(
            _condition("wireless", "wireless", "=", True),
            _condition("under $80", "price", "<", 80),
            _condition("not Beats", "brand", "<>", "Beats"),
            _condition("released this year", "released", "between", ["2026-01-01", "2026-12-31"]),
            ignored=[{"quote": "headphones", "reason": NAMES_RECORDS}],
        ),
    ),
    (
        "in-ear: Sony with at least 4 stars, or Bose below 200",
        _answer(
            _condition("in-ear", "kind", "=", "in-ear"),
            _condition("Sony", "brand", "=", "Sony", group=1),
            _condition("at least 4 stars", "stars", ">=", 4, group=1),
            _condition("Bose", "brand", "=", "Bose", group=2),
            _condition("below 200", "price", "<", 200, group=2, confidence=0.9),
        ),
    ),
    (
        "the 5 cheapest from sony or bose for swimming",
        _answer(
            _condition("sony or bose", "brand", "in", ["Sony", "Bose"]),
            sort=[{"field": "price", "direction": "asc"}],
            limit=5,
            text="swimming",
        ),
    ),
    (
        "something good released 3/4/2025",
        _answer(
            _condition("released 3/4/2025", "released", "=", "2025-03-04", confidence=0.55),
            ignored=[{"quote": "something good", "reason": "no field says what is good"}],
            clarification={
                "question": "What does “3/4/2025” mean?",
                "choices": ["Released on 4 March 2025", "Released on 3 April 2025"],
            },
        ),
    ),
)
