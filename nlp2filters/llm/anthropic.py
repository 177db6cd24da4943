"""The Anthropic messages API: https://docs.anthropic.com/en/api/messages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import orjson
from httpx_sse import ServerSentEvent

from nlp2filters.core.prompt import Message
from nlp2filters.errors import AnswerRefused, AnswerTruncated, InvalidAnswer
from nlp2filters.llm import Answer, Listener
from nlp2filters.llm.http import MAX_TOKENS, Calls, Reply, Text, counted

VERSION = "2023-06-01"
TOOL = "answer"
REJECTED = {  # A stream may contain these errors, which otherwise have these statuses. Any other counts as 500.
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
}


class AnthropicProvider(Calls):
    """A client of `{base_url}/messages`. The model must use a tool with the schema, whose input is the answer."""

    name = "anthropic"

    def __init__(
        self, *, base_url: str, api_key: str, model: str, timeout_s: float, max_tokens: int = MAX_TOKENS
    ) -> None:
        super().__init__(base_url, api_key, {"x-api-key": api_key, "anthropic-version": VERSION}, timeout_s)
        self.model = model
        self._max_tokens = max_tokens

    async def complete(
        self, messages: Sequence[Message], schema: Mapping[str, Any], listener: Listener | None = None
    ) -> Answer:
        """See `Provider.complete`."""
        return await self.answer(partial(self._try, messages, schema, listener), listener)

    async def _try(self, messages: Sequence[Message], schema: Mapping[str, Any], listener: Listener | None) -> Answer:
        request = self._request(messages, schema)
        if listener:
            streamed = _Streamed(listener)
            reply = await self.post("messages", {**request, "stream": True}, streamed)
            if reply.streamed:
                return _answer(streamed.whole(), self.model)
        else:
            reply = await self.post("messages", request)
        reply.check()
        answer = _answer(_read(reply.body), self.model)
        if listener:
            listener.adds(answer.content)
        return answer

    def _request(self, messages: Sequence[Message], schema: Mapping[str, Any]) -> dict[str, Any]:
        tool = {"name": TOOL, "description": "Give the filter that the text asks for.", "input_schema": schema}
        return {
            "model": self.model,
            "max_tokens": self._max_tokens,
            "system": "\n\n".join(message["content"] for message in messages if message["role"] == "system"),
            "messages": [message for message in messages if message["role"] != "system"],
            "tools": [tool],
            "tool_choice": {"type": "tool", "name": TOOL},
        }


@dataclass(slots=True)
class _Said:
    """The relevant parts of an answer: `content` is the tool's input as JSON, None if the tool was not used."""

    model: object = None
    reason: object = None
    content: str | None = None
    usage: Any = field(default_factory=dict)


class _Streamed:
    """An answer, assembled from the events of a stream. See `calls.Streamed`."""

    def __init__(self, listener: Listener) -> None:
        self._said = _Said()
        self._content = Text(listener)
        self._tool: int | None = None  # This is the index of the tool's block.

    @property
    def complete(self) -> bool:
        return self._said.reason is not None

    def take(self, event: ServerSentEvent) -> bool:
        try:
            data = orjson.loads(event.data)
            match data["type"]:
                case "message_start":
                    self._said.model = data["message"].get("model")
                    self._said.usage |= data["message"].get("usage") or {}
                case "content_block_start" if data["content_block"]["type"] == "tool_use" and self._tool is None:
                    self._tool = data["index"]
                case "content_block_delta" if data["index"] == self._tool:
                    self._content.add(data["delta"].get("partial_json"))
                case "message_delta":
                    self._said.reason = data["delta"].get("stop_reason")
                    self._said.usage |= data.get("usage") or {}
                case "message_stop":
                    return True
                case "error":
                    Reply(REJECTED.get(data["error"].get("type"), 500), body=event.data.encode()).check()
        except (orjson.JSONDecodeError, LookupError, TypeError, AttributeError) as exc:
            raise InvalidAnswer("An event is not that of a message.") from exc
        return False

    def whole(self) -> _Said:
        """Return the answer as it would have been without a stream."""
        return replace(self._said, content=None if self._tool is None else str(self._content) or "{}")


def _read(body: bytes) -> _Said:
    try:
        data = orjson.loads(body)
        given = [block["input"] for block in data["content"] if block["type"] == "tool_use"]
        content = orjson.dumps(given[0]).decode() if given else None
        return _Said(data.get("model"), data["stop_reason"], content, data.get("usage"))
    except (orjson.JSONDecodeError, LookupError, TypeError, AttributeError) as exc:
        raise InvalidAnswer("The body is not that of a message.") from exc


def _answer(said: _Said, model: str) -> Answer:
    if said.reason == "refusal":
        raise AnswerRefused("The model refused to answer.")
    if said.reason == "max_tokens":
        raise AnswerTruncated("The answer was cut at the token limit.")
    if said.content is None:
        raise InvalidAnswer("The answer does not use the tool that it was to use.")
    return Answer(said.content, said.model if isinstance(said.model, str) else model, counted(said.usage))
