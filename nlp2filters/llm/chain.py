"""A chain of providers: the next one answers when one is out of reach or rejects the request."""

import logging
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import fields, replace
from types import TracebackType
from typing import Any, Self

from nlp2filters.core.llm.messages import Message
from nlp2filters.core.llm.schema_limits import SchemaLimits
from nlp2filters.core.usage import Usage, total
from nlp2filters.errors import ProviderError, ProviderRejected, ProviderTimeout, ProviderUnavailable, RateLimited
from nlp2filters.llm import Answer, Listener, Permit
from nlp2filters.llm.provider import LLMProvider

# Another provider may answer after one of these; the others are about the answer, not about the provider.
PASSED_ON = (ProviderUnavailable, ProviderTimeout, ProviderRejected)

_log = logging.getLogger(__name__)


class ProviderChain:
    """A `Provider` that asks several in turn. Open it with `async with`, which opens all of them."""

    def __init__(self, providers: Sequence[LLMProvider]) -> None:
        self.providers = {provider.name: provider for provider in providers}
        self.name, self.model = providers[0].name, providers[0].model
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        for provider in self.providers.values():
            await self._stack.enter_async_context(provider)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    @property
    def schema_limits(self) -> SchemaLimits:
        """The limits of the schemas that all of the providers accept."""
        limits = [provider.schema_limits for provider in self.providers.values()]
        names = [field.name for field in fields(SchemaLimits)]
        return SchemaLimits(**{name: min(getattr(one, name) for one in limits) for name in names})

    async def complete(
        self,
        messages: Sequence[Message],
        schema: Mapping[str, Any],
        listener: Listener | None = None,
        permit: Permit | None = None,
    ) -> Answer:
        """See `Provider`. The usage is that of all providers that were asked, the error that of the last one."""
        *_, last = self.providers
        usage: Usage = {}
        limited: RateLimited | None = None
        for name, provider in self.providers.items():
            try:
                answer = await provider.complete(messages, schema, listener, permit)
            except ProviderError as exc:
                exc.usage = usage = total([usage, exc.usage])
                limited = exc if isinstance(exc, RateLimited) else limited
                if limited and name == last and isinstance(exc, PASSED_ON):
                    limited.usage = usage
                    raise limited from exc  # It is worth coming back.
                if name == last or not isinstance(exc, PASSED_ON):
                    raise
                _log.warning("%s gave no answer, so the next provider is asked: %s", name, exc)
            else:
                another = None if name == self.name else name
                return replace(answer, usage=total([usage, answer.usage]), provider=another)
        raise AssertionError("a chain has a last provider")
