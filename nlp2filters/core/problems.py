"""Problem objects (RFC 9457): the one form of every error that a caller sees, in a response or in a failed job."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of problem: its HTTP status, its title, and what to do about it."""

    status: int
    title: str
    remedy: str


PROBLEMS: Mapping[str, Kind] = {
    "malformed-http": Kind(
        400, "The request is not HTTP/1.1", "Use an HTTP client, and plain http where this service has no TLS."
    ),
    "malformed-json": Kind(
        400,
        "The body is not what its media type says",
        "Send UTF-8 that parses as its Content-Type says, JSON not deeper than 32 levels. `detail` has the place.",
    ),
    "malformed-cursor": Kind(
        400, "The event cursor is malformed", "Send back the id of the last event that you got, unchanged, or none."
    ),
    "unauthenticated": Kind(
        401,
        "A valid API key is needed",
        "Send `Authorization: Bearer <key>`. `nlp2filters keys create NAME` makes a key; a revoked one stays invalid.",
    ),
    "forbidden": Kind(
        403, "The API key does not allow this", "`detail` names the scope that is needed. Make a key that has it."
    ),
    "job-not-found": Kind(
        404, "No such job", "The id is wrong, the job is another owner's, was deleted, or is past its retention time."
    ),
    "batch-not-found": Kind(
        404, "No such batch", "The id is wrong, the batch is another owner's, or is past its retention time."
    ),
    "catalog-not-found": Kind(
        404, "No such catalog", "`GET /v1/catalogs` lists those that can be named. Names are case-sensitive."
    ),
    "not-found": Kind(404, "Nothing is at this address", "`/docs` lists what there is."),
    "method-not-allowed": Kind(
        405, "The address does not take this method", "The `Allow` header names those that it takes."
    ),
    "not-acceptable": Kind(
        406, "There is no form that you accept", "Send an `Accept` header that allows what `detail` names, or none."
    ),
    "request-timeout": Kind(
        408,
        "The request came too slowly",
        "Send it again without pauses. HEADER_TIMEOUT_S and BODY_TIMEOUT_S say how long the service waits.",
    ),
    "job-not-finished": Kind(
        409, "The job has not finished", "Follow `urls.events`, or ask again after the seconds in `Retry-After`."
    ),
    "batch-not-ended": Kind(
        409, "The batch has not ended", "Follow `urls.events`, or ask again after the seconds in `Retry-After`."
    ),
    "job-already-finished": Kind(
        409, "The job has ended already", "Nothing leaves a terminal status: `GET` the job to see how it ended."
    ),
    "job-not-retryable": Kind(
        409,
        "The job did not fail",
        "Only failed, canceled and expired jobs are retried. Submit the text again instead.",
    ),
    "job-failed": Kind(
        409, "The job did not succeed", "`error` says why. `POST` to `urls.retry` asks the same again as a new job."
    ),
    "no-webhook": Kind(
        409,
        "There is no webhook to tell",
        "Name a `webhook` when you submit, with the outcomes that it is to be told of.",
    ),
    "already-delivering": Kind(
        409, "The webhook is still being tried", "See the `deliveries`: when the last attempt is over, ask again."
    ),
    "too-many-catalogs": Kind(409, "You have too many catalogs", "Delete one that you do not need."),
    "result-expired": Kind(
        410, "The result is no longer kept", "Submit the text again. RETENTION_S says how long results are kept."
    ),
    "replay-gone": Kind(
        410,
        "The request was carried out, and what it made is no longer kept",
        "`job_id` or `batch_id` names what it made. To submit the same again, use a new Idempotency-Key.",
    ),
    "payload-too-large": Kind(
        413, "The body is too large", "1 MiB is the most. Store a large catalog once with `PUT /v1/catalogs/{name}`."
    ),
    "unsupported-media-type": Kind(
        415, "The body's media type is not supported", "`detail` names the media type to send as Content-Type."
    ),
    "invalid-request": Kind(
        422, "The request has faults", "`errors` names all of them, each with a JSON pointer to its place."
    ),
    "invalid-catalog": Kind(
        422, "The catalog has faults", "`errors` names all of them, each with a JSON pointer to its place."
    ),
    "invalid-filter": Kind(
        422, "The filter does not fit the catalog", "`errors` names the parts that do not, each with a JSON pointer."
    ),
    "text-too-complex": Kind(
        422,
        "Reading the text takes too much work",
        "Shorten the text, or give the catalog fewer fields and values that share a label, a value or a synonym.",
    ),
    "idempotency-key-reused": Kind(
        422, "The Idempotency-Key stands for another request", "Use a new key, such as a UUID, for every new request."
    ),
    "too-many-requests": Kind(
        429, "You submit too often", "Wait for the seconds in `Retry-After`. `RateLimit` headers tell what is left."
    ),
    "too-many-pending": Kind(
        429, "Too many of your jobs have not ended", "Wait until some have ended, or cancel those you do not need."
    ),
    "too-many-bytes": Kind(
        429,
        "Your requests have added too many bytes",
        "Wait for the seconds in `Retry-After`. Store a large catalog once with `PUT /v1/catalogs/{name}` and name it. "
        "MAX_OWNER_BYTES is the limit.",
    ),
    "too-many-streams": Kind(
        429, "You have too many streams open", "Close some; follow a batch by its one stream; or poll."
    ),
    "headers-too-large": Kind(
        431, "The headers are too large", "64 KB and 100 header fields are the most, the request line included."
    ),
    "internal-error": Kind(500, "An error on our side", "It has been logged. Try again; the job was not lost."),
    "worker-lost": Kind(
        500,
        "The job's worker died each time",
        "The job was set aside so that it harms no other. `POST` to `urls.retry` tries it again.",
    ),
    "llm-unavailable": Kind(
        502, "The LLM gave no usable answer", "Retry, or ask with `strategy: auto`, which falls back to the parser."
    ),
    "overloaded": Kind(
        503, "Too many jobs are waiting", "Nothing was written. Try again after the seconds in `Retry-After`."
    ),
    "too-many-connections": Kind(
        503,
        "Too many connections are in use",
        "Nothing was read. Try again after the seconds in `Retry-After`. MAX_CONNECTIONS is the limit.",
    ),
    "newer-record": Kind(
        503, "The job is of a newer version", "The service is being upgraded. Try again after `Retry-After` seconds."
    ),
    "store-unavailable": Kind(
        503, "The job store does not answer", "Nothing was written. Try again after the seconds in `Retry-After`."
    ),
    "outcome-unknown": Kind(
        504,
        "The job store did not say whether it was done",
        "It may have been. Send the same request again with the same `Idempotency-Key`: it is done once. Without a "
        "key, look first whether it was done: `GET /v1/jobs`.",
    ),
    "job-timeout": Kind(504, "The job took too long", "`POST` to `urls.retry` tries it again."),
    "deadline-passed": Kind(
        504,
        "The job's deadline passed before it began",
        "The service was busy. Retry, or allow more `deadline_seconds`.",
    ),
}


def problem(slug: str, detail: str, **members: Any) -> dict[str, Any]:
    """Return a problem of the type `/problems/{slug}`; `members` are its extensions."""
    kind = PROBLEMS[slug]
    return {"type": f"/problems/{slug}", "title": kind.title, "status": kind.status, "detail": detail, **members}
