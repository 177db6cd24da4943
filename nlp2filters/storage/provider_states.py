"""States of the providers that workers call, shared through Redis: learnt limits of the rate of calls, and breakers."""

from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import Any, cast

import orjson
from redis.asyncio import Redis

from nlp2filters.clock import now_ms
from nlp2filters.storage.redis_keys import Keys

# A state that nobody has written for so long is forgotten.
KEPT_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class SharedState:
    """A provider's state as JSON data, None if there is none; the time in s by the clock of Redis; the live workers."""

    state: Mapping[str, Any] | None
    now: float
    workers: int


class ProviderStates:
    """The states of all providers, by name, as the workers of `stage` share them."""

    def __init__(self, redis: Redis, keys: Keys, stage: str = "llm") -> None:
        self._redis = redis
        self._name = keys.providers
        self._workers = keys.workers(stage)

    async def read(self, provider: str) -> SharedState:
        """Read a provider's state."""
        async with self._redis.pipeline(transaction=False) as pipe:
            pipe.time()
            pipe.hget(self._name, provider)
            pipe.zcount(self._workers, now_ms(), "+inf")
            (seconds, micros), raw, workers = await pipe.execute()
        return SharedState(orjson.loads(raw) if raw else None, seconds + micros / 1e6, max(1, workers))

    async def write(self, provider: str, state: Mapping[str, Any]) -> None:
        """Write a provider's state."""
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.hset(self._name, provider, orjson.dumps({**state, "written_at": now_ms()}).decode())
            pipe.pexpire(self._name, KEPT_MS)
            await pipe.execute()

    async def read_all(self) -> dict[str, Mapping[str, Any]]:
        """Read the states of all providers that were written lately."""
        reply = await cast(Awaitable[dict[bytes, bytes]], self._redis.hgetall(self._name))
        states = {name.decode(): orjson.loads(raw) for name, raw in reply.items()}
        return {name: state for name, state in sorted(states.items()) if now_ms() - state["written_at"] < KEPT_MS}
