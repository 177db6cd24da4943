"""JSON responses, with every error as a problem object (RFC 9457)."""

import logging
from typing import Any

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from nlp2filters import errors
from nlp2filters.api.middleware import REQUEST_ID
from nlp2filters.core.problems import problem
from nlp2filters.core.statuses import TERMINAL
from nlp2filters.storage.errors import OutcomeUnknown, StorageError

_log = logging.getLogger(__name__)

_SLUGS: dict[type[errors.NLP2FiltersError], str] = {
    errors.InvalidRequest: "invalid-request",
    errors.InvalidCatalog: "invalid-catalog",
    errors.InvalidFilter: "invalid-filter",
    errors.MalformedJSON: "malformed-json",
    errors.MalformedCursor: "malformed-cursor",
    errors.UnsupportedMediaType: "unsupported-media-type",
    errors.PayloadTooLarge: "payload-too-large",
    errors.JobNotFound: "job-not-found",
    errors.CatalogNotFound: "catalog-not-found",
    errors.NoDemoData: "not-found",
    errors.NoReport: "not-found",
    errors.ResultNotReady: "job-not-finished",
    errors.NotFinished: "job-not-finished",
    errors.BatchNotEnded: "batch-not-ended",
    errors.IllegalTransition: "job-already-finished",
    errors.NotRetryable: "job-not-retryable",
    errors.NoQuestion: "no-question",
    errors.NoSearchIndex: "result-expired",
    errors.JobGone: "result-expired",
    errors.PartGone: "result-expired",
    errors.BlobGone: "result-expired",
    errors.BlobStoreUnavailable: "store-unavailable",
    errors.BatchNotFound: "batch-not-found",
    errors.TooManyCatalogs: "too-many-catalogs",
    errors.NoWebhook: "no-webhook",
    errors.AlreadyDelivering: "already-delivering",
    errors.IdempotencyKeyReused: "idempotency-key-reused",
    errors.ReplayGone: "replay-gone",
    errors.NotAcceptable: "not-acceptable",
    errors.Unauthenticated: "unauthenticated",
    errors.Forbidden: "forbidden",
    errors.NoWorker: "no-worker",
    errors.NoAnswer: "no-answer",
    errors.Overloaded: "overloaded",
    errors.TooManyRequests: "too-many-requests",
    errors.TooManyPending: "too-many-pending",
    errors.TooManyBytes: "too-many-bytes",
    errors.DailyCostReached: "daily-cost-reached",
    errors.TooManyStreams: "too-many-streams",
    errors.UnsupportedRecordVersion: "newer-record",
}
_HTTP_SLUGS = {404: "not-found", 405: "method-not-allowed"}
STORE_RETRY_AFTER_S = 5
# Like nginx, we log this status but never send it.
CLIENT_CLOSED_REQUEST = 499


class JSON(Response):
    """A response with a JSON body."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """Encode `content`."""
        return orjson.dumps(content)


class Problem(JSON):
    """A problem object, with its HTTP status, and the request id that is in the log."""

    media_type = "application/problem+json"

    def __init__(
        self, request: Request, slug: str, detail: str, headers: dict[str, str] | None = None, **members: Any
    ) -> None:
        body = problem(slug, detail, request_id=request.state.request_id, **members)
        super().__init__(body, status_code=body["status"], headers=headers)


async def on_error(request: Request, exc: Exception) -> Response:
    """Turn an error of ours into a problem object. `_SLUGS` is the only place that assigns problems to errors."""
    match exc:
        case errors.InvalidInput(violations=violations):
            members = [{"pointer": violation.pointer, "detail": violation.detail} for violation in violations]
            count = "1 fault" if len(violations) == 1 else f"{len(violations)} faults"
            return Problem(request, _SLUGS[type(exc)], f"{count}: see `errors`.", errors=members)
        case errors.ResultNotReady(error=error, status=status) if status in TERMINAL:
            return Problem(request, "job-failed", str(exc), error=error)
        case errors.ReplayGone(subject_type=subject_type, subject=subject):
            return Problem(request, "replay-gone", str(exc), None, **{f"{subject_type}_id": subject})
        case errors.NLP2FiltersError():
            return Problem(request, _SLUGS[type(exc)], str(exc), _headers(exc))
    raise exc


def _headers(exc: errors.NLP2FiltersError) -> dict[str, str]:
    match exc:
        case errors.Unauthenticated():
            return {"WWW-Authenticate": 'Bearer realm="NLP2Filters"'}
        case errors.UnsupportedRecordVersion():
            return {"Retry-After": str(STORE_RETRY_AFTER_S)}
        case errors.ResultNotReady() | errors.NotFinished() | errors.BatchNotEnded():
            return {"Retry-After": "1"}
        case errors.TooManyRequests(limit=limit, window_s=window_s, retry_after_s=retry_after_s):
            return {
                "Retry-After": str(retry_after_s),
                "RateLimit-Policy": f'"submit";q={limit};w={window_s}',
                "RateLimit": f'"submit";r=0;t={retry_after_s}',
            }
    wait_s = getattr(exc, "retry_after_s", None)
    return {"Retry-After": str(wait_s)} if wait_s else {}


async def on_redis_error(request: Request, exc: Exception) -> Response:
    """Answer that Redis is unavailable or refuses to write: either nothing was written, or the outcome is unknown."""
    assert isinstance(exc, StorageError)
    _log.error("Redis: %s", exc)
    headers = {"Retry-After": str(STORE_RETRY_AFTER_S)}
    if isinstance(exc, OutcomeUnknown):
        detail = "The job store did not confirm the request, which may have been carried out."
        return Problem(request, "outcome-unknown", detail, headers)
    detail = "The job store is not available. Nothing was written. Try again."
    return Problem(request, "store-unavailable", detail, headers)


async def on_http_exception(request: Request, exc: Exception) -> Response:
    """Answer Starlette's own errors: unknown paths and unsupported methods."""
    assert isinstance(exc, HTTPException)
    headers = dict(exc.headers or {})
    detail = f"{request.method} {request.url.path} is not part of this API."
    return Problem(request, _HTTP_SLUGS.get(exc.status_code, "internal-error"), detail, headers)


async def on_disconnect(request: Request, exc: Exception) -> Response:
    """Answer a client that disconnected before it had sent the whole body. Only the log and the metrics see this."""
    return Response(status_code=CLIENT_CLOSED_REQUEST)


async def on_crash(request: Request, exc: Exception) -> Response:
    """Answer an unexpected error. The traceback is in the log, not in the response."""
    headers = {REQUEST_ID: request.state.request_id}
    return Problem(request, "internal-error", "An internal error occurred, and was logged.", headers)
