"""HTTP calls of a provider's API, with one deadline for everything, a retry budget, and a limited answer size."""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar

import httpx
import orjson

from nlp2filters.core.schemas import SSE
from nlp2filters.core.usage import Usage
from nlp2filters.errors import (
    BudgetSpent,
    InvalidAnswer,
    ProviderError,
    ProviderRejected,
    ProviderTimeout,
    ProviderUnavailable,
)
from nlp2filters.llm import PATIENCE_S, Answer, Listener, quotas
from nlp2filters.llm.connections import Connections
from nlp2filters.llm.event_data import EventData, JSONLines, ServerSentData
from nlp2filters.llm.gate import Gate
from nlp2filters.llm.telemetry import OnCall, ignore
from nlp2filters.retry import Backoff, Retries, RetryBudget

MAX_TRIES = 3
# This is the limit for the bytes of a body and for the characters of a stream's text.
MAX_ANSWER = 1_000_000
# A stream has some 300 bytes of framing around every word of its text.
MAX_STREAM = 20 * MAX_ANSWER
NDJSON = "application/x-ndjson"
WITHHELD = "[withheld]"
# At most this many characters of the provider's own message are quoted.
MAX_QUOTED = 300
BACKOFF = Backoff(first_s=1.0, max_s=8.0)
# A server that breaks off in the middle of an answer is at work: that weighs as little as this beside an outage.
BROKEN_ANSWER = 0.1
# After its last event, a stream gets this long to end in order, so that its connection can be reused.
LINGER_S = 0.2

_RATE_LIMITED = 429
_RETRIED = frozenset({408, 409, _RATE_LIMITED})
# A request has about one token for so many bytes.
_BYTES_PER_TOKEN = 4
T = TypeVar("T")
# A file in a form: its name, content and media type.
File = tuple[str, bytes, str]

_log = logging.getLogger(__name__)


class Retryable(Exception):
    """A temporary failure; `wait_s` is the wait that the provider asked for.

    `weight` is how much it counts for the circuit breaker, and takes from the retry budget.
    """

    def __init__(
        self, detail: str, wait_s: float | None = None, status: int | None = None, weight: float = 1.0
    ) -> None:
        super().__init__(detail)
        self.wait_s, self.status, self.weight = wait_s, status, weight


@dataclass(frozen=True, slots=True)
class LLMResponse:
    """A server's response: its status, headers and body, unless the body was `streamed`."""

    status: int
    headers: httpx.Headers = field(default_factory=httpx.Headers)
    body: bytes = b""
    streamed: bool = False

    @property
    def message(self) -> str:
        """The provider's own message about an error, truncated."""
        return _message(self.body)

    def check(self) -> None:
        """Check that the call was successful.

        Raises:
            Retryable: the failure may be temporary.
            ProviderRejected: the failure is permanent.
        """
        if self.status in _RETRIED or self.status >= 500:
            raise Retryable(f"{self.status}: {_message(self.body)}", quotas.wait_s(self.headers), self.status)
        if self.status != 200:
            raise ProviderRejected(f"{self.status}: {_message(self.body)}", self.status)


class StreamDecoder(Protocol):
    """A decoder that assembles an answer from the events of a stream."""

    @property
    def complete(self) -> bool:
        """True if the answer is complete, even if more events follow."""

    @property
    def usage(self) -> Usage:
        """The token counts that the events so far have reported."""

    def feed(self, data: str) -> bool:
        """Add the data of an event. Returns True if it was the last one.

        Raises:
            Retryable, ProviderError: the event reports that the call failed, or is unusable.
        """

    def result(self) -> Answer:
        """Return the answer.

        Raises:
            ProviderError: the answer is of no use.
        """


class StreamedText:
    """The text of an answer that comes in pieces, which are passed to a listener."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._pieces: list[str] = []
        self._size = 0

    def add(self, piece: object) -> None:
        """Add a piece; anything but a non-empty string is ignored.

        Raises:
            InvalidAnswer: the text is too long.
        """
        if not isinstance(piece, str) or not piece:
            return
        self._size += len(piece)
        if self._size > MAX_ANSWER:
            raise InvalidAnswer(f"The answer is longer than {MAX_ANSWER} characters.")
        self._pieces.append(piece)
        self._listener.on_delta(piece)

    def __str__(self) -> str:
        return "".join(self._pieces)


class LLMHTTPClient:
    """A client for the calls of one server. Open it with `async with`.

    `timeout_s` is the deadline for one answer, including connecting, waiting, reading and all retries. 408, 409, 5xx
    and broken connections are retried with full jitter, and `Retry-After` is honoured. A refusal for the rate of calls
    (429) is no failure: the call waits at the `gate`, for `patience_s` in all, which is not part of the deadline.
    Servers sometimes quote the `key` in their errors, which are logged and reported: so it is removed from everything
    that they send.
    """

    def __init__(
        self,
        base_url: str,
        key: str,
        headers: Mapping[str, str],
        timeout_s: float,
        *,
        gate: Gate | None = None,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self.gate = gate or Gate(base_url)
        self._key = key
        self._timeout_s = timeout_s
        self._patience_s = patience_s
        self._budget = RetryBudget()
        self._connections = Connections(base_url, headers, timeout_s)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._connections.__aexit__(kind, exc, trace)

    async def retrying(self, attempt: Callable[[], Awaitable[T]], listener: Listener | None = None) -> T:
        """Return the result of `attempt`, which is repeated after temporary failures.

        Raises:
            RateLimited: the provider limits the rate of calls for longer than this client waits.
            ProviderError: there was no usable answer in time; its subclasses give the reason.
        """
        retries = Retries(BACKOFF, self._timeout_s, max_tries=MAX_TRIES, budget=self._budget)
        patience_s = self._patience_s
        while True:
            began = time.monotonic()
            call = await self.gate.admit(patience_s)
            held_s = time.monotonic() - began
            retries.extend(held_s)
            patience_s -= held_s
            with call:
                try:
                    answer = await self._try(attempt, retries, listener)
                except Retryable as exc:
                    if exc.status == _RATE_LIMITED:
                        call.refused(exc.wait_s)
                        continue
                    call.failed(exc.weight)
                    failure = exc
                except BudgetSpent:  # Nothing was sent, which says nothing about the provider.
                    raise
                except ProviderTimeout:
                    call.failed()
                    raise
                except ProviderError:
                    call.succeeded()
                    raise
                else:
                    call.succeeded()
                    self._budget.deposit()
                    return answer
            await self._wait_after(failure, retries, listener)

    async def _try(self, attempt: Callable[[], Awaitable[T]], retries: Retries, listener: Listener | None) -> T:
        if listener:
            listener.on_start()
        try:
            async with asyncio.timeout(retries.remaining_s):
                return await attempt()
        except TimeoutError as exc:
            raise ProviderTimeout(f"No answer within {self._timeout_s:g} s.") from exc

    async def _wait_after(self, failure: Retryable, retries: Retries, listener: Listener | None) -> None:
        """Wait before the next try.

        Raises:
            ProviderUnavailable: there is none.
        """
        wait_s = retries.next_wait_s(failure.wait_s, cost=failure.weight)
        if wait_s is None:
            raise ProviderUnavailable(str(failure), failure.status) from failure
        _log.info("the LLM call is tried again in %.1f s: %s", wait_s, failure)
        if listener:
            listener.on_retry(wait_s, retries.failures + 1, MAX_TRIES)
        await asyncio.sleep(wait_s)

    async def post(
        self,
        path: str,
        data: Mapping[str, Any],
        decoder: StreamDecoder | None = None,
        *,
        max_bytes: int = MAX_ANSWER,
    ) -> LLMResponse:
        """Send JSON and read the response, whose size is checked while it comes. A stream's events go to the `decoder`.

        Raises:
            Retryable: the connection broke, or a stream ended before its answer was complete.
            InvalidAnswer: the body is too long, or cannot be decompressed.
        """
        content = orjson.dumps(data)
        tokens = len(content) // _BYTES_PER_TOKEN
        return await self._send(path, content, "application/json", decoder, tokens=tokens, max_bytes=max_bytes)

    async def post_form(self, path: str, fields: Mapping[str, Any], file: File) -> LLMResponse:
        """Send a form with these fields and a `file`, and read the response, as `post` does.

        Raises:
            Retryable: the connection broke.
            InvalidAnswer: the body is too long.
        """
        form = httpx.Request("POST", "http://form", data=dict(fields), files={"file": file})
        content, media_type = form.read(), form.headers["content-type"]
        return await self._send(path, content, media_type, None, tokens=1, max_bytes=MAX_ANSWER)

    async def _send(
        self, path: str, content: bytes, media_type: str, decoder: StreamDecoder | None, *, tokens: int, max_bytes: int
    ) -> LLMResponse:
        try:
            async with self._connections.post(path, content, media_type) as response:
                self.gate.report(quotas.quota(response.headers, tokens))
                answer_type = response.headers.get("content-type", "")
                if decoder and response.status_code == 200 and answer_type.startswith((SSE, NDJSON)):
                    await _read_events(response, decoder, self._without_key)
                    return LLMResponse(200, response.headers, streamed=True)
                body = b"".join([chunk async for chunk in _limited(response, max_bytes)])
                if self._key:
                    body = body.replace(self._key.encode(), WITHHELD.encode())
                return LLMResponse(response.status_code, response.headers, body)
        except httpx.TransportError as exc:
            raise Retryable(f"{type(exc).__name__}: {exc}") from exc
        except httpx.DecodingError as exc:
            raise InvalidAnswer(f"The body cannot be decompressed: {exc}") from exc

    def _without_key(self, data: str) -> str:
        return data.replace(self._key, WITHHELD) if self._key else data


class APICalls:
    """The calls of one API, that of the provider `name`. Open them with `async with`. `on_call` is told of each."""

    def __init__(self, name: str, model: str, http: LLMHTTPClient) -> None:
        self.name, self.model = name, model
        self._http = http
        self.on_call: OnCall = ignore

    @property
    def gate(self) -> Gate:
        """The gate that the calls pass."""
        return self._http.gate

    async def __aenter__(self) -> Self:
        await self._http.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.__aexit__(kind, exc, trace)


def read_json(body: bytes) -> Any:
    """Read the body of a response.

    Raises:
        InvalidAnswer: it is not JSON.
    """
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as exc:
        raise InvalidAnswer("The body is not JSON.") from exc


async def _read_events(response: httpx.Response, decoder: StreamDecoder, clean: Callable[[str], str]) -> None:
    """Read a stream to its last event, and to its end if that follows at once.

    Raises:
        Retryable: the answer broke off.
        httpx.TransportError: the connection broke before the answer began.
    """
    began = False
    try:
        async with asyncio.timeout(None) as lingering, aclosing(_data(response)) as events:
            async for data in events:
                if lingering.when() is None:
                    if decoder.feed(clean(data)):
                        lingering.reschedule(asyncio.get_running_loop().time() + LINGER_S)
                    began = True
    except TimeoutError:
        pass
    except httpx.TransportError:
        if not began:
            raise
    if not decoder.complete:
        raise Retryable("The stream ended before the answer did.", weight=BROKEN_ANSWER if began else 1.0)


async def _data(response: httpx.Response) -> AsyncGenerator[str, None]:
    """Iterate over the data of a stream's events."""
    reader: EventData = ServerSentData() if response.headers["content-type"].startswith(SSE) else JSONLines()
    async with aclosing(_limited(response, MAX_STREAM)) as pieces:
        async for piece in pieces:
            for data in reader.feed(piece):
                yield data
    for data in reader.end():
        yield data


async def _limited(response: httpx.Response, max_bytes: int) -> AsyncGenerator[bytes, None]:
    size = 0
    async for chunk in response.aiter_bytes():
        size += len(chunk)
        if size > max_bytes:
            raise InvalidAnswer(f"The answer is longer than {max_bytes} bytes.")
        yield chunk


def _message(body: bytes) -> str:
    """Return the provider's own message about an error, truncated."""
    try:
        error = orjson.loads(body)["error"]
        message = error["message"] if isinstance(error, dict) else error
    except (orjson.JSONDecodeError, LookupError, TypeError):
        message = body.decode(errors="replace")
    return str(message)[:MAX_QUOTED]
