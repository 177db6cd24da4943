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


class Provider(Protocol):
    """An LLM API."""

    name: str
    model: str

    async def complete(self, messages: Sequence[Message], schema: Mapping[str, Any]) -> Answer:
        """Answer a chat with JSON of the schema.

        Raises:
            ProviderError: the call gave nothing usable; its subclasses say why.
        """
