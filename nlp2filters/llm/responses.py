"""The OpenAI Responses API: https://platform.openai.com/docs/api-reference/responses."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, ClassVar

import orjson

from nlp2filters.core.llm.messages import Message
from nlp2filters.core.usage import Usage
from nlp2filters.errors import AnswerRefused, AnswerTruncated, InvalidAnswer
from nlp2filters.llm import Answer, Listener
from nlp2filters.llm.api import Features, ModelOptions, with_instruction
from nlp2filters.llm.capabilities import EFFORT, JSON_OBJECT, JSON_SCHEMA, STREAM, TEMPERATURE
from nlp2filters.llm.http import MAX_QUOTED, LLMResponse, StreamedText, read_json
from nlp2filters.llm.openai import token_counts

# A response, or a stream, may fail with these codes, which otherwise have these statuses. Any other counts as 400.
FAILED = {"rate_limit_exceeded": 429, "server_error": 500, "vector_store_timeout": 500}


class OpenAIResponses:
    """The API `{base_url}/responses`. Nothing is stored at the provider."""

    path: ClassVar[str] = "responses"
    features: ClassVar[Features] = {
        JSON_SCHEMA: ("text", "format"),
        JSON_OBJECT: ("text", "format"),
        STREAM: ("stream",),
        TEMPERATURE: ("temperature",),
        EFFORT: ("reasoning", "effort"),
    }
    unlocated: ClassVar[Sequence[frozenset[str]]] = (
        frozenset({JSON_SCHEMA}),
        frozenset({JSON_OBJECT, TEMPERATURE, EFFORT}),
    )

    def __init__(self, options: ModelOptions) -> None:
        self._options = options

    def request(
        self, messages: Sequence[Message], schema: Mapping[str, Any], lacks: Collection[str], *, stream: bool
    ) -> dict[str, Any]:
        """See `ChatAPI`."""
        request: dict[str, Any] = {
            "model": self._options.model,
            "input": list(messages),
            "max_output_tokens": self._options.max_tokens + self._options.thinking_tokens,
            "store": False,
        }
        if JSON_SCHEMA not in lacks:
            request["text"] = {"format": {"type": JSON_SCHEMA, "name": "filter", "strict": True, "schema": schema}}
        else:
            request["input"] = with_instruction(messages, orjson.dumps(schema).decode())
            if JSON_OBJECT not in lacks:
                request["text"] = {"format": {"type": JSON_OBJECT}}
        if TEMPERATURE not in lacks:
            request["temperature"] = 0
        if self._options.effort and EFFORT not in lacks:
            request["reasoning"] = {"effort": self._options.effort}
        if stream and STREAM not in lacks:
            request["stream"] = True
        return request

    def decoder(self, request: Mapping[str, Any], listener: Listener) -> "_ResponseDecoder":
        """See `ChatAPI`."""
        return _ResponseDecoder(self._options.model, listener)

    def answer(self, request: Mapping[str, Any], body: bytes) -> Answer:
        """See `ChatAPI`."""
        return _answer(read_json(body), self._options.model)


class _ResponseDecoder:
    """A decoder of the events of a response. See `StreamDecoder`. The last event has the whole response."""

    def __init__(self, model: str, listener: Listener) -> None:
        self._requested_model = model
        self._content = StreamedText(listener)
        self._response: Any = None

    @property
    def complete(self) -> bool:
        return self._response is not None

    @property
    def usage(self) -> Usage:
        return token_counts(self._response.get("usage")) if self._response else {}

    def feed(self, data: str) -> bool:
        try:
            event = orjson.loads(data)
            match event["type"]:
                case "response.output_text.delta":
                    self._content.add(event["delta"])
                case "response.completed" | "response.incomplete" | "response.failed":
                    self._response = event["response"]
                    if self._response["status"] == "failed":
                        _fail(self._response.get("error"))
                    return True
                case "error":
                    _fail(event.get("error") or event)
        except (orjson.JSONDecodeError, LookupError, TypeError, AttributeError) as exc:
            raise InvalidAnswer("An event is not that of a response.") from exc
        return False

    def result(self) -> Answer:
        return _answer(self._response, self._requested_model)


def _fail(error: Any) -> None:
    code = error.get("code") if isinstance(error, dict) else None
    LLMResponse(FAILED.get(code, 400) if code else 500, body=orjson.dumps({"error": error})).check()


def _answer(data: Any, model: str) -> Answer:
    """Read a response. `model` is the one that was requested, in case it names none.

    Raises:
        ProviderError: the answer is of no use.
    """
    try:
        if data["status"] == "failed":
            _fail(data.get("error"))
        counts = token_counts(data.get("usage"))
        messages = [item for item in data["output"] if item["type"] == "message"]
        parts = [part for message in messages for part in message["content"]]
        texts = [part["text"] for part in parts if part["type"] == "output_text"]
        refusals = [part["refusal"] for part in parts if part["type"] == "refusal"]
        reason = (data.get("incomplete_details") or {}).get("reason")
        content = "".join(texts)
    except (LookupError, TypeError, AttributeError) as exc:
        raise InvalidAnswer("The body is not that of a response.") from exc
    if refusals or reason == "content_filter":
        raise AnswerRefused(str(refusals[0] if refusals else reason)[:MAX_QUOTED], usage=counts)
    if data["status"] == "incomplete":
        raise AnswerTruncated(f"The answer was cut: {reason}."[:MAX_QUOTED], usage=counts)
    if not content.strip():
        raise InvalidAnswer("The answer is empty.", usage=counts)
    reported = data.get("model")
    return Answer(content, reported if isinstance(reported, str) else model, counts)
