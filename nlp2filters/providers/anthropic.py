"""The Anthropic messages API: https://docs.anthropic.com/en/api/messages."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import orjson

from nlp2filters.core.prompt import Message
from nlp2filters.errors import AnswerRefused, AnswerTruncated, InvalidAnswer
from nlp2filters.providers import Answer
from nlp2filters.providers.calls import Calls, counted

VERSION = "2023-06-01"
MAX_TOKENS = 4096  # of an answer; the API wants to know
TOOL = "answer"


class AnthropicProvider(Calls):
    """Calls `{base_url}/messages`. The answer is the input of a tool with the schema, which the model must use."""

    name = "anthropic"

    def __init__(self, *, base_url: str, api_key: str, model: str, timeout_s: float) -> None:
        super().__init__(base_url, {"x-api-key": api_key, "anthropic-version": VERSION}, timeout_s)
        self.model = model

    async def complete(self, messages: Sequence[Message], schema: Mapping[str, Any]) -> Answer:
        """See `Provider.complete`."""
        return await self.answer(partial(self._try, messages, schema))

    async def _try(self, messages: Sequence[Message], schema: Mapping[str, Any]) -> Answer:
        reply = await self.post("messages", self._request(messages, schema))
        reply.check()
        return _answer(reply.body, self.model)

    def _request(self, messages: Sequence[Message], schema: Mapping[str, Any]) -> dict[str, Any]:
        tool = {"name": TOOL, "description": "Give the filter that the text asks for.", "input_schema": schema}
        return {
            "model": self.model,
            "max_tokens": MAX_TOKENS,
            "system": "\n\n".join(message["content"] for message in messages if message["role"] == "system"),
            "messages": [message for message in messages if message["role"] != "system"],
            "tools": [tool],
            "tool_choice": {"type": "tool", "name": TOOL},
        }


def _answer(body: bytes, model: str) -> Answer:
    try:
        data = orjson.loads(body)
        reason, said = data["stop_reason"], data.get("model")
        given = [block["input"] for block in data["content"] if block["type"] == "tool_use"]
    except (orjson.JSONDecodeError, LookupError, TypeError, AttributeError) as exc:
        raise InvalidAnswer("The body is not that of a message.") from exc
    if reason == "refusal":
        raise AnswerRefused("The model refused to answer.")
    if reason == "max_tokens":
        raise AnswerTruncated("The answer was cut at the token limit.")
    if not given:
        raise InvalidAnswer("The answer does not use the tool that it was to use.")
    content = orjson.dumps(given[0]).decode()
    return Answer(content, said if isinstance(said, str) else model, counted(data.get("usage")))
