"""Examples of requests and answers for the OpenAPI document; `tools/openapi_examples.py` records them."""

from pathlib import Path
from typing import Any

import orjson

from nlp2filters.core.problems import PROBLEMS

FILE = Path(__file__).with_name("examples.json")
_RECORDED: dict[str, dict[str, Any]] = orjson.loads(FILE.read_bytes()) if FILE.exists() else {}


def of_request(operation_id: str, media_type: str, schema: dict[str, Any]) -> dict[str, Any]:
    """Return the `example` of a request's body: by its schema, else by the operation or the media type."""
    return _example("requests", *_names(schema), operation_id, media_type)


def of_answer(media_type: str, schema: dict[str, Any]) -> dict[str, Any]:
    """Return the `example` of a successful answer, by its schema or by its media type."""
    return _example("answers", *_names(schema), media_type)


def of_problem(slug: str) -> dict[str, Any]:
    """Return the `example` of a problem."""
    kind = PROBLEMS[slug]
    problem = {"type": f"/problems/{slug}", "title": kind.title, "status": kind.status, "detail": kind.remedy}
    return {"example": problem}


def _names(schema: dict[str, Any]) -> list[str]:
    references = [option.get("$ref", "") for option in (schema, *schema.get("anyOf", ()))]
    return [reference.rpartition("/")[2] for reference in references if reference]


def _example(direction: str, *names: str) -> dict[str, Any]:
    examples = _RECORDED.get(direction, {})
    return next(({"example": examples[name]} for name in names if name in examples), {})
