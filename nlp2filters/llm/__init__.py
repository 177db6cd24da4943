"""LLM providers: one module per API, all with the same interface."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Protocol, Self

from nlp2filters.core.llm.messages import Message
from nlp2filters.core.llm.schema_limits import SchemaLimits
from nlp2filters.core.usage import Usage

# An answer may have this many tokens by default.
MAX_TOKENS = 4096
# The names of an LLM's answer about a text and of its repair; a job's record holds them in fields of these names.
ANSWERS = ("answer", "repaired_answer")
# A call waits so long in all while the provider limits the rate of calls.
PATIENCE_S = 60.0

# Awaited before every single request of a call, also before repeated ones; it raises `BudgetSpent` to allow no more.
Permit = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Answer:
    """A model's answer: its text, the model's name, and the usage of all tries of the call.

    `provider` is the name of the provider in a chain that answered instead of the first; None if that did.
    """

    content: str
    model: str
    usage: Usage | None = None
    provider: str | None = None

    def to_record(self) -> dict[str, Any]:
        """Return the answer as JSON data, without empty members: earlier versions know no `provider`, and no chains."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Self:
        """Read an answer from JSON data, which may be from another version."""
        return cls(**{field.name: record[field.name] for field in fields(cls) if field.name in record})


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
        self,
        messages: Sequence[Message],
        schema: Mapping[str, Any],
        listener: Listener | None = None,
        permit: Permit | None = None,
    ) -> Answer:
        """Answer a chat with JSON of the schema. With a `listener`, the answer is streamed if the API supports it.

        With a `permit`, no request is sent that it does not allow.

        Raises:
            ProviderError: the call gave nothing usable; its subclasses give the reason, its `usage` what it took.
        """
