"""The errors that NLP2Filters raises itself; those of the client are in `client/errors.py`.

NLP2FiltersError
├── InvalidInput
│   ├── InvalidRequest
│   ├── InvalidCatalog
│   ├── InvalidFilter
│   └── InvalidCases
├── MalformedJSON
├── UnsupportedMediaType
├── PayloadTooLarge
├── MalformedCursor
├── JobNotFound
├── JobGone
├── PartGone
├── BlobGone
├── BlobStoreUnavailable
├── BatchNotFound
├── CatalogNotFound
├── TooManyCatalogs
├── NoDemoData
├── NoReport
├── NoSearchIndex
├── ResultNotReady
├── IllegalTransition
│   └── CancelRequested
├── NotFinished
├── BatchNotEnded
├── NotRetryable
├── NoQuestion
├── NoWebhook
├── AlreadyDelivering
├── StaleAttempt
├── Overloaded
├── TooManyPending
├── TooManyBytes
├── TooManyRequests
├── DailyCostReached
├── TooManyStreams
├── IdempotencyKeyReused
├── ReplayGone
├── NotAcceptable
├── Unauthenticated
├── Forbidden
├── UnknownKey
├── NotConfirmed
├── UnsupportedRecordVersion
├── TextTooComplex
├── TooManyParts
├── UploadRefused
├── ArchiveRefused
├── RecordingRefused
├── NoWorker
├── NoAnswer
├── ParserFailed
├── ModelUnavailable
├── RedisServerMissing
├── RedisServerFailed
├── WebhookRefused
├── SourceError
├── UnwritableFile
├── InvalidSetting
├── ExtraMissing
├── LLMNotConfigured
├── InvalidSignature
├── PutOff
└── ProviderError
    ├── ProviderTimeout
    ├── ProviderRejected
    ├── ProviderUnavailable
    │   └── RateLimited
    ├── NotAffordable
    ├── BudgetSpent
    ├── AnswerRefused
    ├── AnswerTruncated
    └── InvalidAnswer
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self


class NLP2FiltersError(Exception):
    """The base class of all errors."""


@dataclass(frozen=True, slots=True)
class Violation:
    """One violation of an input's rules: `pointer` (RFC 6901) gives its place, `detail` the remedy."""

    pointer: str
    detail: str


def pointer(*members: str | int) -> str:
    """Return the JSON pointer (RFC 6901) that leads through these members of objects and indexes of lists."""
    return "".join("/" + str(member).replace("~", "~0").replace("/", "~1") for member in members)


class InvalidInput(NLP2FiltersError):
    """The caller's input has faults, all listed in `violations`."""

    def __init__(self, violations: Sequence[Violation]) -> None:
        super().__init__("; ".join(f"{violation.pointer or '/'}: {violation.detail}" for violation in violations))
        self.violations = tuple(violations)

    def prefixed(self, pointer: str) -> Self:
        """Return the same faults for the document that contains the faulty part at `pointer`."""
        return type(self)([Violation(pointer + violation.pointer, violation.detail) for violation in self.violations])


class InvalidRequest(InvalidInput):
    """A request body, a header or a query parameter is wrong."""


class InvalidCatalog(InvalidInput):
    """A catalog is wrong."""


class InvalidFilter(InvalidInput):
    """A filter does not fit its catalog."""


class InvalidCases(InvalidInput):
    """The cases of an evaluation are wrong; the first part of a pointer is the line."""


class MalformedJSON(NLP2FiltersError):
    """The body is not JSON, or is nested too deeply."""


class UnsupportedMediaType(NLP2FiltersError):
    """The body has a media type that the endpoint does not accept."""

    def __init__(self, media_type: str, expected: str) -> None:
        super().__init__(f"The body is {media_type or 'of no declared type'}. Send Content-Type: {expected}.")
        self.media_type, self.expected = media_type, expected


class PayloadTooLarge(NLP2FiltersError):
    """The body is larger than allowed."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"The body is larger than {limit} bytes.")
        self.limit = limit


class MalformedCursor(NLP2FiltersError):
    """An event cursor is not a stream entry's id."""

    def __init__(self, cursor: str) -> None:
        super().__init__(f"{cursor[:60]!r} is no event id. Send back the id of the last event that you got, or none.")
        self.cursor = cursor


class JobNotFound(NLP2FiltersError):
    """The job does not exist, or belongs to another owner."""

    def __init__(self, job_id: str) -> None:
        super().__init__(f"There is no job {job_id!r}. It may have passed its retention time.")
        self.job_id = job_id


class JobGone(NLP2FiltersError):
    """The job was here, but its retention time is over."""

    def __init__(self, job_id: str) -> None:
        super().__init__(f"Job {job_id} is past its retention time: its result is no longer kept.")
        self.job_id = job_id


class PartGone(NLP2FiltersError):
    """A large part of a job's request, such as its catalog, is no longer kept."""

    def __init__(self, name: str) -> None:
        super().__init__(f"The job's {name} is no longer kept.")
        self.name = name


class BlobGone(NLP2FiltersError):
    """An uploaded file is no longer kept."""

    def __init__(self, digest: str) -> None:
        super().__init__(f"The uploaded file with the SHA-256 {digest} is no longer kept. Upload it again.")
        self.digest = digest


class BlobStoreUnavailable(NLP2FiltersError):
    """The store for uploaded files is out of reach or full: nothing was stored."""

    retry_after_s = 5


class BatchNotFound(NLP2FiltersError):
    """The batch does not exist, or belongs to another owner."""

    def __init__(self, batch_id: str) -> None:
        super().__init__(f"There is no batch {batch_id!r}. It may have passed its retention time.")
        self.batch_id = batch_id


class CatalogNotFound(NLP2FiltersError):
    """There is no catalog with this name."""

    def __init__(self, name: str, packaged: Sequence[str] = ()) -> None:
        super().__init__(
            f"There is no catalog {name!r}." + (f" Packaged ones: {', '.join(packaged)}." if packaged else "")
        )
        self.name = name


class TooManyCatalogs(NLP2FiltersError):
    """The owner has reached its limit of catalogs, or of their bytes."""

    def __init__(self, limit: int, limit_bytes: int) -> None:
        super().__init__(f"You may have {limit} catalogs of {limit_bytes} bytes in all. Delete one first.")
        self.limit, self.limit_bytes = limit, limit_bytes


class NoDemoData(NLP2FiltersError):
    """The catalog comes without rows to search."""

    def __init__(self, catalog: str | None) -> None:
        super().__init__(f"The catalog {catalog!r} has no demo data: only the packaged catalogs have.")
        self.catalog = catalog


class NoReport(NLP2FiltersError):
    """The job is of a kind that has no report."""

    def __init__(self, job_id: str) -> None:
        super().__init__(f"The job {job_id} has no report: only analyses have.")


class NoSearchIndex(NLP2FiltersError):
    """The code of an analysis can no longer be searched."""

    def __init__(self, job_id: str) -> None:
        super().__init__(
            f"The job {job_id} cannot be searched: its index is no longer kept, or of another version of this service. "
            "Analyse the code again."
        )


class ResultNotReady(NLP2FiltersError):
    """The job has not ended, or it ended without a result; `error` is then the job's problem object."""

    def __init__(self, job_id: str, status: str, error: Mapping[str, object] | None = None) -> None:
        super().__init__(
            f"Job {job_id} is {status}: wait until it has ended."
            if status in ("queued", "running", "canceling")
            else f"Job {job_id} is {status}: it has no result."
        )
        self.job_id, self.status, self.error = job_id, status, error


class IllegalTransition(NLP2FiltersError):
    """The job's status does not allow the requested step."""

    def __init__(self, job_id: str, status: str, step: str) -> None:
        super().__init__(f"Job {job_id} is {status}: it cannot {step}.")
        self.job_id, self.status, self.step = job_id, status, step


class NotFinished(NLP2FiltersError):
    """The request needs a job that has ended, and this one has not."""

    def __init__(self, job_id: str, status: str) -> None:
        super().__init__(f"Job {job_id} is {status}: wait until it has ended, or cancel it.")
        self.job_id, self.status = job_id, status


class BatchNotEnded(NLP2FiltersError):
    """The request needs a batch that has ended, and this one has not."""

    def __init__(self, batch_id: str, status: str) -> None:
        super().__init__(f"Batch {batch_id} is {status}: wait until it has ended, or cancel it.")
        self.batch_id, self.status = batch_id, status


class NotRetryable(NLP2FiltersError):
    """The job cannot be retried, as it neither failed, nor was canceled, nor expired."""

    def __init__(self, job_id: str, status: str) -> None:
        super().__init__(f"Job {job_id} is {status}: only a failed, canceled or expired job can be retried.")
        self.job_id, self.status = job_id, status


class NoQuestion(NLP2FiltersError):
    """The result of the job has no clarification to answer."""

    def __init__(self, job_id: str) -> None:
        super().__init__(f"The result of job {job_id} has no `clarification`, so there is nothing to answer.")
        self.job_id = job_id


class NoWebhook(NLP2FiltersError):
    """The job or batch has no webhook that is called at its end."""

    def __init__(self, subject: str) -> None:
        super().__init__(f"{subject} has no webhook that is told of its outcome.")
        self.subject = subject


class AlreadyDelivering(NLP2FiltersError):
    """The webhook of the job or batch is still being tried."""

    def __init__(self, subject: str) -> None:
        super().__init__(f"The webhook of {subject} is still being tried: see its deliveries.")
        self.subject = subject


class CancelRequested(IllegalTransition):
    """The job is being canceled: its worker may only end it."""


class StaleAttempt(NLP2FiltersError):
    """Another attempt of this stage has taken over; this one must write nothing."""

    def __init__(self, job_id: str, stage: str, attempt: int) -> None:
        super().__init__(f"Attempt {attempt} of stage {stage} of job {job_id} has been superseded.")
        self.job_id, self.stage, self.attempt = job_id, stage, attempt


class Overloaded(NLP2FiltersError):
    """The backlog is full: nothing was written, try again after `retry_after_s` seconds."""

    def __init__(self, retry_after_s: int) -> None:
        super().__init__(f"Too many jobs are waiting. Try again in {retry_after_s} seconds.")
        self.retry_after_s = retry_after_s


class TooManyPending(NLP2FiltersError):
    """The owner has reached its limit of waiting and running jobs: nothing was written."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"You may have {limit} jobs that have not ended. Wait until some of them have.")
        self.limit, self.retry_after_s = limit, 5


class TooManyBytes(NLP2FiltersError):
    """The owner's requests have reached their limit of added bytes: nothing was written."""

    def __init__(self, limit: int, retry_after_s: int) -> None:
        super().__init__(
            f"Your requests may add {limit} bytes in the time for which jobs are kept. "
            f"There is room again in {retry_after_s} s."
        )
        self.limit, self.retry_after_s = limit, retry_after_s


class TooManyRequests(NLP2FiltersError):
    """The owner has reached its limit of requests in this time window: nothing was written."""

    def __init__(self, limit: int, window_s: int, retry_after_s: int) -> None:
        super().__init__(f"You may submit {limit} times in {window_s} s. Try again in {retry_after_s} s.")
        self.limit, self.window_s, self.retry_after_s = limit, window_s, retry_after_s


class DailyCostReached(NLP2FiltersError):
    """The LLM calls for an API key have cost as much today as they may: nothing was written."""

    def __init__(self, retry_after_s: int) -> None:
        super().__init__(
            "Your API key has reached its limit for the cost of LLM calls today. Use the strategy `builtin`, or try "
            f"again in {retry_after_s} s."
        )
        self.retry_after_s = retry_after_s


class TooManyStreams(NLP2FiltersError):
    """The owner has reached its limit of open streams."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"You may have {limit} streams open at once. Close some, or poll.")
        self.limit, self.retry_after_s = limit, 30


class IdempotencyKeyReused(NLP2FiltersError):
    """The key was used before, for a different request."""

    def __init__(self, key: str) -> None:
        super().__init__(f"The Idempotency-Key {key!r} was used for another request. Use a new key for each request.")
        self.key = key


class ReplayGone(NLP2FiltersError):
    """The request was carried out before, and the job or batch `subject` that it created is no longer kept.

    `subject_type` is `job` or `batch`.
    """

    def __init__(self, subject_type: str, subject: str) -> None:
        super().__init__(f"This request created {subject}, which was deleted or is past its retention time.")
        self.subject_type, self.subject = subject_type, subject


class NotAcceptable(NLP2FiltersError):
    """The client's `Accept` names no available media type."""

    def __init__(self, accept: str, offered: str) -> None:
        super().__init__(f"This is sent as {offered}, which `Accept: {accept[:60]}` does not allow.")
        self.accept, self.offered = accept, offered


class Unauthenticated(NLP2FiltersError):
    """The caller needs a valid API key, and has sent none."""


class Forbidden(NLP2FiltersError):
    """The caller's API key does not allow the request."""

    def __init__(self, scope: str) -> None:
        super().__init__(f"This needs an API key with the scope {scope!r}.")
        self.scope = scope


class UnknownKey(NLP2FiltersError):
    """There is no API key with this id."""

    def __init__(self, id_: str) -> None:
        super().__init__(f"There is no API key {id_!r}: `nlp2filters keys list` shows those that there are.")
        self.id = id_


class NotConfirmed(NLP2FiltersError):
    """A command that cannot be undone was not confirmed."""

    def __init__(self, owner: str) -> None:
        super().__init__(f"Nothing was deleted. Type the name {owner!r} when you are asked, or add --yes.")
        self.owner = owner


class UnsupportedRecordVersion(NLP2FiltersError):
    """A job's record has a version that this program does not know: a newer one runs alongside it."""


class TextTooComplex(NLP2FiltersError):
    """Reading the text against its catalog takes more work than allowed. Trying again does not help."""

    def __init__(self, detail: str) -> None:
        super().__init__(f"Reading this text against this catalog takes too much work: {detail}.")
        self.detail = detail


class TooManyParts(NLP2FiltersError):
    """A stage would split its job into more parts than allowed. Trying again does not help."""

    def __init__(self, count: int, limit: int) -> None:
        super().__init__(f"This is work for {count:,} parts; there may be {limit:,}. Submit less at once.")
        self.count, self.limit = count, limit


class UploadRefused(NLP2FiltersError):
    """An uploaded file cannot be read as it has to be. Trying again does not help; `problem` says why."""

    def __init__(self, problem: Mapping[str, object]) -> None:
        super().__init__(str(problem["detail"]))
        self.problem = problem


class ArchiveRefused(NLP2FiltersError):
    """An archive is broken or too large to analyse. The message says what to do."""


class RecordingRefused(NLP2FiltersError):
    """A recording cannot be transcribed. The message says what to do."""


class NoWorker(NLP2FiltersError):
    """No worker of this queue is alive, so that a job would wait for nobody."""

    retry_after_s = 10

    def __init__(self, queue: str) -> None:
        super().__init__(
            f"This service has no {queue} worker. Try again in a minute, or ask the operator to start "
            f"`nlp2filters worker {queue}`."
        )
        self.queue = queue


class NoAnswer(NLP2FiltersError):
    """No worker has answered a search in time."""

    retry_after_s = 5

    def __init__(self) -> None:
        super().__init__("All workers are busy, so the search was not answered in time. Try again.")


class ParserFailed(NLP2FiltersError):
    """A parser process ended or failed, for another reason than a limit on the work of a text."""


class ModelUnavailable(NLP2FiltersError):
    """No source could supply the embedding model."""


class RedisServerMissing(NLP2FiltersError):
    """There is no Redis server to start, and REDIS_URL is not set."""


class RedisServerFailed(NLP2FiltersError):
    """The Redis server that we started does not run."""


class WebhookRefused(NLP2FiltersError):
    """A callback address must not be called: it is not https, or is private, or our own."""


class SourceError(NLP2FiltersError):
    """A command's input file or database cannot be read."""


class UnwritableFile(NLP2FiltersError):
    """A command's output file cannot be written."""


class InvalidSetting(NLP2FiltersError, ValueError):
    """An environment variable has a value that is not of its type, or does not fit the others."""

    def __init__(self, variable: str, detail: str) -> None:
        super().__init__(f"{variable}: {detail.rstrip('.')}.")
        self.variable = variable


class ExtraMissing(NLP2FiltersError):
    """A command needs libraries that are installed with an extra of this package."""

    def __init__(self, command: str, extra: str, module: str | None) -> None:
        super().__init__(f"`{command}` needs `{module}`, among others: pip install 'nlp2filters[{extra}]'.")
        self.extra = extra


class LLMNotConfigured(NLP2FiltersError):
    """A command needs an LLM and the settings name none."""


class InvalidSignature(NLP2FiltersError):
    """A webhook's message is not authentic, or is too old."""


class PutOff(NLP2FiltersError):
    """A stage cannot go on now, by no fault of its job or worker: it is to be begun again in `wait_s`. It says why.

    A job that waits for its `turn` behind others is not put off for longer by that.
    """

    def __init__(self, reason: str, wait_s: float, *, turn: bool = False) -> None:
        super().__init__(reason)
        self.wait_s, self.turn = wait_s, turn


class ProviderError(NLP2FiltersError):
    """The LLM call gave nothing usable. If `retryable`, a later call may succeed; `status` is the answer's, if any.

    `usage` is what the call took all the same, under the names of `core/usage.py`. The error's text quotes the
    provider, and so may contain accounts, models and limits of the operator. A job's owner sees the `public` text
    instead, which calls the provider its `service`.
    """

    retryable = False
    service = "LLM"
    summary = "The {service} gave no usable answer"

    def __init__(self, detail: str = "", status: int | None = None, *, usage: Mapping[str, int] | None = None) -> None:
        super().__init__(detail)
        self.status, self.usage = status, usage or {}

    @property
    def public(self) -> str:
        """The kind of error and the status, without words of the provider."""
        summary = self.summary.format(service=self.service)
        return f"{summary} (status {self.status})." if self.status else f"{summary}."


class ProviderTimeout(ProviderError):
    """The total deadline of the call passed."""

    retryable = True
    summary = "The {service} did not answer in time"


class ProviderRejected(ProviderError):
    """The provider answered 4xx: wrong key, wrong model or bad request."""

    summary = "The {service}'s API rejected the request"


class ProviderUnavailable(ProviderError):
    """The provider answered 408, 409 or 5xx, or could not be reached, even after retries."""

    retryable = True
    summary = "The {service}'s API is overloaded or out of reach"


class RateLimited(ProviderUnavailable):
    """The provider limits the rate of calls, for `wait_s` longer than the caller would wait.

    `takes_calls`: it takes some, but others come first.
    """

    retryable = False

    def __init__(self, detail: str, wait_s: float, status: int | None = 429, *, takes_calls: bool = False) -> None:
        super().__init__(detail, status)
        self.wait_s, self.takes_calls = wait_s, takes_calls


class NotAffordable(ProviderError):
    """The API key has reached its limit for the cost of LLM calls today: none was made."""

    summary = "The API key has reached its limit for the cost of {service} calls today"


class BudgetSpent(ProviderError):
    """The job has made as many calls, or taken as many tokens, as its budget allows: no further request was sent."""

    summary = "The budget of the job allows no further call of the LLM"


class AnswerRefused(ProviderError):
    """The model declined to answer."""

    summary = "The model declined to answer"


class AnswerTruncated(ProviderError):
    """The answer was cut at the token limit."""

    summary = "The model's answer was cut at the token limit"


class InvalidAnswer(ProviderError):
    """The answer is no JSON of the requested form, or does not fit the catalog."""

    summary = "The model's answer does not have the form that was asked for"
