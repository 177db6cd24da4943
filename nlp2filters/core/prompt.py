"""The older name of `core.llm.prompt`."""

from nlp2filters.core.llm.prompt import Message

__all__ = ["Message"]
