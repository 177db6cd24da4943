"""The OpenAI chat API, as OpenAI and many other servers speak it."""

import logging
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import orjson

from nlp2filters.core.prompt import Message
from nlp2filters.errors import AnswerRefused, AnswerTruncated, InvalidAnswer
from nlp2filters.providers import Answer
from nlp2filters.providers.calls import MAX_QUOTED, Calls, counted

_log = logging.getLogger(__name__)


class OpenAIProvider(Calls):
    """Calls `{base_url}/chat/completions`.

    A server that does not know `json_schema` is asked for a plain JSON object from then on, with the schema in the
    messages.
    """

    name = "openai"

    def __init__(self, *, base_url: str, api_key: str, model: str, timeout_s: float) -> None:
        super().__init__(base_url, {"Authorization": f"Bearer {api_key}"} if api_key else {}, timeout_s)
        self.model = model
        self._enforces_schema = True

    async def complete(self, messages: Sequence[Message], schema: Mapping[str, Any]) -> Answer:
        """See `Provider.complete`."""
        return await self.answer(partial(self._try, messages, schema))

    async def _try(self, messages: Sequence[Message], schema: Mapping[str, Any]) -> Answer:
        reply = await self.post("chat/completions", self._request(messages, schema))
        if reply.status == 400 and self._enforces_schema and b"response_format" in reply.body:
            _log.info("the LLM server does not know json_schema: asking for plain JSON")
            self._enforces_schema = False
            reply = await self.post("chat/completions", self._request(messages, schema))
        reply.check()
        return _answer(reply.body, self.model)

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
    said = data.get("model")
    return Answer(content, said if isinstance(said, str) else model, counted(data.get("usage")))
