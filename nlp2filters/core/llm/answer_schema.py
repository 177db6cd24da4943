"""The form of an LLM's answer: as a JSON schema for its provider, and as a model that checks it strictly."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict
from pydantic import Field as Constraint

from nlp2filters.core import checks
from nlp2filters.core.catalog import Catalog
from nlp2filters.core.interpretation import Direction

MAX_CONDITIONS = 50
MAX_ALTERNATIVES = 20


def answer_schema(catalog: Catalog) -> dict[str, Any]:
    """Return the JSON schema of the answer, limited to what providers enforce: flat, and every member required."""
    scalar = [{"type": "string"}, {"type": "number"}, {"type": "boolean"}]
    operators = dict.fromkeys(op for field in catalog.fields for op in checks.operators(field))
    condition = {
        "field": {"type": "string", "enum": [field.name for field in catalog.fields]},
        "op": {"type": "string", "enum": list(operators)},
        "value": {"anyOf": [*scalar, {"type": "array", "items": {"anyOf": scalar}}, {"type": "null"}]},
        "quote": {"type": "string"},
        "confidence": {"type": "number"},
    }
    sort = {"field": condition["field"], "direction": {"type": "string", "enum": ["asc", "desc"]}}
    clarification = {"question": {"type": "string"}, "choices": _list({"type": "string"})}
    return _object(
        {
            "conditions": _list(_object(condition)),
            "alternatives": _list(_list({"type": "integer"})),
            "sort": _list(_object(sort)),
            "limit": _nullable({"type": "integer"}),
            "text": {"type": "string"},
            "ignored": _list(_object({"quote": {"type": "string"}, "reason": {"type": "string"}})),
            "clarification": _nullable(_object(clarification)),
        }
    )


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid")


class AnswerCondition(_Part):
    """A condition, with the words of the text that it quotes."""

    field: str
    op: str
    value: str | bool | int | float | list[str | bool | int | float] | None
    quote: str
    confidence: Annotated[float, Constraint(ge=0, le=1)]


class AnswerSort(_Part):
    """A sort by one field."""

    field: str
    direction: Direction


class AnswerIgnored(_Part):
    """Words that changed nothing."""

    quote: str
    reason: Annotated[str, Constraint(max_length=500)]


class AnswerClarification(_Part):
    """A question to the user."""

    question: Annotated[str, Constraint(max_length=500)]
    choices: Annotated[list[Annotated[str, Constraint(max_length=500)]], Constraint(min_length=2, max_length=10)]


class AnswerForm(_Part):
    """The whole answer. `alternatives` are lists of indexes into `conditions`, as the prompt's rules explain."""

    conditions: Annotated[list[AnswerCondition], Constraint(max_length=MAX_CONDITIONS)]
    alternatives: Annotated[list[list[int]], Constraint(max_length=MAX_ALTERNATIVES)] = []
    sort: Annotated[list[AnswerSort], Constraint(max_length=5)] = []
    limit: Annotated[int, Constraint(ge=1, le=1000)] | None = None
    text: Annotated[str, Constraint(max_length=4000)] = ""
    ignored: Annotated[list[AnswerIgnored], Constraint(max_length=100)] = []
    clarification: AnswerClarification | None = None


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def _list(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


def _nullable(schema: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [schema, {"type": "null"}]}
