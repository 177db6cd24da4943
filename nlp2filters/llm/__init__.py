"""LLM providers: one module per API, all with the same interface."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from nlp2filters.core.llm.messages import Message
from nlp2filters.core.llm.schema_limits import SchemaLimits

# An answer may have this many tokens by default.
MAX_TOKENS = 4096


@dataclass(frozen=True, slots=True)
class Answer:
    """A model's answer: its text, the model's name, and the token counts, if the provider reports them."""

    content: str
    model: str
    usage: Mapping[str, int] | None = None


class Listener(Protocol):
    """A listener for the progress of a call. Its methods must neither block nor fail."""

    def on_start(self) -> None:
        """Handle the start of a try: any text received before is void."""

    def on_delta(self, text: str) -> None:
        """Handle more text of the answer."""

    def on_retry(self, wait_s: float, number: int, max_tries: int) -> None:
        """Handle a failed try: try `number` of `max_tries` follows in `wait_s`."""


class Provider(Protocol):
    """An LLM API."""

    name: str
    model: str

    @property
    def schema_limits(self) -> SchemaLimits:
        """The limits of the schemas of its answers."""

    async def complete(
        self, messages: Sequence[Message], schema: Mapping[str, Any], listener: Listener | None = None
    ) -> Answer:
        """Answer a chat with JSON of the schema. With a `listener`, the answer is streamed if the API supports it.

        Raises:
            ProviderError: the call gave nothing usable; its subclasses give the reason.
        """
