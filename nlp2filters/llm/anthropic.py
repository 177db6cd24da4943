"""The Anthropic messages API: https://platform.claude.com/docs/en/api/messages."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import orjson

from nlp2filters.core import usage
from nlp2filters.core.llm.messages import Message
from nlp2filters.core.usage import Usage
from nlp2filters.errors import AnswerRefused, AnswerTruncated, InvalidAnswer
from nlp2filters.llm import Answer, Listener
from nlp2filters.llm.api import Features, ModelOptions
from nlp2filters.llm.capabilities import EFFORT, JSON_SCHEMA, STREAM, THINKING
from nlp2filters.llm.http import LLMResponse, StreamedText

TOOL = "answer"
# The least budget for thinking that the API accepts.
MIN_THINKING_TOKENS = 1_024
CUT = ("max_tokens", "model_context_window_exceeded")
REJECTED = {  # A stream may contain these errors, which otherwise have these statuses. Any other counts as 500.
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "overloaded_error": 529,
}


class AnthropicMessages:
    """The API `{base_url}/messages`.

    The answer is text that is held to the schema. A model without that must use a tool whose input has the schema, and
    then cannot think before it answers. The first message, which is the same for all texts, is marked for caching.
    """

    path: ClassVar[str] = "messages"
    features: ClassVar[Features] = {
        JSON_SCHEMA: ("output_config", "format"),
        EFFORT: ("output_config", "effort"),
        THINKING: ("thinking",),
        STREAM: ("stream",),
    }
    unlocated: ClassVar[Sequence[frozenset[str]]] = (frozenset({JSON_SCHEMA}), frozenset({EFFORT, THINKING}))

    def __init__(self, options: ModelOptions) -> None:
        self._options = options

    def request(
        self, messages: Sequence[Message], schema: Mapping[str, Any], lacks: Collection[str], *, stream: bool
    ) -> dict[str, Any]:
        """See `ChatAPI`."""
        request: dict[str, Any] = {
            "model": self._options.model,
            "max_tokens": self._options.max_tokens,
            "system": _system(messages),
            "messages": [message for message in messages if message["role"] != "system"],
        }
        config: dict[str, Any] = {}
        if JSON_SCHEMA not in lacks:
            config["format"] = {"type": JSON_SCHEMA, "schema": schema}
            if self._options.thinking_tokens and THINKING not in lacks:
                budget = max(MIN_THINKING_TOKENS, self._options.thinking_tokens)
                request["thinking"] = {"type": "enabled", "budget_tokens": budget}
                request["max_tokens"] += budget
        else:
            tool = {"name": TOOL, "description": "Give the filter that the text asks for.", "input_schema": schema}
            request |= {"tools": [tool], "tool_choice": {"type": "tool", "name": TOOL}}
        if self._options.effort and EFFORT not in lacks:
            config["effort"] = self._options.effort
        if config:
            request["output_config"] = config
        if stream and STREAM not in lacks:
            request["stream"] = True
        return request

    def decoder(self, request: Mapping[str, Any], listener: Listener) -> "_MessageDecoder":
        """See `ChatAPI`."""
        return _MessageDecoder(self._options.model, _block_type(request), listener)

    def answer(self, request: Mapping[str, Any], body: bytes) -> Answer:
        """See `ChatAPI`."""
        type_ = _block_type(request)
        try:
            data = orjson.loads(body)
            blocks = [block for block in data["content"] if block["type"] == type_]
            if type_ == "tool_use":
                contents = [orjson.dumps(block["input"]).decode() for block in blocks[:1]]
            else:
                contents = [block["text"] for block in blocks]
            content = "".join(contents) if contents else None
            message = _Message(data.get("model"), data["stop_reason"], content, data.get("usage"))
            return _answer(message, self._options.model)
        except (orjson.JSONDecodeError, LookupError, TypeError, AttributeError) as exc:
            raise InvalidAnswer("The body is not that of a message.") from exc


def _system(messages: Sequence[Message]) -> list[dict[str, Any]]:
    """Return the system messages as blocks; the provider caches the request up to the end of the first."""
    blocks: list[dict[str, Any]] = [
        {"type": "text", "text": message["content"]} for message in messages if message["role"] == "system"
    ]
    for block in blocks[:1]:
        block["cache_control"] = {"type": "ephemeral"}
    return blocks


def _block_type(request: Mapping[str, Any]) -> str:
    """Return the type of the blocks that the answer to a request is in."""
    return "tool_use" if "tools" in request else "text"


@dataclass(slots=True)
class _Message:
    """The relevant parts of an answer: `content` is the JSON, None if there was none of the right type."""

    model: object = None
    reason: object = None
    content: str | None = None
    usage: Any = field(default_factory=dict)


class _MessageDecoder:
    """A decoder of the events of a message. See `StreamDecoder`."""

    def __init__(self, model: str, block_type: str, listener: Listener) -> None:
        self._requested_model, self._block_type = model, block_type
        self._message = _Message()
        self._content = StreamedText(listener)
        self._blocks: list[int] = []  # These are the indexes of the blocks that the answer is in.

    @property
    def complete(self) -> bool:
        return self._message.reason is not None

    @property
    def usage(self) -> Usage:
        return _token_counts(self._message.usage)

    def feed(self, data: str) -> bool:
        try:
            event = orjson.loads(data)
            match event["type"]:
                case "message_start":
                    self._message.model = event["message"].get("model")
                    self._message.usage |= event["message"].get("usage") or {}
                case "content_block_start" if event["content_block"]["type"] == self._block_type:
                    if self._block_type == "text" or not self._blocks:
                        self._blocks.append(event["index"])
                        self._content.add(event["content_block"].get("text"))
                case "content_block_delta" if event["index"] in self._blocks:
                    delta = event["delta"]
                    self._content.add(delta.get("text") or delta.get("partial_json"))
                case "message_delta":
                    self._message.reason = event["delta"].get("stop_reason")
                    self._message.usage |= event.get("usage") or {}
                case "message_stop":
                    return True
                case "error":
                    LLMResponse(REJECTED.get(event["error"].get("type"), 500), body=data.encode()).check()
        except (orjson.JSONDecodeError, LookupError, TypeError, AttributeError) as exc:
            raise InvalidAnswer("An event is not that of a message.") from exc
        return False

    def result(self) -> Answer:
        empty = "{}" if self._block_type == "tool_use" else ""
        self._message.content = str(self._content) or empty if self._blocks else None
        return _answer(self._message, self._requested_model)


def _token_counts(reported: Any) -> dict[str, int]:
    """Return the token counts of a message. The API does not count cached tokens as input, but we do."""
    report = reported if isinstance(reported, dict) else {}
    cached, cache_write = report.get("cache_read_input_tokens") or 0, report.get("cache_creation_input_tokens") or 0
    return usage.tokens(
        (report.get("input_tokens") or 0) + cached + cache_write,
        report.get("output_tokens"),
        cached=cached,
        cache_write=cache_write,
        reasoning=(report.get("output_tokens_details") or {}).get("thinking_tokens"),
    )


def _answer(message: _Message, model: str) -> Answer:
    """Read a message. `model` is the one that was requested, in case it names none.

    Raises:
        ProviderError: the answer is of no use.
    """
    counts = _token_counts(message.usage)
    if message.reason == "refusal":
        raise AnswerRefused("The model refused to answer.", usage=counts)
    if message.reason in CUT:
        raise AnswerTruncated(f"The answer was cut: {message.reason}.", usage=counts)
    if message.content is None:
        raise InvalidAnswer("The answer is not where it was asked for.", usage=counts)
    if not message.content.strip():
        raise InvalidAnswer("The answer is empty.", usage=counts)
    reported = message.model
    return Answer(message.content, reported if isinstance(reported, str) else model, counts)
