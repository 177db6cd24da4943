"""A model behind an API, other than an LLM: what wraps its calls, and opens and closes with them."""

from types import TracebackType
from typing import Generic, Self, TypeVar

from nlp2filters.llm.gate import Gate
from nlp2filters.llm.http import APICalls
from nlp2filters.llm.telemetry import OnCall

C = TypeVar("C", bound=APICalls)


class ModelAPI(Generic[C]):
    """A model that is reached by `calls`. Open it with `async with`."""

    def __init__(self, calls: C) -> None:
        self.provider, self.model = calls.name, calls.model
        self._calls = calls

    async def __aenter__(self) -> Self:
        await self._calls.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._calls.__aexit__(kind, exc, trace)

    @property
    def gate(self) -> Gate:
        """The gate that its calls pass."""
        return self._calls.gate

    def report_calls(self, on_call: OnCall) -> None:
        """Tell `on_call` of each call."""
        self._calls.on_call = on_call
