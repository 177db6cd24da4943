"""Every error that NLP2Filters raises itself.

NLP2FiltersError
├── InvalidInput            the caller's input has faults, each with a JSON pointer
│   ├── InvalidRequest      a request body, a header or a query parameter
│   ├── InvalidCatalog      a catalog
│   ├── InvalidFilter       a filter that does not fit its catalog
│   └── InvalidCases        an evaluation's cases
├── JobNotFound             no such job, or it is another owner's
├── JobGone                 the job is past its retention time
├── PartGone                a part of a job's request is not kept any more
├── BatchNotFound           no such batch, or it is another owner's
├── CatalogNotFound         no catalog of that name
├── TooManyCatalogs         the owner has as many as it may
├── IllegalTransition       the job's status does not allow the step
│   └── CancelRequested     its owner wants no more of it
├── NotFinished             the job has not ended, and what is asked needs that
├── BatchNotEnded           the batch has not ended, and what is asked needs that
├── NotRetryable            the job did not fail
├── NoWebhook               there is nobody to tell
├── AlreadyDelivering       the webhook is still being tried
├── StaleAttempt            another attempt of the stage has taken over
├── Overloaded              the backlog is full; nothing was written
├── TooManyPending          the owner has too many jobs that have not ended
├── TooManyBytes            the owner has added too much
├── TooManyRequests         the owner asks too often
├── TooManyStreams          the owner follows too much at once
├── IdempotencyKeyReused    the idempotency key stands for another request
├── ReplayGone              what the idempotency key made is not kept any more
├── NotAcceptable           the client takes no form that there is
├── Unauthenticated         no valid API key
├── Forbidden               the API key does not allow it
├── NewerRecord             a job was written by a newer version of this program
├── UnknownKey              there is no API key of that id
├── TextTooComplex          reading the text against its catalog takes more work than one text may cost
├── ParserFailed            a parser process ended or failed
├── ModelUnavailable        no source could supply the embedding model
├── RedisServerMissing      no Redis server to start, and none configured
├── WebhookRefused          a callback address that must not be called
├── UnreadableSource        a file or database that a command was given cannot be read
├── UnwritableFile          a file that a command was to write
├── NoLLM                   a command needs an LLM and the settings name none
├── InvalidSignature        a webhook's message is not from whom it seems to be
├── ClientError             a call of a service came to nothing
│   ├── Unreachable         no answer, also after the retries
│   ├── UnreadableAnswer    an answer that this version of the client does not understand
│   ├── WaitedTooLong       the job or batch has not ended in the time that was given
│   ├── JobUnsuccessful     the job ended without a result
│   └── ServiceProblem      the service answered with a problem
│       ├── AccessRefused   401, 403: no valid key, or one that does not allow it
│       ├── NotThere        404, 410: wrong id or name, another owner's, or no longer kept
│       ├── Conflict        409: the state of things does not allow it
│       ├── InputRefused    400, 406, 413, 415, 422: the request has faults
│       └── Busy            429, 503: nothing was written, also after the retries
└── ProviderError           the LLM call gave nothing usable
    ├── ProviderTimeout     the total deadline passed
    ├── ProviderRejected    4xx: wrong key, wrong model, bad request; never retried
    ├── ProviderUnavailable 408, 409, 429, 5xx or no connection, after the retries
    ├── AnswerRefused       the model declined to answer
    ├── AnswerTruncated     the answer was cut at the token limit
    └── InvalidAnswer       the answer is no JSON of the asked form, or does not fit the catalog
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self


class NLP2FiltersError(Exception):
    """Base of all the others."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with an input: `pointer` (RFC 6901) says where, `detail` what to do."""

    pointer: str
    detail: str


class InvalidInput(NLP2FiltersError):
    """The caller's input has faults; all that were found are in `faults`."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("; ".join(f"{fault.pointer or '/'}: {fault.detail}" for fault in faults))
        self.faults = tuple(faults)

    def under(self, pointer: str) -> Self:
        """The same faults, seen from the document in which the faulty part stands at `pointer`."""
        return type(self)([Fault(pointer + fault.pointer, fault.detail) for fault in self.faults])


class InvalidRequest(InvalidInput):
    """A request body, a header or a query parameter is wrong."""


class InvalidCatalog(InvalidInput):
    """A catalog is wrong."""


class InvalidFilter(InvalidInput):
    """A filter does not fit its catalog."""


class InvalidCases(InvalidInput):
    """The cases of an evaluation are wrong; the first part of a pointer is the line."""


class MalformedJSON(NLP2FiltersError):
    """The body is not JSON, or nested too deep."""


class UnsupportedMediaType(NLP2FiltersError):
    """The body is of another media type than the address takes."""

    def __init__(self, media_type: str, expected: str) -> None:
        super().__init__(f"The body is {media_type or 'of no declared type'}. Send Content-Type: {expected}.")
        self.media_type, self.expected = media_type, expected


class PayloadTooLarge(NLP2FiltersError):
    """The body is larger than allowed."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"The body is larger than {limit} bytes.")
        self.limit = limit


class MalformedCursor(NLP2FiltersError):
    """An event cursor that is no stream entry id."""

    def __init__(self, cursor: str) -> None:
        super().__init__(f"{cursor[:60]!r} is no event id. Send back the id of the last event that you got, or none.")
        self.cursor = cursor


class JobNotFound(NLP2FiltersError):
    """No such job, or it belongs to somebody else."""

    def __init__(self, job_id: str) -> None:
        super().__init__(f"There is no job {job_id!r}. It may have passed its retention time.")
        self.job_id = job_id


class JobGone(NLP2FiltersError):
    """The job was here, but its retention time is over."""

    def __init__(self, job_id: str) -> None:
        super().__init__(f"Job {job_id} is past its retention time: its result is no longer kept.")
        self.job_id = job_id


class PartGone(NLP2FiltersError):
    """A large part of a job's request, such as its catalog, is not kept any more."""

    def __init__(self, name: str) -> None:
        super().__init__(f"The job's {name} is no longer kept.")
        self.name = name


class BatchNotFound(NLP2FiltersError):
    """No such batch, or it belongs to somebody else."""

    def __init__(self, batch_id: str) -> None:
        super().__init__(f"There is no batch {batch_id!r}. It may have passed its retention time.")
        self.batch_id = batch_id


class CatalogNotFound(NLP2FiltersError):
    """No catalog of that name."""

    def __init__(self, name: str, known: Sequence[str] = ()) -> None:
        super().__init__(f"There is no catalog {name!r}." + (f" Packaged ones: {', '.join(known)}." if known else ""))
        self.name = name


class TooManyCatalogs(NLP2FiltersError):
    """The owner has as many catalogs as it may, or as many bytes of them."""

    def __init__(self, limit: int, limit_bytes: int) -> None:
        super().__init__(f"You may have {limit} catalogs of {limit_bytes} bytes in all. Delete one first.")
        self.limit, self.limit_bytes = limit, limit_bytes


class NoDemoData(NLP2FiltersError):
    """The catalog comes without rows to search."""

    def __init__(self, catalog: str | None) -> None:
        super().__init__(f"The catalog {catalog!r} has no demo data: only the packaged catalogs have.")
        self.catalog = catalog


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
    """The job's status does not allow the step that was asked for."""

    def __init__(self, job_id: str, status: str, step: str) -> None:
        super().__init__(f"Job {job_id} is {status}: it cannot {step}.")
        self.job_id, self.status, self.step = job_id, status, step


class NotFinished(NLP2FiltersError):
    """The job has not ended, and what was asked for needs that."""

    def __init__(self, job_id: str, status: str) -> None:
        super().__init__(f"Job {job_id} is {status}: wait until it has ended, or cancel it.")
        self.job_id, self.status = job_id, status


class BatchNotEnded(NLP2FiltersError):
    """The batch has not ended, and what was asked for needs that."""

    def __init__(self, batch_id: str, status: str) -> None:
        super().__init__(f"Batch {batch_id} is {status}: wait until it has ended, or cancel it.")
        self.batch_id, self.status = batch_id, status


class NotRetryable(NLP2FiltersError):
    """Only a job that failed, was canceled or expired is asked again."""

    def __init__(self, job_id: str, status: str) -> None:
        super().__init__(f"Job {job_id} is {status}: only a failed, canceled or expired job can be retried.")
        self.job_id, self.status = job_id, status


class NoWebhook(NLP2FiltersError):
    """The job or batch has no webhook to tell of its end."""

    def __init__(self, subject: str) -> None:
        super().__init__(f"{subject} has no webhook that is told of its outcome.")
        self.subject = subject


class AlreadyDelivering(NLP2FiltersError):
    """The webhook of the job or batch is still being tried."""

    def __init__(self, subject: str) -> None:
        super().__init__(f"The webhook of {subject} is still being tried: see its deliveries.")
        self.subject = subject


class CancelRequested(IllegalTransition):
    """The job is being canceled: its worker may let go of it, nothing else."""


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
    """The owner has as many jobs waiting or running as it may: nothing was written."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"You may have {limit} jobs that have not ended. Wait until some of them have.")
        self.limit, self.retry_after_s = limit, 5


class TooManyBytes(NLP2FiltersError):
    """The owner's requests have added as many bytes as they may: nothing was written."""

    def __init__(self, limit: int, retry_after_s: int) -> None:
        super().__init__(
            f"Your requests may add {limit} bytes in the time for which jobs are kept. "
            f"There is room again in {retry_after_s} s."
        )
        self.limit, self.retry_after_s = limit, retry_after_s


class TooManyRequests(NLP2FiltersError):
    """The owner has made as many requests as it may in this window of time: nothing was written."""

    def __init__(self, limit: int, window_s: int, retry_after_s: int) -> None:
        super().__init__(f"You may submit {limit} times in {window_s} s. Try again in {retry_after_s} s.")
        self.limit, self.window_s, self.retry_after_s = limit, window_s, retry_after_s


class TooManyStreams(NLP2FiltersError):
    """The owner has as many streams open as it may."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"You may have {limit} streams open at once. Close some, or poll.")
        self.limit, self.retry_after_s = limit, 30


class IdempotencyKeyReused(NLP2FiltersError):
    """The key was used before, for a request that asked for something else."""

    def __init__(self, key: str) -> None:
        super().__init__(f"The Idempotency-Key {key!r} was used for another request. Use a new key for each request.")
        self.key = key


class ReplayGone(NLP2FiltersError):
    """The request was carried out before, and the job or batch `subject` that it made is not kept any more."""

    def __init__(self, subject: str) -> None:
        super().__init__(f"This request made {subject}, which was deleted or is past its retention time.")
        self.subject = subject


class NotAcceptable(NLP2FiltersError):
    """The client's `Accept` names no form that there is."""

    def __init__(self, accept: str, offered: str) -> None:
        super().__init__(f"This is sent as {offered}, which `Accept: {accept[:60]}` does not allow.")
        self.accept, self.offered = accept, offered


class Unauthenticated(NLP2FiltersError):
    """The caller has shown no valid API key, and needs one."""


class Forbidden(NLP2FiltersError):
    """The caller's API key does not allow it."""

    def __init__(self, scope: str) -> None:
        super().__init__(f"This needs an API key with the scope {scope!r}.")
        self.scope = scope


class UnknownKey(NLP2FiltersError):
    """There is no API key of that id."""

    def __init__(self, id_: str) -> None:
        super().__init__(f"There is no API key {id_!r}: `nlp2filters keys list` shows those that there are.")
        self.id = id_


class NewerRecord(NLP2FiltersError):
    """A job was written by a newer version of this program, beside which this one still runs."""


class TextTooComplex(NLP2FiltersError):
    """Reading the text against its catalog takes more work than one text may cost. Trying again does not help."""

    def __init__(self, detail: str) -> None:
        super().__init__(f"Reading this text against this catalog takes too much work: {detail}.")
        self.detail = detail


class ParserFailed(NLP2FiltersError):
    """A parser process ended or failed, through no limit on the work of a text."""


class ModelUnavailable(NLP2FiltersError):
    """No source could supply the embedding model."""


class RedisServerMissing(NLP2FiltersError):
    """There is no Redis server to start, and REDIS_URL names none."""


class RedisServerFailed(NLP2FiltersError):
    """The Redis server that we started does not run."""


class WebhookRefused(NLP2FiltersError):
    """A callback address that must not be called: not https, private, or our own."""


class UnreadableSource(NLP2FiltersError):
    """A file or database that a command was given cannot be read."""


class UnwritableFile(NLP2FiltersError):
    """A file that a command was to write."""


class NoLLM(NLP2FiltersError):
    """A command needs an LLM and the settings name none."""


class InvalidSignature(NLP2FiltersError):
    """A webhook's message is not from whom it seems to be, or is too old."""


class ClientError(NLP2FiltersError):
    """A call of a service came to nothing."""


class Unreachable(ClientError):
    """The service gave no answer, also after the retries."""


class UnreadableAnswer(ClientError):
    """The service answered what this version of the client does not understand."""


class WaitedTooLong(ClientError):
    """The job or batch has not ended in the time that was given; it goes on."""

    def __init__(self, subject: str, timeout_s: float) -> None:
        super().__init__(f"{subject} has not ended within {timeout_s:g} s. It goes on: follow it, or cancel it.")
        self.subject, self.timeout_s = subject, timeout_s


class JobUnsuccessful(ClientError):
    """The job ended without a result; `problem` says why, where something went wrong."""

    def __init__(self, job_id: str, status: str, problem: Mapping[str, object] | None = None) -> None:
        super().__init__(f"Job {job_id} is {status}" + (f": {problem['detail']}" if problem else "."))
        self.job_id, self.status, self.problem = job_id, status, problem


class ServiceProblem(ClientError):
    """The service answered with a problem (RFC 9457).

    `type` is the address of a page about it, `slug` the last part of that. `faults` name what is wrong with the
    input; `retry_after_s` is how long the service wants to be left alone. `subject` is the job or batch that the
    problem is about, where it names one.
    """

    def __init__(
        self,
        status: int,
        *,
        type: str,  # noqa: A002
        title: str,
        detail: str,
        faults: Sequence[Fault] = (),
        retry_after_s: float | None = None,
        subject: str | None = None,
    ) -> None:
        named = "; ".join(f"{fault.pointer or '/'}: {fault.detail}" for fault in faults)
        super().__init__(named or detail or title)
        self.status, self.type, self.title, self.detail = status, type, title, detail
        self.slug = type.rpartition("/")[2]
        self.faults, self.retry_after_s, self.subject = tuple(faults), retry_after_s, subject


class AccessRefused(ServiceProblem):
    """There is no valid API key, or it does not allow this."""


class NotThere(ServiceProblem):
    """The id or name is wrong, is another owner's, or is no longer kept."""


class Conflict(ServiceProblem):
    """The state of things does not allow it."""


class InputRefused(ServiceProblem):
    """The request has faults, which `faults` names."""


class Busy(ServiceProblem):
    """The service has no room for it now, also after the retries. Nothing was written."""


class ProviderError(NLP2FiltersError):
    """The LLM call gave nothing usable. `retryable` says whether a later call may; `status` is the answer's, if any.

    The text of the error quotes the provider, whose words may name accounts, models and limits of the operator. A job's
    owner is told the `public` text instead.
    """

    retryable = False
    summary = "The LLM gave no usable answer"

    def __init__(self, detail: str = "", status: int | None = None) -> None:
        super().__init__(detail)
        self.status = status

    @property
    def public(self) -> str:
        """The kind of error, and the status."""
        return f"{self.summary} (status {self.status})." if self.status else f"{self.summary}."


class ProviderTimeout(ProviderError):
    """The total deadline of the call passed."""

    retryable = True
    summary = "The LLM did not answer in time"


class ProviderRejected(ProviderError):
    """The provider answered 4xx: wrong key, wrong model or bad request."""

    summary = "The LLM's API rejected the request"


class ProviderUnavailable(ProviderError):
    """408, 409, 429, 5xx or no connection, also after the retries."""

    retryable = True
    summary = "The LLM's API is overloaded or out of reach"


class AnswerRefused(ProviderError):
    """The model declined to answer."""

    summary = "The model declined to answer"


class AnswerTruncated(ProviderError):
    """The answer was cut at the token limit."""

    summary = "The model's answer was cut at the token limit"


class InvalidAnswer(ProviderError):
    """The answer is no JSON of the asked form, or does not fit the catalog."""

    summary = "The model's answer does not have the form that was asked for"
