"""The interface of one LLM API: how its requests are built, and its answers read. HTTP is not its concern."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from nlp2filters.core.llm.messages import Message
from nlp2filters.llm import MAX_TOKENS, Answer, Listener
from nlp2filters.llm.capabilities import JSON_OBJECT, JSON_SCHEMA
from nlp2filters.llm.http import StreamDecoder

# A feature of requests: its name, and the path of the member that asks for it, by which errors name it.
Features = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelOptions:
    """The model to call. An answer has at most `max_tokens`.

    A reasoning model is asked for this `effort`, in the provider's own words (empty: its default), or may think for
    `thinking_tokens` before it answers (0: its default).
    """

    model: str
    max_tokens: int = MAX_TOKENS
    effort: str = ""
    thinking_tokens: int = 0


class ChatAPI(Protocol):
    """An LLM API for one model.

    A model, or a server of this API, may lack some `features`. If an error does not say which one, those of each set of
    `unlocated` are given up in turn.
    """

    path: ClassVar[str]
    features: ClassVar[Features]
    unlocated: ClassVar[Sequence[frozenset[str]]]

    def request(
        self, messages: Sequence[Message], schema: Mapping[str, Any], lacks: Collection[str], *, stream: bool
    ) -> Mapping[str, Any]:
        """Build a request for JSON of the schema, as a stream if that is asked for, without the features `lacks`."""

    def decoder(self, request: Mapping[str, Any], listener: Listener) -> StreamDecoder:
        """Create a decoder of the answer to a request for a stream."""

    def answer(self, request: Mapping[str, Any], body: bytes) -> Answer:
        """Read the body of a successful response to a request.

        Raises:
            ProviderError: the answer is of no use.
        """


def used(features: Features, request: Mapping[str, Any], lacks: Collection[str]) -> dict[str, tuple[str, ...]]:
    """Return those of the `features` that a request uses, which was built without those that the model `lacks`.

    Schemas and plain JSON may share a member, and no request has both: a schema comes first.
    """
    absent = {*lacks} if JSON_SCHEMA in lacks else {*lacks, JSON_OBJECT}
    return {name: path for name, path in features.items() if name not in absent and _has(request, path)}


def _has(request: Mapping[str, Any], path: Sequence[str]) -> bool:
    value: Any = request
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value is not None


def instruction(schema: str) -> Message:
    """Return the message that describes the answer to a model that cannot be held to a schema."""
    return {"role": "system", "content": f"The JSON schema of the answer:\n{schema}"}


def with_instruction(messages: Sequence[Message], schema: str) -> list[Message]:
    """Return the messages with the schema after the first one, which is the same for all texts."""
    return [*messages[:1], instruction(schema), *messages[1:]]
