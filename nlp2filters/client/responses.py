"""Answers of the service: convert them to models, or to errors."""

import json
from typing import Any, TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from nlp2filters.client.errors import (
    APIError,
    AuthError,
    BadRequest,
    Conflict,
    InvalidResponse,
    NotFoundError,
    ServiceBusy,
)
from nlp2filters.core.kinds import KINDS
from nlp2filters.errors import Violation
from nlp2filters.retry import parse_retry_after

M = TypeVar("M", bound=BaseModel)

_ERRORS: dict[int, type[APIError]] = {
    **dict.fromkeys((401, 403), AuthError),
    **dict.fromkeys((404, 410), NotFoundError),
    **dict.fromkeys((400, 406, 413, 415, 422), BadRequest),
    **dict.fromkeys((429, 503), ServiceBusy),
    409: Conflict,
}


def read(model: type[M], content: bytes | str) -> M:
    """Read JSON into a model; members added by a later version of the service are ignored.

    Raises:
        InvalidResponse: the JSON does not fit the model.
    """
    try:
        return model.model_validate_json(content, extra="ignore")
    except ValidationError as exc:
        raise InvalidResponse(f"The answer is no {model.__name__} that this version of the client reads.") from exc


def read_result(kind: str, data: Any) -> Any:
    """Read the result of a job, as JSON data, into the model of its kind.

    It stays JSON data if this version of the client does not know the kind.

    Raises:
        InvalidResponse: the result does not fit the model.
    """
    return read(KINDS[kind].result, json.dumps(data)) if kind in KINDS else data


def to_error(response: httpx.Response) -> APIError:
    """Convert an error answer, which may lack a problem object if it comes from a gateway."""
    try:
        data = response.json()
        body: dict[str, Any] = data if isinstance(data, dict) and "title" in data else {}
    except ValueError:
        body = {}
    return _ERRORS.get(response.status_code, APIError)(
        response.status_code,
        type=str(body.get("type", "about:blank")),
        title=str(body.get("title", response.reason_phrase)),
        detail=str(body.get("detail", f"The service answered {response.status_code} {response.reason_phrase}.")),
        violations=[
            Violation(str(violation["pointer"]), str(violation["detail"])) for violation in body.get("errors") or ()
        ],
        retry_after_s=retry_after_s(response),
        subject=body.get("job_id") or body.get("batch_id"),
    )


def retry_after_s(response: httpx.Response) -> float | None:
    """Return the seconds for which an answer asks to wait."""
    return parse_retry_after(response.headers.get("retry-after"))
