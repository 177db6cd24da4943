"""Answers of the service: read into models, or raised as what went wrong."""

import datetime as dt
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from nlp2filters.errors import (
    AccessRefused,
    Busy,
    Conflict,
    Fault,
    InputRefused,
    NotThere,
    ServiceProblem,
    UnreadableAnswer,
)

M = TypeVar("M", bound=BaseModel)

_ERRORS: dict[int, type[ServiceProblem]] = {
    **dict.fromkeys((401, 403), AccessRefused),
    **dict.fromkeys((404, 410), NotThere),
    **dict.fromkeys((400, 406, 413, 415, 422), InputRefused),
    **dict.fromkeys((429, 503), Busy),
    409: Conflict,
}


def read(model: type[M], content: bytes | str) -> M:
    """JSON as a model; members that a later version of the service adds are let be.

    Raises:
        UnreadableAnswer: it is something else.
    """
    try:
        return model.model_validate_json(content, extra="ignore")
    except ValidationError as exc:
        raise UnreadableAnswer(f"The answer is no {model.__name__} that this version of the client reads.") from exc


def problem(response: httpx.Response) -> ServiceProblem:
    """An answer that is an error, whoever gave it: a gateway on the way has no problem object."""
    try:
        data = response.json()
        body: dict[str, Any] = data if isinstance(data, dict) and "title" in data else {}
    except ValueError:
        body = {}
    return _ERRORS.get(response.status_code, ServiceProblem)(
        response.status_code,
        type=str(body.get("type", "about:blank")),
        title=str(body.get("title", response.reason_phrase)),
        detail=str(body.get("detail", f"The service answered {response.status_code} {response.reason_phrase}.")),
        faults=[Fault(str(one["pointer"]), str(one["detail"])) for one in body.get("errors") or ()],
        retry_after_s=retry_after_s(response),
        subject=body.get("job_id") or body.get("batch_id"),
    )


def retry_after_s(response: httpx.Response) -> float | None:
    """The `Retry-After` of an answer: seconds, or the seconds until a date (RFC 9110, 10.2.3)."""
    given = response.headers.get("retry-after", "")
    if given.isascii() and given.isdigit():
        return float(given)
    try:
        return max(0.0, (parsedate_to_datetime(given) - dt.datetime.now(dt.UTC)).total_seconds())
    except (ValueError, TypeError):
        return None
