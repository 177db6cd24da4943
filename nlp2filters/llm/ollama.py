"""Ollama's own API: https://docs.ollama.com/api/chat."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, ClassVar

import orjson

from nlp2filters.core import usage
from nlp2filters.core.llm.messages import Message
from nlp2filters.core.usage import Usage
from nlp2filters.errors import AnswerTruncated, InvalidAnswer
from nlp2filters.llm import Answer, Listener
from nlp2filters.llm.api import Features, ModelOptions, with_instruction
from nlp2filters.llm.capabilities import JSON_OBJECT, JSON_SCHEMA, STREAM, THINKING
from nlp2filters.llm.http import LLMResponse, StreamedText

# Without an instruction, Ollama cuts a prompt to a few thousand tokens and says nothing. A token has about 3 bytes.
BYTES_PER_TOKEN = 3
# Another context size makes Ollama load the model again, so there are few sizes.
MIN_CONTEXT = 8_192
# These efforts are passed on as they are; "none" turns thinking off.
EFFORTS = ("low", "medium", "high", "max")


class OllamaChat:
    """The API `{base_url}/api/chat`. The schema is compiled into a grammar that the model cannot leave."""

    path: ClassVar[str] = "api/chat"
    features: ClassVar[Features] = {
        JSON_SCHEMA: ("format",),
        JSON_OBJECT: ("format",),
        THINKING: ("think",),
        STREAM: ("stream",),
    }
    unlocated: ClassVar[Sequence[frozenset[str]]] = (
        frozenset({THINKING}),
        frozenset({JSON_SCHEMA}),
        frozenset({JSON_OBJECT}),
    )

    def __init__(self, options: ModelOptions) -> None:
        self._options = options

    def request(
        self, messages: Sequence[Message], schema: Mapping[str, Any], lacks: Collection[str], *, stream: bool
    ) -> dict[str, Any]:
        """See `ChatAPI`."""
        request: dict[str, Any] = {"model": self._options.model, "messages": list(messages)}
        if JSON_SCHEMA not in lacks:
            request["format"] = schema
        else:
            request["messages"] = with_instruction(messages, orjson.dumps(schema).decode())
            if JSON_OBJECT not in lacks:
                request["format"] = "json"
        if (think := self._think()) is not None and THINKING not in lacks:
            request["think"] = think
        most = self._options.max_tokens + self._options.thinking_tokens
        context = _context(request["messages"], most)
        request["options"] = {"temperature": 0, "num_predict": most, "num_ctx": context}
        request["stream"] = stream and STREAM not in lacks
        return request

    def _think(self) -> bool | str | None:
        effort = self._options.effort
        if effort in EFFORTS:
            return effort
        if effort in ("none", "minimal"):
            return False
        return True if self._options.thinking_tokens else None

    def decoder(self, request: Mapping[str, Any], listener: Listener) -> "_ChatDecoder":
        """See `ChatAPI`."""
        return _ChatDecoder(self._options.model, listener)

    def answer(self, request: Mapping[str, Any], body: bytes) -> Answer:
        """See `ChatAPI`."""
        try:
            data = orjson.loads(body)
            return _answer(data, data["message"]["content"], self._options.model)
        except (orjson.JSONDecodeError, LookupError, TypeError, AttributeError) as exc:
            raise InvalidAnswer("The body is not that of a chat.") from exc


class _ChatDecoder:
    """A decoder of the lines of a chat. See `StreamDecoder`."""

    def __init__(self, model: str, listener: Listener) -> None:
        self._requested_model = model
        self._content = StreamedText(listener)
        self._last: dict[str, Any] | None = None

    @property
    def complete(self) -> bool:
        return self._last is not None

    @property
    def usage(self) -> Usage:
        return _token_counts(self._last)

    def feed(self, data: str) -> bool:
        try:
            event = orjson.loads(data)
            if error := event.get("error"):
                LLMResponse(500, body=orjson.dumps({"error": error})).check()
            self._content.add(event["message"].get("content"))
            if event.get("done"):
                self._last = event
        except (orjson.JSONDecodeError, LookupError, TypeError, AttributeError) as exc:
            raise InvalidAnswer("A line is not that of a chat.") from exc
        return self.complete

    def result(self) -> Answer:
        assert self._last
        return _answer(self._last, str(self._content), self._requested_model)


def _context(messages: Sequence[Message], answer_tokens: int) -> int:
    """Return a size of the context with room for the messages and the answer: a power of two."""
    needed = answer_tokens + sum(len(message["content"].encode()) for message in messages) // BYTES_PER_TOKEN
    return max(MIN_CONTEXT, 1 << (needed - 1).bit_length())


def _token_counts(report: Any) -> dict[str, int]:
    return usage.tokens(report.get("prompt_eval_count"), report.get("eval_count")) if report else {}


def _answer(data: Mapping[str, Any], content: Any, model: str) -> Answer:
    """Read the last line, or the only one, of a chat with this content.

    Raises:
        ProviderError: the answer is of no use.
    """
    counts = _token_counts(data)
    if data.get("done_reason") == "length":
        raise AnswerTruncated("The answer was cut at the token limit.", usage=counts)
    if not isinstance(content, str) or not content.strip():
        raise InvalidAnswer("The answer is empty.", usage=counts)
    reported = data.get("model")
    return Answer(content, reported if isinstance(reported, str) else model, counts)
