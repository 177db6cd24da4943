"""The Anthropic messages API: https://docs.anthropic.com/en/api/messages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import orjson
from httpx_sse import ServerSentEvent

from nlp2filters.core.llm.messages import Message
from nlp2filters.errors import AnswerRefused, AnswerTruncated, InvalidAnswer
from nlp2filters.llm import Answer, Listener
from nlp2filters.llm.http import LLMResponse, StreamedText, token_counts

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


class AnthropicMessages:
    """The API `{base_url}/messages`. The model must use a tool with the schema, whose input is the answer."""

    path = "messages"

    def __init__(self, model: str, max_tokens: int) -> None:
        self._model = model
        self._max_tokens = max_tokens

    @staticmethod
    def headers(api_key: str) -> dict[str, str]:
        """See `ChatAPI`."""
        return {"x-api-key": api_key, "anthropic-version": VERSION}

    def request(self, messages: Sequence[Message], schema: Mapping[str, Any], *, stream: bool) -> dict[str, Any]:
        """See `ChatAPI`."""
        tool = {"name": TOOL, "description": "Give the filter that the text asks for.", "input_schema": schema}
        return {
            "model": self._model,
            "max_tokens": self._max_tokens,
            "system": "\n\n".join(message["content"] for message in messages if message["role"] == "system"),
            "messages": [message for message in messages if message["role"] != "system"],
            "tools": [tool],
            "tool_choice": {"type": "tool", "name": TOOL},
            **({"stream": True} if stream else {}),
        }

    def adapt(self, request: Mapping[str, Any], response: LLMResponse) -> bool:
        """See `ChatAPI`. There is nothing to leave out."""
        return False

    def decoder(self, listener: Listener) -> "_MessageDecoder":
        """See `ChatAPI`."""
        return _MessageDecoder(self._model, listener)

    def answer(self, body: bytes) -> Answer:
        """See `ChatAPI`."""
        try:
            data = orjson.loads(body)
            inputs = [block["input"] for block in data["content"] if block["type"] == "tool_use"]
            content = orjson.dumps(inputs[0]).decode() if inputs else None
            message = _Message(data.get("model"), data["stop_reason"], content, data.get("usage"))
        except (orjson.JSONDecodeError, LookupError, TypeError, AttributeError) as exc:
            raise InvalidAnswer("The body is not that of a message.") from exc
        return _answer(message, self._model)


@dataclass(slots=True)
class _Message:
    """The relevant parts of an answer: `content` is the tool's input as JSON, None if the tool was not used."""

    model: object = None
    reason: object = None
    content: str | None = None
    usage: Any = field(default_factory=dict)


class _MessageDecoder:
    """A decoder of the events of a message. See `StreamDecoder`."""

    def __init__(self, model: str, listener: Listener) -> None:
        self._requested_model = model
        self._message = _Message()
        self._content = StreamedText(listener)
        self._tool: int | None = None  # This is the index of the tool's block.

    @property
    def complete(self) -> bool:
        return self._message.reason is not None

    def feed(self, event: ServerSentEvent) -> bool:
        try:
            data = orjson.loads(event.data)
            match data["type"]:
                case "message_start":
                    self._message.model = data["message"].get("model")
                    self._message.usage |= data["message"].get("usage") or {}
                case "content_block_start" if data["content_block"]["type"] == "tool_use" and self._tool is None:
                    self._tool = data["index"]
                case "content_block_delta" if data["index"] == self._tool:
                    self._content.add(data["delta"].get("partial_json"))
                case "message_delta":
                    self._message.reason = data["delta"].get("stop_reason")
                    self._message.usage |= data.get("usage") or {}
                case "message_stop":
                    return True
                case "error":
                    LLMResponse(REJECTED.get(data["error"].get("type"), 500), body=event.data.encode()).check()
        except (orjson.JSONDecodeError, LookupError, TypeError, AttributeError) as exc:
            raise InvalidAnswer("An event is not that of a message.") from exc
        return False

    def result(self) -> Answer:
        content = None if self._tool is None else str(self._content) or "{}"
        return _answer(replace(self._message, content=content), self._requested_model)


def _answer(message: _Message, model: str) -> Answer:
    """Read a message. `model` is the one that was requested, in case it names none.

    Raises:
        ProviderError: the answer is of no use.
    """
    if message.reason == "refusal":
        raise AnswerRefused("The model refused to answer.")
    if message.reason == "max_tokens":
        raise AnswerTruncated("The answer was cut at the token limit.")
    if message.content is None:
        raise InvalidAnswer("The answer does not use the tool that it was to use.")
    reported = message.model
    return Answer(message.content, reported if isinstance(reported, str) else model, token_counts(message.usage))
