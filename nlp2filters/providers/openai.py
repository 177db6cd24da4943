"""The OpenAI chat API, as OpenAI and many other servers speak it."""

import asyncio
import datetime as dt
import email.utils
import logging
import random
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

import httpx
import orjson

from nlp2filters.core.prompt import Message
from nlp2filters.errors import (
    AnswerRefused,
    AnswerTruncated,
    InvalidAnswer,
    ProviderRejected,
    ProviderTimeout,
    ProviderUnavailable,
)
from nlp2filters.providers import Answer
from nlp2filters.settings import Settings

MAX_TRIES = 3
MAX_ANSWER = 1_000_000  # bytes
MAX_QUOTED = 300  # characters of the provider's own message
FIRST_WAIT_S, LONGEST_WAIT_S = 0.5, 8.0
CONNECT_TIMEOUT_S = 5.0

_RETRIED = frozenset({408, 409, 429})
_random = random.SystemRandom()
_log = logging.getLogger(__name__)


class RetryBudget:
    """How many retries a provider may cost: one for ten calls that went well, and ten ahead.

    A provider that is down then gets little more than the calls themselves.
    """

    def __init__(self, ahead: float = 10.0, earned: float = 0.1) -> None:
        self._most = self._left = ahead
        self._earned = earned

    def spend(self) -> bool:
        """Whether one more retry is allowed."""
        if self._left < 1:
            return False
        self._left -= 1
        return True

    def earn(self) -> None:
        """A call went well."""
        self._left = min(self._most, self._left + self._earned)


class _Retryable(Exception):
    """A failure that may pass; `wait_s` is what the provider asked for."""

    def __init__(self, detail: str, wait_s: float | None = None) -> None:
        super().__init__(detail)
        self.wait_s = wait_s


class OpenAIProvider:
    """Calls `{base_url}/chat/completions`. Open it with `async with`.

    `timeout_s` is the deadline for one answer: connecting, waiting, reading and every retry together. 408, 409, 429,
    5xx and broken connections are retried with full jitter, `Retry-After` is obeyed. A server that does not know
    `json_schema` is asked for a plain JSON object from then on, with the schema in the messages.
    """

    name = "openai"

    def __init__(self, *, base_url: str, api_key: str, model: str, timeout_s: float) -> None:
        self.model = model
        self._timeout_s = timeout_s
        self._budget = RetryBudget()
        self._enforces_schema = True
        self._client = httpx.AsyncClient(
            base_url=base_url.rstrip("/") + "/",
            headers={"Authorization": f"Bearer {api_key}"} if api_key else {},
            timeout=httpx.Timeout(timeout_s, connect=min(CONNECT_TIMEOUT_S, timeout_s)),
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=50),
            follow_redirects=False,
        )

    @classmethod
    def configured(cls, settings: Settings) -> Self | None:
        """The one that the settings name, if they name one."""
        if not settings.llm_model:
            return None
        return cls(
            base_url=settings.openai_base_url,
            api_key=str(settings.openai_api_key),
            model=settings.llm_model,
            timeout_s=settings.llm_timeout_s,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def complete(self, messages: Sequence[Message], schema: Mapping[str, Any]) -> Answer:
        """See `Provider.complete`."""
        try:
            async with asyncio.timeout(self._timeout_s) as deadline:
                return await self._tries(messages, schema, deadline)
        except TimeoutError as exc:
            raise ProviderTimeout(f"No answer within {self._timeout_s:g} s.") from exc

    async def _tries(self, messages: Sequence[Message], schema: Mapping[str, Any], deadline: asyncio.Timeout) -> Answer:
        for number in range(1, MAX_TRIES + 1):
            try:
                answer = await self._try(messages, schema)
            except _Retryable as exc:
                wait_s = exc.wait_s if exc.wait_s is not None else _backoff_s(number)
                if number == MAX_TRIES or not _in_time(wait_s, deadline) or not self._budget.spend():
                    raise ProviderUnavailable(str(exc)) from exc
                _log.info("the LLM call is tried again in %.1f s: %s", wait_s, exc)
                await asyncio.sleep(wait_s)
            else:
                self._budget.earn()
                return answer
        raise AssertionError("the last try returns or raises")

    async def _try(self, messages: Sequence[Message], schema: Mapping[str, Any]) -> Answer:
        status, headers, body = await self._post(self._request(messages, schema))
        if status == 400 and self._enforces_schema and b"response_format" in body:
            _log.info("the LLM server does not know json_schema: asking for plain JSON")
            self._enforces_schema = False
            status, headers, body = await self._post(self._request(messages, schema))
        if status in _RETRIED or status >= 500:
            raise _Retryable(f"{status}: {_message(body)}", _retry_after_s(headers))
        if status != 200:
            raise ProviderRejected(f"{status}: {_message(body)}")
        return _answer(body, self.model)

    def _request(self, messages: Sequence[Message], schema: Mapping[str, Any]) -> dict[str, Any]:
        if self._enforces_schema:
            form = {"type": "json_schema", "json_schema": {"name": "filter", "strict": True, "schema": schema}}
            return {"model": self.model, "messages": list(messages), "temperature": 0, "response_format": form}
        told: Message = {
            "role": "system",
            "content": f"The JSON schema of the answer:\n{orjson.dumps(schema).decode()}",
        }
        return {
            "model": self.model,
            "messages": [*messages[:1], told, *messages[1:]],
            "temperature": 0,
            "response_format": {"type": "json_object"},
        }

    async def _post(self, data: Mapping[str, Any]) -> tuple[int, httpx.Headers, bytes]:
        """Status, headers and body; the body counted while it comes."""
        content, headers = orjson.dumps(data), {"Content-Type": "application/json"}
        try:
            async with self._client.stream("POST", "chat/completions", content=content, headers=headers) as response:
                body = bytearray()
                async for chunk in response.aiter_bytes():
                    body += chunk
                    if len(body) > MAX_ANSWER:
                        raise InvalidAnswer(f"The answer is longer than {MAX_ANSWER} bytes.")
                return response.status_code, response.headers, bytes(body)
        except httpx.TransportError as exc:
            raise _Retryable(f"{type(exc).__name__}: {exc}") from exc


def _answer(body: bytes, model: str) -> Answer:
    try:
        data = orjson.loads(body)
        choice = data["choices"][0]
        message, reason = choice["message"], choice.get("finish_reason")
        content, refusal = message.get("content"), message.get("refusal")
    except (orjson.JSONDecodeError, LookupError, TypeError, AttributeError) as exc:
        raise InvalidAnswer("The body is not that of a chat completion.") from exc
    if refusal or reason == "content_filter":
        raise AnswerRefused(str(refusal or reason)[:MAX_QUOTED])
    if reason == "length":
        raise AnswerTruncated("The answer was cut at the token limit.")
    if not isinstance(content, str) or not content.strip():
        raise InvalidAnswer("The answer is empty.")
    counted = data.get("usage")
    usage = {k: v for k, v in counted.items() if isinstance(v, int)} if isinstance(counted, dict) else None
    said = data.get("model")
    return Answer(content, said if isinstance(said, str) else model, usage)


def _message(body: bytes) -> str:
    """The provider's own words about an error, cut short."""
    try:
        error = orjson.loads(body)["error"]
        said = error["message"] if isinstance(error, dict) else error
    except (orjson.JSONDecodeError, LookupError, TypeError):
        said = body.decode(errors="replace")
    return str(said)[:MAX_QUOTED]


def _backoff_s(number: int) -> float:
    """Full jitter: anywhere up to a limit that doubles."""
    return _random.uniform(0, min(LONGEST_WAIT_S, FIRST_WAIT_S * 2**number))


def _in_time(wait_s: float, deadline: asyncio.Timeout) -> bool:
    when = deadline.when()
    return when is None or asyncio.get_running_loop().time() + wait_s < when


def _retry_after_s(headers: httpx.Headers) -> float | None:
    """What `Retry-After` asks for, in seconds or as a date; None for none or nonsense."""
    value = headers.get("retry-after", "").strip()
    if not value:
        return None
    if value.replace(".", "", 1).isdecimal():
        return float(value)
    try:
        when = email.utils.parsedate_to_datetime(value)
    except ValueError:
        return None
    when = when if when.tzinfo else when.replace(tzinfo=dt.UTC)
    return max(0.0, (when - dt.datetime.now(dt.UTC)).total_seconds())
