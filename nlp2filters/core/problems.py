"""Problem objects (RFC 9457), the form of every error that a caller sees, in a response or in a failed job."""

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
        400,
        "The request is not valid HTTP/1.1",
        "Use an HTTP client, and plain http if this service has no TLS.",
    ),
    "malformed-json": Kind(
        400,
        "The body does not match its media type",
        "Send UTF-8 that is valid for its Content-Type, with JSON nested no deeper than 32 levels. "
        "`detail` has the position.",
    ),
    "malformed-cursor": Kind(
        400,
        "The event cursor is malformed",
        "Send the id of the last event that you received, unchanged, or none.",
    ),
    "unauthenticated": Kind(
        401,
        "A valid API key is required",
        "Send `Authorization: Bearer <key>`. `nlp2filters keys create NAME` creates a key. A revoked key "
        "stays invalid.",
    ),
    "forbidden": Kind(
        403,
        "The API key does not allow this",
        "`detail` names the required scope. Use a key that has it.",
    ),
    "job-not-found": Kind(
        404,
        "Job not found",
        "The id is wrong, or the job belongs to another owner, was deleted, or is past its retention time.",
    ),
    "batch-not-found": Kind(
        404,
        "Batch not found",
        "The id is wrong, or the batch belongs to another owner or is past its retention time.",
    ),
    "catalog-not-found": Kind(
        404,
        "Catalog not found",
        "`GET /v1/catalogs` lists the available catalogs. Names are case-sensitive.",
    ),
    "not-found": Kind(
        404,
        "Not found",
        "`/docs` lists all operations.",
    ),
    "method-not-allowed": Kind(
        405,
        "The method is not supported here",
        "The `Allow` header lists the supported methods.",
    ),
    "not-acceptable": Kind(
        406,
        "No acceptable media type",
        "Send an `Accept` header that includes the media type in `detail`, or none.",
    ),
    "request-timeout": Kind(
        408,
        "The request arrived too slowly",
        "Send it again without pauses. HEADER_TIMEOUT_S and BODY_TIMEOUT_S set how long the service waits.",
    ),
    "job-not-finished": Kind(
        409,
        "The job has not ended",
        "Follow `urls.events`, or try again after the seconds in `Retry-After`.",
    ),
    "batch-not-ended": Kind(
        409,
        "The batch has not ended",
        "Follow `urls.events`, or try again after the seconds in `Retry-After`.",
    ),
    "job-already-finished": Kind(
        409,
        "The job has already ended",
        "The final status of a job never changes. `GET` the job to see it.",
    ),
    "job-not-retryable": Kind(
        409,
        "The job cannot be retried",
        "Only failed, canceled and expired jobs can be retried. Submit the text again instead.",
    ),
    "job-failed": Kind(
        409,
        "The job did not succeed",
        "`error` has the reason. `POST` to `urls.retry` to submit the request again as a new job.",
    ),
    "no-question": Kind(
        409,
        "The job has no question to answer",
        "Only a result with a `clarification` has one. To change its filter, submit a text with `refines`.",
    ),
    "no-webhook": Kind(
        409,
        "There is no webhook to call",
        "Submit with a `webhook` whose `events` include this outcome.",
    ),
    "already-delivering": Kind(
        409,
        "The webhook is still being delivered",
        "Wait until the last attempt in `deliveries` is over, then try again.",
    ),
    "too-many-catalogs": Kind(
        409,
        "You have too many catalogs",
        "Delete one that you no longer need.",
    ),
    "result-expired": Kind(
        410,
        "The result is no longer available",
        "Submit the text again. RETENTION_S sets how long results are kept.",
    ),
    "replay-gone": Kind(
        410,
        "What the repeated request created is no longer available",
        "`job_id` or `batch_id` is its id. To submit the same again, use a new Idempotency-Key.",
    ),
    "payload-too-large": Kind(
        413,
        "The body is too large",
        "The limit is 1 MiB, and 32 MiB for tables. Store a large catalog once with `PUT /v1/catalogs/{name}`, then "
        "refer to it by name. `nlp2filters catalog infer` reads tables of any size.",
    ),
    "unsupported-media-type": Kind(
        415,
        "The media type is not supported",
        "Send the Content-Type that `detail` names.",
    ),
    "invalid-request": Kind(
        422,
        "The request is invalid",
        "`errors` lists all faults, each with a JSON pointer to its place.",
    ),
    "invalid-catalog": Kind(
        422,
        "The catalog is invalid",
        "`errors` lists all faults, each with a JSON pointer to its place.",
    ),
    "recording-refused": Kind(
        422,
        "The recording cannot be transcribed",
        "`detail` says why, and what to send instead.",
    ),
    "invalid-filter": Kind(
        422,
        "The filter does not fit the catalog",
        "`errors` lists the parts that do not fit, each with a JSON pointer to its place.",
    ),
    "text-too-complex": Kind(
        422,
        "The text takes too much work to read",
        "Shorten the text, or use a catalog in which fewer fields and values share a label, a value or a synonym.",
    ),
    "too-many-parts": Kind(
        422,
        "This is too much work for one job",
        "Submit less at once. `detail` has the limit.",
    ),
    "table-too-complex": Kind(
        422,
        "The table takes too much work to read",
        "Send fewer rows: a sample of the table gives the same catalog, but for rare values. The command "
        "`nlp2filters catalog infer` reads tables of any size.",
    ),
    "archive-refused": Kind(
        422,
        "The archive cannot be analysed",
        "`detail` says why. Send a tar or zip file or a wheel of at most 200 MiB and 20,000 files when unpacked. The "
        "command `nlp2filters analyze` analyses a folder on your machine.",
    ),
    "idempotency-key-reused": Kind(
        422,
        "The Idempotency-Key was used for another request",
        "Use a new key, such as a UUID, for every new request.",
    ),
    "too-many-requests": Kind(
        429,
        "Too many submissions",
        "Wait for the seconds in `Retry-After`. The `RateLimit` header has the remaining number.",
    ),
    "too-many-pending": Kind(
        429,
        "You have too many unfinished jobs",
        "Wait until some have ended, or cancel those that you no longer need.",
    ),
    "too-many-bytes": Kind(
        429,
        "Your requests have added too many bytes",
        "Wait for the seconds in `Retry-After`. Store a large catalog once with `PUT "
        "/v1/catalogs/{name}`, then refer to it by name. MAX_OWNER_BYTES, MAX_OWNER_BLOB_BYTES and "
        "MAX_OWNER_DERIVED_BYTES set the limits.",
    ),
    "daily-cost-reached": Kind(
        429,
        "Your API key has reached its daily cost",
        "Submit with `strategy: builtin`, which calls no LLM, or wait for the seconds in `Retry-After`: the day ends "
        "at midnight UTC. MAX_DAILY_COST sets the limit.",
    ),
    "too-many-streams": Kind(
        429,
        "You have too many open streams",
        "Close some, follow a batch by its single stream, or poll.",
    ),
    "headers-too-large": Kind(
        431,
        "The headers are too large",
        "The limits are 64 KB, including the request line, and 100 header fields.",
    ),
    "internal-error": Kind(
        500,
        "Internal error",
        "The error has been logged. Try again; no job was lost.",
    ),
    "worker-lost": Kind(
        500,
        "The job's worker died on every attempt",
        "The job was set aside so that it cannot harm others. `POST` to `urls.retry` to try it again.",
    ),
    "llm-unavailable": Kind(
        502,
        "The LLM gave no usable answer",
        "Retry, or use `strategy: auto`, which falls back to the built-in parser.",
    ),
    "speech-unavailable": Kind(
        502,
        "The speech API gave no usable answer",
        "`POST` to `urls.retry` later: parts that were transcribed are not transcribed again.",
    ),
    "budget-spent": Kind(
        422,
        "The budget allows no further call of the LLM",
        "Nothing has to be done: `coverage` tells what was left out. Give the next request a larger `budget`.",
    ),
    "overloaded": Kind(
        503,
        "Too many jobs are waiting",
        "Nothing was written. Try again after the seconds in `Retry-After`.",
    ),
    "too-many-connections": Kind(
        503,
        "Too many connections are open",
        "The request was not read. Try again after the seconds in `Retry-After`. MAX_CONNECTIONS sets the limit.",
    ),
    "newer-record": Kind(
        503,
        "The job was written by a newer version",
        "The service is being upgraded. Try again after the seconds in `Retry-After`.",
    ),
    "store-unavailable": Kind(
        503,
        "The job store is not available",
        "Nothing was written. Try again after the seconds in `Retry-After`.",
    ),
    "no-worker": Kind(
        503,
        "No worker does such jobs here",
        "Nothing was written. If this service has such workers at other times, try again; `/readyz` lists them. To run "
        "one: `nlp2filters worker audio`, or AUDIO=true for `nlp2filters up`.",
    ),
    "no-answer": Kind(
        503,
        "No worker answered in time",
        "Try again after the seconds in `Retry-After`. More embedding workers answer more searches at once.",
    ),
    "outcome-unknown": Kind(
        504,
        "The outcome of the request is unknown",
        "The job store did not confirm it. Send the same request again with the same `Idempotency-Key`: "
        "it is carried out only once. Without a key, check first (`GET /v1/jobs`).",
    ),
    "job-timeout": Kind(
        504,
        "The job took too long",
        "`POST` to `urls.retry` to try it again.",
    ),
    "deadline-passed": Kind(
        504,
        "The job's deadline passed before it started",
        "The service was busy. Retry, or allow more `deadline_seconds`.",
    ),
}


def problem(slug: str, detail: str, **members: Any) -> dict[str, Any]:
    """Return a problem of the type `/problems/{slug}`; `members` are its extensions."""
    kind = PROBLEMS[slug]
    return {"type": f"/problems/{slug}", "title": kind.title, "status": kind.status, "detail": detail, **members}
