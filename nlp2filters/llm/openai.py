"""The OpenAI chat API, which OpenAI and many other servers offer."""

import logging
import re
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from httpx_sse import ServerSentEvent

from nlp2filters.core.llm.messages import Message
from nlp2filters.errors import AnswerRefused, AnswerTruncated, InvalidAnswer
from nlp2filters.llm import Answer, Listener
from nlp2filters.llm.http import MAX_QUOTED, LLMResponse, StreamedText, token_counts

JSON_SCHEMA = "json_schema"
LIMITS = ("max_completion_tokens", "max_tokens")
# A server may not know these members of a request.
OPTIONAL = ("response_format", "stream_options", "stream", *LIMITS, "temperature")

_log = logging.getLogger(__name__)


class OpenAIChat:
    """The API `{base_url}/chat/completions`.

    Parameters that a server rejects are remembered and omitted. Without `json_schema`, the request is for a plain JSON
    object, with the schema in the messages; without `stream`, for the whole answer at once. The token limit has an
    older name, and reasoning models accept no `temperature`.
    """

    path = "chat/completions"

    def __init__(self, model: str, max_tokens: int) -> None:
        self._model = model
        self._max_tokens = max_tokens
        self._rejected: set[str] = set()

    @staticmethod
    def headers(api_key: str) -> dict[str, str]:
        """See `ChatAPI`."""
        return {"Authorization": f"Bearer {api_key}"} if api_key else {}

    def request(self, messages: Sequence[Message], schema: Mapping[str, Any], *, stream: bool) -> dict[str, Any]:
        """See `ChatAPI`."""
        response_format: dict[str, Any] = {
            "type": JSON_SCHEMA,
            "json_schema": {"name": "filter", "strict": True, "schema": schema},
        }
        if "response_format" in self._rejected:
            response_format = {"type": "json_object"}
            instruction = f"The JSON schema of the answer:\n{orjson.dumps(schema).decode()}"
            messages = [*messages[:1], {"role": "system", "content": instruction}, *messages[1:]]
        limit = next((name for name in LIMITS if name not in self._rejected), LIMITS[0])
        optional: dict[str, Any] = {"temperature": 0, limit: self._max_tokens}
        if stream and "stream" not in self._rejected:
            optional |= {"stream": True, "stream_options": {"include_usage": True}}
        accepted = {name: value for name, value in optional.items() if name not in self._rejected}
        return {"model": self._model, "messages": list(messages), "response_format": response_format, **accepted}

    def adapt(self, request: Mapping[str, Any], response: LLMResponse) -> bool:
        """See `ChatAPI`. A server is expected to name the parameter that it rejects."""
        if response.status not in (400, 422):
            return False
        # Concurrent calls may have changed what this object knows, but not what this request contained.
        optional = [name for name in OPTIONAL if name in request]
        if request["response_format"]["type"] != JSON_SCHEMA:
            optional.remove("response_format")
        rejected = next((name for name in optional if re.search(rf"\b{name}\b".encode(), response.body)), None)
        if rejected is None:
            return False
        _log.info("the LLM server does not know %s: doing without", rejected)
        self._rejected.add(rejected)
        return True

    def decoder(self, listener: Listener) -> "_CompletionDecoder":
        """See `ChatAPI`."""
        return _CompletionDecoder(self._model, listener)

    def answer(self, body: bytes) -> Answer:
        """See `ChatAPI`."""
        try:
            data = orjson.loads(body)
        except orjson.JSONDecodeError as exc:
            raise InvalidAnswer("The body is not JSON.") from exc
        return _answer(data, self._model)


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

    def feed(self, event: ServerSentEvent) -> bool:
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

    def result(self) -> Answer:
        message = {"content": str(self._content), "refusal": "".join(self._refusal)}
        choice = {"message": message, "finish_reason": self._reason}
        return _answer({"model": self._model, "choices": [choice], "usage": self._usage}, self._requested_model)


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
    reported = data.get("model")
    return Answer(content, reported if isinstance(reported, str) else model, token_counts(data.get("usage")))
