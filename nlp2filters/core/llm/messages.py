"""The messages of a chat with an LLM."""

from typing import Literal, TypedDict


class Message(TypedDict):
    """One message of a chat."""

    role: Literal["system", "user", "assistant"]
    content: str
