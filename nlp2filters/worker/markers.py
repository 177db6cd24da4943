"""The markers by which an idle worker is woken: a commit, a claim or the worker itself puts them beside the queue."""

import asyncio
import secrets
from collections.abc import Collection
from typing import Any

from nlp2filters.storage.arq_format import more_key, wake_key
from nlp2filters.storage.retrying_redis import RetryingRedis

# Redis may answer this long after the wait. Together with the longest wait of a worker it is less than a lease, so that
# an outage is noticed before leases expire.
ANSWER_TIMEOUT_S = 3.0
OWN_MARKER_TTL_MS = 60_000


class Markers:
    """The markers of a queue's lanes for which a worker waits, and one of its own, by which it wakes itself."""

    def __init__(self, redis: RetryingRedis, queue_name: str) -> None:
        self._redis, self._queue_name = redis, queue_name
        self._own = f"{queue_name}:wake:{secrets.token_hex(8)}"
        self._waiting: asyncio.Future[Any] | None = None
        # The lanes for whose markers the worker waits, until it wakes itself.
        self.awaited_lanes: Collection[str] = ()
        self._waking: set[asyncio.Task[None]] = set()
        self._stopped = False

    async def wait(self, lanes: Collection[str], wait_s: float, *, for_more: bool) -> None:
        """Wait for up to `wait_s` for a marker of these lanes; `for_more`, also for what other workers pass over."""
        kinds = (wake_key, more_key) if for_more else (wake_key,)
        markers = [key(self._queue_name, lane) for key in kinds for lane in lanes]
        self.awaited_lanes = lanes
        self._waiting = waiting = asyncio.ensure_future(self._pop([*markers, self._own], wait_s))
        try:
            await asyncio.wait({waiting})
        finally:
            self.awaited_lanes = ()
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
        if self._stopped:
            for marker in markers:  # Another worker must be woken instead.
                await self._redis.zadd(marker, {"0": 0})
        else:
            waiting.result()

    def wake(self) -> None:
        """End the wait of this worker."""
        self.awaited_lanes = ()
        waking = asyncio.create_task(self._put_own())
        self._waking.add(waking)
        waking.add_done_callback(self._waking.discard)

    def stop(self) -> None:
        """End the wait at once, and leave the markers to other workers."""
        self._stopped = True
        if self._waiting:
            self._waiting.cancel()

    def close(self) -> None:
        """Give up what is under way."""
        for task in self._waking:
            task.cancel()

    async def _pop(self, markers: list[str], wait_s: float) -> None:
        async with asyncio.timeout(wait_s + ANSWER_TIMEOUT_S):  # A half-open connection never answers.
            await self._redis.bzpopmin(markers, wait_s)

    async def _put_own(self) -> None:
        async with self._redis.pipeline(transaction=False) as pipe:
            pipe.zadd(self._own, {"0": 0})
            pipe.pexpire(self._own, OWN_MARKER_TTL_MS)
            await pipe.execute()
