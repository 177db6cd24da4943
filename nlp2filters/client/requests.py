"""Requests to the service: built, sent, and sent again while that may help."""

import json
import time
from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, TypeVar

import httpx
from httpx_sse import ServerSentEvent
from pydantic import BaseModel

from nlp2filters.client import responses
from nlp2filters.client.errors import APIError, ConnectionFailed, ServiceBusy, WaitTimeout
from nlp2filters.client.transport import Transport
from nlp2filters.retry import Backoff, Retries

PATIENCE_S = 60.0
BACKOFF = Backoff(first_s=0.2, max_s=10.0)
JITTER_S = 0.2
# A request may take longer than the 25 s for which a service delays its answer.
TIMEOUT_S = 30.0

# With these statuses, it is unknown whether the service has carried out the request.
_UNKNOWN_OUTCOME = frozenset({502, 504})

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Call:
    """A request. If `repeatable`, it can safely be sent again if its answer was lost.

    `body` is sent as JSON, `content` as it is. `good` are statuses that are valid answers, in addition to those of
    success.
    """

    method: str
    path: str
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, str | Sequence[str]] = field(default_factory=dict)
    repeatable: bool = True
    good: Collection[int] = ()
    content: bytes | None = None


class Deadline:
    """The deadline for waiting for a job or batch; without `timeout_s`, there is none."""

    def __init__(self, subject: str, timeout_s: float | None) -> None:
        self._subject, self._timeout_s = subject, timeout_s
        self._at = None if timeout_s is None else time.monotonic() + timeout_s

    def left_s(self, limit_s: float) -> float:
        """Return the seconds left, but at most `limit_s`.

        Raises:
            WaitTimeout: no time is left.
        """
        if self._at is None or self._timeout_s is None:
            return limit_s
        left_s = self._at - time.monotonic()
        if left_s <= 0:
            raise WaitTimeout(self._subject, self._timeout_s)
        return min(limit_s, left_s)


NO_DEADLINE = Deadline("", None)


class Requester:
    """A sender of requests to one service. Each is retried for up to `patience_s` seconds."""

    def __init__(self, transport: Transport, patience_s: float) -> None:
        self._transport = transport
        self._patience_s = patience_s

    async def close(self) -> None:
        """Close the connections."""
        await self._transport.close()

    async def sleep(self, seconds: float) -> None:
        """Sleep."""
        await self._transport.sleep(seconds)

    async def read(self, model: type[M], call: Call) -> M:
        """Send a request, and read the answer into a model."""
        return responses.read(model, (await self.send(call)).content)

    async def download(self, call: Call) -> AsyncGenerator[bytes]:
        """Send a request as `send` does, and yield the content of the answer in pieces, which are never sent again.

        Raises:
            ClientError: there was no valid answer, or it broke off.
        """
        response = await self.send(call, stream=True)
        try:
            async with aclosing(self._transport.pieces(response)) as pieces:
                async for piece in pieces:
                    yield piece
        except httpx.TransportError as exc:
            raise ConnectionFailed(f"The answer of {response.url} broke off: {exc}") from exc

    async def send(self, call: Call, deadline: Deadline = NO_DEADLINE, *, stream: bool = False) -> httpx.Response:
        """Send a request, and retry while that may help. Returns the answer if it is a valid one; a `stream` unread.

        Raises:
            ClientError: there was no valid answer.
        """
        retries = Retries(BACKOFF, self._patience_s, jitter_s=JITTER_S)
        while True:
            try:
                return await self._try(call, deadline.left_s(TIMEOUT_S), stream=stream)
            except (APIError, ConnectionFailed) as exc:
                retry_after_s = exc.retry_after_s if isinstance(exc, APIError) else None
                wait_s = retries.next_wait_s(retry_after_s) if _is_retryable(call, exc) else None
                if wait_s is None:
                    raise
            await self._transport.sleep(deadline.left_s(wait_s))

    async def _try(self, call: Call, timeout_s: float, *, stream: bool) -> httpx.Response:
        request = self._build(call, timeout_s)
        try:
            response = await self._transport.send(request, stream=stream)
        except (httpx.UnsupportedProtocol, httpx.LocalProtocolError) as exc:
            raise ConnectionFailed(f"{request.url} cannot be asked: {str(exc).rstrip('.')}") from exc
        except httpx.TransportError as exc:
            reason = str(exc).rstrip(".") or type(exc).__name__
            raise ConnectionFailed(f"{request.url} does not answer: {reason}") from exc
        if response.is_success or response.status_code in call.good:
            return response
        raise responses.to_error(response)

    def _build(self, call: Call, timeout_s: float) -> httpx.Request:
        """Build the request. Its JSON is ASCII, so that invalid Unicode is refused by the service, not by httpx."""
        content = call.content if call.body is None else json.dumps(call.body).encode()
        content_type = {} if call.body is None else {"Content-Type": "application/json"}
        headers = {**content_type, **call.headers}
        return self._transport.build(
            call.method, call.path, content=content, headers=headers, params=call.params, timeout=timeout_s
        )

    async def open_stream(self, path: str, cursor: str | None, timeout_s: float) -> httpx.Response:
        """Open a stream of events. The answer is 204 if there are no more events.

        Raises:
            httpx.TransportError: there is no stream, but a later try may get one.
            APIError: the service has refused the request.
        """
        headers = {"Accept": "text/event-stream", **({"Last-Event-ID": cursor} if cursor else {})}
        request = self._build(Call("GET", path, headers=headers), timeout_s)
        response = await self._transport.send(request, stream=True)
        if response.is_success:
            return response
        error = responses.to_error(response)
        if error.status >= 500 and not isinstance(error, ServiceBusy):
            raise httpx.RemoteProtocolError(str(error))
        raise error

    def events(self, response: httpx.Response) -> AsyncGenerator[ServerSentEvent]:
        """Yield the events of an open stream, and close it at the end."""
        return self._transport.events(response)


def _is_retryable(call: Call, error: APIError | ConnectionFailed) -> bool:
    """Return True if the request may be sent again: nothing was done, or doing it twice does no harm."""
    if isinstance(error, APIError):
        return isinstance(error, ServiceBusy) or (call.repeatable and error.status in _UNKNOWN_OUTCOME)
    match error.__cause__:
        case httpx.UnsupportedProtocol() | httpx.LocalProtocolError():
            return False
        case httpx.ConnectError() | httpx.ConnectTimeout():
            return True
    return call.repeatable
