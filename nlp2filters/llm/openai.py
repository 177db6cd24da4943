"""The OpenAI chat API, which OpenAI and many other servers offer."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, ClassVar

import orjson

from nlp2filters.core import usage
from nlp2filters.core.llm.messages import Message
from nlp2filters.core.usage import Usage
from nlp2filters.errors import AnswerRefused, AnswerTruncated, InvalidAnswer
from nlp2filters.llm import Answer, Listener
from nlp2filters.llm.api import Features, ModelOptions, with_instruction
from nlp2filters.llm.capabilities import (
    EFFORT,
    JSON_OBJECT,
    JSON_SCHEMA,
    MAX_COMPLETION_TOKENS,
    MAX_TOKENS,
    STREAM,
    STREAM_USAGE,
    TEMPERATURE,
)
from nlp2filters.llm.http import MAX_QUOTED, LLMResponse, StreamedText, read_json

LIMITS = (MAX_COMPLETION_TOKENS, MAX_TOKENS)
# An answer that ends for one of these reasons was broken off by the server (OpenRouter, DeepSeek).
BROKEN_OFF = ("error", "insufficient_system_resource")
# Gemini adds its own reason to this one: `content_filter: PROHIBITED_CONTENT`.
FILTERED = "content_filter"


class OpenAIChat:
    """The API `{base_url}/chat/completions`.

    Without `json_schema`, the request is for any JSON object, with the schema in the messages; without `stream`, for
    the whole answer at once. The token limit has an older name, and reasoning models accept no `temperature`.
    """

    path: ClassVar[str] = "chat/completions"
    features: ClassVar[Features] = {
        JSON_SCHEMA: ("response_format",),
        JSON_OBJECT: ("response_format",),
        STREAM: ("stream",),
        STREAM_USAGE: ("stream_options",),
        TEMPERATURE: ("temperature",),
        EFFORT: ("reasoning_effort",),
        MAX_COMPLETION_TOKENS: ("max_completion_tokens",),
        MAX_TOKENS: ("max_tokens",),
    }
    unlocated: ClassVar[Sequence[frozenset[str]]] = (
        frozenset({JSON_SCHEMA}),
        frozenset({JSON_OBJECT, STREAM_USAGE, TEMPERATURE, EFFORT, MAX_COMPLETION_TOKENS}),
    )

    def __init__(self, options: ModelOptions) -> None:
        self._options = options

    def request(
        self, messages: Sequence[Message], schema: Mapping[str, Any], lacks: Collection[str], *, stream: bool
    ) -> dict[str, Any]:
        """See `ChatAPI`."""
        request: dict[str, Any] = {"model": self._options.model, "messages": list(messages)}
        if JSON_SCHEMA not in lacks:
            json_schema = {"name": "filter", "strict": True, "schema": schema}
            request["response_format"] = {"type": JSON_SCHEMA, "json_schema": json_schema}
        else:
            request["messages"] = with_instruction(messages, orjson.dumps(schema).decode())
            if JSON_OBJECT not in lacks:
                request["response_format"] = {"type": JSON_OBJECT}
        if TEMPERATURE not in lacks:
            request["temperature"] = 0
        if self._options.effort and EFFORT not in lacks:
            request["reasoning_effort"] = self._options.effort
        if limit := next((name for name in LIMITS if name not in lacks), None):
            request[limit] = self._options.max_tokens + self._options.thinking_tokens
        if stream and STREAM not in lacks:
            request["stream"] = True
            if STREAM_USAGE not in lacks:
                request["stream_options"] = {"include_usage": True}
        return request

    def decoder(self, request: Mapping[str, Any], listener: Listener) -> "_CompletionDecoder":
        """See `ChatAPI`."""
        return _CompletionDecoder(self._options.model, listener)

    def answer(self, request: Mapping[str, Any], body: bytes) -> Answer:
        """See `ChatAPI`."""
        return _answer(read_json(body), self._options.model)


class _CompletionDecoder:
    """A decoder of the chunks of a chat completion. See `StreamDecoder`."""

    def __init__(self, model: str, listener: Listener) -> None:
        self.complete = False
        self._requested_model = model
        self._content = StreamedText(listener)
        self._model: object = None
        self._reason: object = None
        self._usage: object = None
        self._refusal: list[str] = []

    @property
    def usage(self) -> Usage:
        return token_counts(self._usage)

    def feed(self, data: str) -> bool:
        if data.strip() == "[DONE]":
            self.complete = True
            return True
        try:
            event = orjson.loads(data)
            if error := event.get("error"):
                _fail(error)
            self._model = event.get("model") or self._model
            self._usage = _reported(event) or self._usage
            for choice in (event.get("choices") or ())[:1]:
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

    def result(self) -> Answer:
        message = {"content": str(self._content), "refusal": "".join(self._refusal)}
        choice = {"message": message, "finish_reason": self._reason}
        return _answer({"model": self._model, "choices": [choice], "usage": self._usage}, self._requested_model)


def token_counts(reported: Any) -> dict[str, int]:
    """Return the token counts of an API of the OpenAI kind: chat completions, responses or embeddings."""
    report = reported if isinstance(reported, dict) else {}
    sent = report.get("prompt_tokens_details") or report.get("input_tokens_details") or {}
    received = report.get("completion_tokens_details") or report.get("output_tokens_details") or {}
    return usage.tokens(
        report.get("prompt_tokens", report.get("input_tokens")),
        report.get("completion_tokens", report.get("output_tokens")),
        cached=sent.get("cached_tokens", report.get("prompt_cache_hit_tokens")),
        cache_write=sent.get("cache_write_tokens"),
        reasoning=received.get("reasoning_tokens"),
    )


def _reported(data: Any) -> Any:
    """Return the usage in a chunk; Groq has it in a member of its own."""
    return data.get("usage") or (data.get("x_groq") or {}).get("usage")


def _fail(error: Any) -> None:
    """Raise an error in a stream as if it had come before the stream, as the status of the answer."""
    code = error.get("code") if isinstance(error, dict) else None
    status = code if isinstance(code, int) and 400 <= code < 600 else 500
    LLMResponse(status, body=orjson.dumps({"error": error})).check()


def _answer(data: Any, model: str) -> Answer:
    """Read the body of a chat completion. `model` is the one that was requested, in case it names none.

    Raises:
        ProviderError: the answer is of no use.
    """
    try:
        if not data.get("choices") and (error := data.get("error")):
            _fail(error)  # OpenRouter answers like this, with the status 200, when its upstream fails.
        choice, counts = data["choices"][0], token_counts(data.get("usage"))
        message, reason = choice["message"], choice.get("finish_reason")
        content, refusal = message.get("content"), message.get("refusal")
        if reason in BROKEN_OFF:
            _fail({"code": 503, "message": reason})
    except (LookupError, TypeError, AttributeError) as exc:
        raise InvalidAnswer("The body is not that of a chat completion.") from exc
    if refusal or str(reason).startswith(FILTERED):
        raise AnswerRefused(str(refusal or reason)[:MAX_QUOTED], usage=counts)
    if reason == "length":
        raise AnswerTruncated("The answer was cut at the token limit.", usage=counts)
    if isinstance(content, list):  # Mistral's reasoning models answer in parts.
        content = "".join(
            part["text"] for part in content if isinstance(part, dict) and isinstance(part.get("text"), str)
        )
    if not isinstance(content, str) or not content.strip():
        raise InvalidAnswer("The answer is empty.", usage=counts)
    reported = data.get("model")
    return Answer(content, reported if isinstance(reported, str) else model, counts)
