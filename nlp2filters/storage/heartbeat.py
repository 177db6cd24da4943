"""Heartbeats: signs of life of a worker process, independent of the leases of its jobs.

An expired lease proves nothing: its worker may be dead, frozen, or cut off from Redis. A later heartbeat proves that
the worker is alive. Silence proves a death only to an observer that has reached Redis all the time.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from typing import Any, Self, cast

import orjson
from redis.asyncio import Redis
from redis.exceptions import RedisError

from nlp2filters import __version__, background
from nlp2filters.clock import now_ms
from nlp2filters.core.stage_runs import Suspect
from nlp2filters.storage import scripts
from nlp2filters.storage.counts import SharedCounts
from nlp2filters.storage.redis_keys import Keys

# The latest heartbeat of a dead worker is kept for an hour.
TTL_MS = 3_600_000

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Activity:
    """The number of entries that a worker runs, of the `slots` that it has."""

    running: int = 0
    slots: int = 0


class Heartbeat:
    """The heartbeat of `worker`, a process of the stage, while inside `async with`.

    A worker without a heartbeat for `timeout_s` counts as dead. Each heartbeat tells what the worker is doing, by
    `activity`, and takes along what has been added to the shared `counts`.
    """

    def __init__(
        self,
        redis: Redis,
        keys: Keys,
        stage: str,
        worker: str,
        *,
        timeout_s: float,
        counts: SharedCounts | None = None,
        activity: Callable[[], Activity] = Activity,
    ) -> None:
        self._redis = redis
        self._name, self._activity_name = keys.workers(stage), keys.activity(stage)
        self._worker = worker
        self._counts = counts or SharedCounts(redis, keys)
        self._activity = activity
        self._since = now_ms()
        self._timeout_ms = int(1000 * timeout_s)
        self._script = redis.register_script(scripts.HEARTBEAT)
        self._last_beat_at = self._unbroken_since = 0.0
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        await self._beat()
        await self._stack.enter_async_context(background.running(self._repeat, "heartbeat"))
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._stack.aclose()
        with suppress(RedisError, TimeoutError):
            async with asyncio.timeout(1):
                await self._beat()
                await self._redis.zrem(self._name, self._worker)
                await cast(Awaitable[int], self._redis.hdel(self._activity_name, self._worker))

    async def now(self) -> int:
        """Return the time in ms by the clock of Redis, which all heartbeats use."""
        seconds, micros = await cast(Awaitable[tuple[int, int]], self._redis.time())
        return 1000 * seconds + micros // 1000

    async def judge(self, suspects: Sequence[Suspect]) -> tuple[frozenset[Suspect], bool]:
        """Look for signs of life. Returns the suspects that survived, and True if all others are certainly dead."""
        if not suspects:
            return frozenset(), True
        now = await self.now()
        reply: Any = await self._redis.zmscore(self._name, [suspect.worker for suspect in suspects])
        alive_until = dict(zip(suspects, reply, strict=True))
        survivors = frozenset(
            suspect for suspect, until in alive_until.items() if until and until - self._timeout_ms > suspect.since
        )
        others = [until for suspect, until in alive_until.items() if suspect not in survivors]
        return survivors, not others or (self._in_touch() and all(not until or until < now for until in others))

    def _in_touch(self) -> bool:
        """Return True if this process has reached Redis for so long that a worker's silence proves its death."""
        now, timeout_s = asyncio.get_running_loop().time(), self._timeout_ms / 1000
        return now - self._unbroken_since > timeout_s and now - self._last_beat_at < timeout_s / 2

    async def _repeat(self) -> None:
        while True:
            await asyncio.sleep(self._timeout_ms / 3000)
            try:
                await self._beat()
            except (RedisError, OSError) as exc:
                _log.warning("the heartbeat did not reach Redis: %s", exc)

    async def _beat(self) -> None:
        number, counts = self._counts.next_batch()
        activity = self._activity()
        about = {
            "batch": number,
            "running": activity.running,
            "slots": activity.slots,
            "version": __version__,
            "since": self._since,
        }
        await self._script(
            keys=[self._name, self._activity_name, self._counts.name],
            args=[self._worker, self._timeout_ms, TTL_MS, orjson.dumps(about), orjson.dumps(counts)],
        )
        self._counts.acknowledge(number)
        now = asyncio.get_running_loop().time()
        if now - self._last_beat_at > self._timeout_ms / 2000:  # Redis was unreachable, or this process was frozen.
            self._unbroken_since = now
        self._last_beat_at = now
