"""Problem objects (RFC 9457): the one form of every error that a caller sees, in a response or in a failed job."""

from collections.abc import Mapping
from typing import Any

PROBLEMS: Mapping[str, tuple[int, str]] = {
    "malformed-json": (400, "The body is not JSON that this service accepts"),
    "malformed-cursor": (400, "The event cursor is malformed"),
    "job-not-found": (404, "No such job"),
    "catalog-not-found": (404, "No such catalog"),
    "not-found": (404, "Nothing is at this address"),
    "method-not-allowed": (405, "The address does not take this method"),
    "job-not-finished": (409, "The job has not finished"),
    "job-failed": (409, "The job did not succeed"),
    "result-expired": (410, "The result is no longer kept"),
    "payload-too-large": (413, "The body is too large"),
    "unsupported-media-type": (415, "The body's media type is not supported"),
    "invalid-request": (422, "The request has faults"),
    "invalid-catalog": (422, "The catalog has faults"),
    "invalid-filter": (422, "The filter does not fit the catalog"),
    "internal-error": (500, "An error on our side"),
    "worker-lost": (500, "The job's worker died each time"),
    "job-timeout": (504, "The job took too long"),
    "deadline-passed": (504, "The job's deadline passed before it began"),
    "llm-unavailable": (502, "The LLM gave no usable answer"),
    "overloaded": (503, "Too many jobs are waiting"),
    "newer-record": (503, "The job is of a newer version"),
    "store-unavailable": (503, "The job store does not answer"),
}


def problem(slug: str, detail: str, **members: Any) -> dict[str, Any]:
    """A problem of the type `/problems/{slug}`; `members` are its extensions."""
    status, title = PROBLEMS[slug]
    return {"type": f"/problems/{slug}", "title": title, "status": status, "detail": detail, **members}
