"""The answers of an LLM about code: their JSON schemas, and finding the JSON in what a model has written."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson

from nlp2filters.errors import InvalidAnswer

Schema = Mapping[str, Any]

_TYPES = {"string": str, "array": list}


def closed(properties: Mapping[str, Schema]) -> Schema:
    """Return the schema of an object with exactly these members, as the strict modes of providers demand."""
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def listed(items: Schema) -> Schema:
    """Return the schema of a list."""
    return {"type": "array", "items": items}


def enum(values: Iterable[str]) -> Schema:
    """Return the schema of one of some strings."""
    return {"type": "string", "enum": list(values)}


def load(content: str, members: Sequence[tuple[str, Schema]]) -> dict[str, Any]:
    """Find the JSON object in an answer, which small models put prose around; its `members` are strings or lists.

    Raises:
        InvalidAnswer: there is none, or one of its members is missing or of another type.
    """
    begin, end = content.find("{"), content.rfind("}") + 1
    try:
        answer = orjson.loads(content[begin:end])
    except orjson.JSONDecodeError as exc:
        raise InvalidAnswer(f"/: The answer is no JSON object: {exc}. Answer with one such object.") from exc
    if not isinstance(answer, dict):
        raise InvalidAnswer("/: The answer is no JSON object. Answer with one such object.")
    for name, schema in members:
        if not isinstance(answer.get(name), _TYPES[schema["type"]]):
            raise InvalidAnswer(f"/{name}: It is missing, or no {schema['type']}.")
    return answer
