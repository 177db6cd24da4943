"""LLM providers: one module per API, all with the same face."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from nlp2filters.core.prompt import Message


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model answered: its text, the model that did, and the tokens it counted, where it says so."""

    content: str
    model: str
    usage: Mapping[str, int] | None = None


class Listener(Protocol):
    """Who wants to know how a call goes. It is called in passing, and may neither wait nor fail."""

    def begins(self) -> None:
        """The call is made, or made again: what came of the answer so far is void."""

    def adds(self, text: str) -> None:
        """More of the answer came."""

    def waits(self, seconds: float, number: int, most: int) -> None:
        """A try failed: in so many seconds comes the one of that number, of `most`."""


class Provider(Protocol):
    """An LLM API."""

    name: str
    model: str

    async def complete(
        self, messages: Sequence[Message], schema: Mapping[str, Any], listener: Listener | None = None
    ) -> Answer:
        """Answer a chat with JSON of the schema. With a `listener` the answer is streamed, where the API can.

        Raises:
            ProviderError: the call gave nothing usable; its subclasses say why.
        """
