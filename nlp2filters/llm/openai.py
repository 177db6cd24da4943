"""The OpenAI chat API, which OpenAI and many other servers offer."""

import logging
import re
from collections.abc import Mapping, Sequence, Set
from functools import partial
from typing import Any

import orjson
from httpx_sse import ServerSentEvent

from nlp2filters.core.prompt import Message
from nlp2filters.errors import AnswerRefused, AnswerTruncated, InvalidAnswer
from nlp2filters.llm import Answer, Listener
from nlp2filters.llm.http import MAX_QUOTED, MAX_TOKENS, Calls, Reply, Text, counted

LIMITS = ("max_completion_tokens", "max_tokens")
# A server may not know these members of a request.
OPTIONAL = ("response_format", "stream_options", "stream", *LIMITS, "temperature")

_log = logging.getLogger(__name__)


class OpenAIProvider(Calls):
    """A client of `{base_url}/chat/completions`.

    Parameters that a server rejects are remembered and omitted. Without `json_schema`, the request is for a plain JSON
    object, with the schema in the messages; without `stream`, for the whole answer at once. The token limit has an
    older name, and reasoning models accept no `temperature`.
    """

    name = "openai"

    def __init__(
        self, *, base_url: str, api_key: str, model: str, timeout_s: float, max_tokens: int = MAX_TOKENS
    ) -> None:
        headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        super().__init__(base_url, api_key, headers, timeout_s)
        self.model = model
        self._max_tokens = max_tokens
        self._unknown: set[str] = set()

    async def complete(
        self, messages: Sequence[Message], schema: Mapping[str, Any], listener: Listener | None = None
    ) -> Answer:
        """See `Provider.complete`."""
        return await self.answer(partial(self._try, messages, schema, listener), listener)

    async def _try(self, messages: Sequence[Message], schema: Mapping[str, Any], listener: Listener | None) -> Answer:
        while True:
            optional = set(OPTIONAL) - self._unknown  # Concurrent calls may add to this set.
            request = self._request(messages, schema, listener)
            streamed = _Completion(listener) if listener and "stream" in request else None
            reply = await self.post("chat/completions", request, streamed)
            refused = _not_known(optional & request.keys(), reply)
            if not refused:
                break
            _log.info("the LLM server does not know %s: doing without", refused)
            self._unknown.add(refused)
        reply.check()
        if streamed and reply.streamed:
            return _answer(streamed.whole(), self.model)
        answer = _answer(_read(reply.body), self.model)
        if listener:
            listener.adds(answer.content)
        return answer

    def _request(
        self, messages: Sequence[Message], schema: Mapping[str, Any], listener: Listener | None
    ) -> dict[str, Any]:
        form: dict[str, Any] = {
            "type": "json_schema",
            "json_schema": {"name": "filter", "strict": True, "schema": schema},
        }
        if "response_format" in self._unknown:
            form = {"type": "json_object"}
            told = f"The JSON schema of the answer:\n{orjson.dumps(schema).decode()}"
            messages = [*messages[:1], {"role": "system", "content": told}, *messages[1:]]
        limit = next((name for name in LIMITS if name not in self._unknown), LIMITS[0])
        optional: dict[str, Any] = {"temperature": 0, limit: self._max_tokens}
        if listener and "stream" not in self._unknown:
            optional |= {"stream": True, "stream_options": {"include_usage": True}}
        known = {name: value for name, value in optional.items() if name not in self._unknown}
        return {"model": self.model, "messages": list(messages), "response_format": form, **known}


def _not_known(optional: Set[str], reply: Reply) -> str | None:
    """Return the first optional member of the request that the server names in its error, if any."""
    if reply.status not in (400, 422):
        return None
    asked = [name for name in OPTIONAL if name in optional]
    return next((name for name in asked if re.search(rf"\b{name}\b".encode(), reply.body)), None)


class _Completion:
    """A chat completion, assembled from the chunks of a stream. See `calls.Streamed`."""

    def __init__(self, listener: Listener) -> None:
        self.complete = False
        self._content = Text(listener)
        self._model: object = None
        self._reason: object = None
        self._usage: object = None
        self._refusal: list[str] = []

    def take(self, event: ServerSentEvent) -> bool:
        if event.data.strip() == "[DONE]":
            self.complete = True
            return True
        try:
            data = orjson.loads(event.data)
            if error := data.get("error"):
                _fail(error)
            self._model = data.get("model") or self._model
            self._usage = data.get("usage") or self._usage
            for choice in (data.get("choices") or ())[:1]:
                self._add(choice.get("delta") or {})
                self._reason = choice.get("finish_reason") or self._reason
        except (orjson.JSONDecodeError, LookupError, TypeError, AttributeError) as exc:
            raise InvalidAnswer("A chunk is not that of a chat completion.") from exc
        self.complete = self.complete or self._reason is not None
        return False

    def _add(self, delta: Mapping[str, Any]) -> None:
        if refusal := delta.get("refusal"):
            self._refusal.append(str(refusal))
        self._content.add(delta.get("content"))

    def whole(self) -> dict[str, Any]:
        """Return the body as it would have been without a stream."""
        message = {"content": str(self._content), "refusal": "".join(self._refusal)}
        choice = {"message": message, "finish_reason": self._reason}
        return {"model": self._model, "choices": [choice], "usage": self._usage}


def _fail(error: Any) -> None:
    """Raise an error in a stream as if it had come before the stream, as the status of the answer."""
    code = error.get("code") if isinstance(error, dict) else None
    status = code if isinstance(code, int) and 400 <= code < 600 else 500
    Reply(status, body=orjson.dumps({"error": error})).check()


def _read(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as exc:
        raise InvalidAnswer("The body is not JSON.") from exc


def _answer(data: Any, model: str) -> Answer:
    try:
        choice = data["choices"][0]
        message, reason = choice["message"], choice.get("finish_reason")
        content, refusal = message.get("content"), message.get("refusal")
    except (LookupError, TypeError, AttributeError) as exc:
        raise InvalidAnswer("The body is not that of a chat completion.") from exc
    if refusal or reason == "content_filter":
        raise AnswerRefused(str(refusal or reason)[:MAX_QUOTED])
    if reason == "length":
        raise AnswerTruncated("The answer was cut at the token limit.")
    if not isinstance(content, str) or not content.strip():
        raise InvalidAnswer("The answer is empty.")
    said = data.get("model")
    return Answer(content, said if isinstance(said, str) else model, counted(data.get("usage")))
