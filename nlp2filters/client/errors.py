"""The errors of the client's calls.

ClientError
├── ConnectionFailed
├── InvalidResponse
├── WaitTimeout
├── JobFailed
└── APIError
    ├── AuthError
    ├── NotFoundError
    ├── Conflict
    ├── BadRequest
    └── ServiceBusy
"""

from collections.abc import Mapping, Sequence

from nlp2filters.errors import NLP2FiltersError, Violation


class ClientError(NLP2FiltersError):
    """A call of a service failed."""


class ConnectionFailed(ClientError):
    """The service gave no answer, even after retries."""


class InvalidResponse(ClientError):
    """The service sent an answer that this version of the client does not understand."""


class WaitTimeout(ClientError):
    """The job or batch has not ended in the given time; it continues."""

    def __init__(self, subject: str, timeout_s: float) -> None:
        super().__init__(f"{subject} has not ended within {timeout_s:g} s. It goes on: follow it, or cancel it.")
        self.subject, self.timeout_s = subject, timeout_s


class JobFailed(ClientError):
    """The job ended without a result; if it failed, `problem` gives the reason."""

    def __init__(self, job_id: str, status: str, problem: Mapping[str, object] | None = None) -> None:
        super().__init__(f"Job {job_id} is {status}" + (f": {problem['detail']}" if problem else "."))
        self.job_id, self.status, self.problem = job_id, status, problem


class APIError(ClientError):
    """The service answered with a problem (RFC 9457).

    `type` is the address of a page about the problem, and `slug` the last part of that address. `violations` are the
    input's faults. `retry_after_s` is the time that the client should wait. `subject` is the problem's job or batch,
    if it names one.
    """

    def __init__(
        self,
        status: int,
        *,
        type: str,  # noqa: A002
        title: str,
        detail: str,
        violations: Sequence[Violation] = (),
        retry_after_s: float | None = None,
        subject: str | None = None,
    ) -> None:
        violation_list = "; ".join(f"{violation.pointer or '/'}: {violation.detail}" for violation in violations)
        super().__init__(violation_list or detail or title)
        self.status, self.type, self.title, self.detail = status, type, title, detail
        self.slug = type.rpartition("/")[2]
        self.violations, self.retry_after_s, self.subject = tuple(violations), retry_after_s, subject


class AuthError(APIError):
    """There is no valid API key, or it does not allow the request."""


class NotFoundError(APIError):
    """The id or name is wrong, or what it names belongs to another owner or is no longer kept."""


class Conflict(APIError):
    """The current state does not allow the request."""


class BadRequest(APIError):
    """The request has faults, listed in `violations`."""


class ServiceBusy(APIError):
    """The service has no capacity for the request, even after retries. Nothing was written."""
