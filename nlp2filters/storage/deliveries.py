"""Webhook deliveries: the message about the end of a job or batch, and the log of the attempts to deliver it."""

from collections.abc import Awaitable, Mapping, Sequence
from typing import Any, cast

import orjson
from redis.asyncio import Redis

from nlp2filters.clock import now_ms
from nlp2filters.core import jobs
from nlp2filters.storage import queue_entries, scripts
from nlp2filters.storage.redis_keys import Keys
from nlp2filters.storage.submissions import TRACE


class Deliveries:
    """The deliveries of all jobs and batches, each by the id of its job or batch (`subject`)."""

    def __init__(self, redis: Redis, keys: Keys, retention_ms: int) -> None:
        self._redis = redis
        self._keys = keys
        self._ttl_ms = 2 * retention_ms
        self._log_script = redis.register_script(scripts.LOG_DELIVERY)
        self._requeue_script = redis.register_script(scripts.REQUEUE_DELIVERY)

    async def message(self, subject: str) -> dict[str, Any] | None:
        """Read the message: `subject_type`, `owner`, `url`, and for a job `body`."""
        content = await self._redis.get(self._keys.message(subject))
        return orjson.loads(content) if content else None

    async def trace(self, subject: str) -> dict[str, str]:
        """Read the context of the trace in which the job or batch was created; empty if there is none any more."""
        async with self._redis.pipeline(transaction=False) as pipe:
            for key in (self._keys.job(subject), self._keys.batch(subject)):
                pipe.hget(key, TRACE)
            return next((orjson.loads(value) for value in await pipe.execute() if value), {})

    async def log(self, subject: str) -> list[dict[str, Any]]:
        """Read the log: attempts and requested redeliveries, oldest first."""
        reply = cast(Awaitable[list[bytes]], self._redis.lrange(self._keys.deliveries(subject), 0, -1))
        return [orjson.loads(note) for note in await reply]

    async def add(self, subject: str, attempt: Mapping[str, Any], *, read: int) -> bool:
        """Log an attempt. The final attempt ends the delivery.

        `read` is the length of the log that the attempt was based on. Returns False, and logs nothing, if the log has
        grown since: this worker was frozen, and another one has taken over; or if everything of the owner was deleted.
        """
        keys = self._keys
        names = [keys.deliveries(subject), keys.open, keys.failed("deliveries")]
        names += [keys.message(subject), keys.job(subject), keys.batch(subject)]
        outcome = [int(attempt["final"]), int(attempt["ok"])]
        args: list[str | bytes | int] = [subject, orjson.dumps(attempt), read, self._ttl_ms, *outcome]
        return bool(await self._log_script(keys=names, args=args))

    async def delete_if_unowned(self, subject: str) -> None:
        """Delete a delivery that has ended, if its job has been deleted in the meantime."""
        if not await self._redis.exists(self._keys.job(subject), self._keys.batch(subject)):
            await self._redis.delete(self._keys.deliveries(subject), self._keys.message(subject))

    async def redeliver(self, subject: str, owner: str, url: str, log: Sequence[Mapping[str, Any]]) -> None:
        """Log a request for redelivery, and queue the delivery again.

        `log` is the log that the caller has read. Concurrent requests have read the same one, and so queue the same
        entry.
        """
        request = {"at": jobs.timestamp(now_ms()), "asked_again": True, "final": False}
        await self._requeue(subject, owner, url, f"again{len(log)}", orjson.dumps(request))

    async def rescue(self, subject: str, owner: str, url: str) -> None:
        """Queue a delivery that has lost its queue entry."""
        await self._requeue(subject, owner, url, f"rescued{now_ms()}", b"")

    async def _requeue(self, subject: str, owner: str, url: str, number: str, request: bytes) -> None:
        entry = queue_entries.of_delivery(self._keys, subject, number, owner, url, now_ms(), self._ttl_ms)
        names = [self._keys.deliveries(subject)]
        await self._requeue_script(keys=names, args=[request, self._ttl_ms, orjson.dumps(entry)])
