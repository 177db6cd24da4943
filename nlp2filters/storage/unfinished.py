"""The index of unfinished work: every job and delivery that has not ended, with the place of its queue entry."""

from collections.abc import Awaitable
from typing import NamedTuple, cast

from redis.asyncio import Redis

from nlp2filters.storage import scripts
from nlp2filters.storage.redis_keys import Keys


class Orphan(NamedTuple):
    """A job or delivery with neither an entry nor a lease, and the names of the queue and entry that it should have."""

    subject: str
    queue_name: str
    entry: str


class UnfinishedWork:
    """The index of unfinished work. Commits keep it; a rescuer looks for orphans in it."""

    def __init__(self, redis: Redis, keys: Keys) -> None:
        self._redis = redis
        self._name = keys.open
        self._orphans_script = redis.register_script(scripts.FIND_ORPHANS)
        self._remove_script = redis.register_script(scripts.REMOVE_UNFINISHED)

    async def count(self) -> int:
        """Count the jobs and deliveries that have not ended."""
        return await cast(Awaitable[int], self._redis.hlen(self._name))

    async def orphans(self, cursor: str, count: int) -> tuple[str, list[Orphan]]:
        """Scan about `count` of the ids for orphans, starting at `cursor`; "0" is the first.

        Returns the next cursor ("0" at the end) and the orphans.
        """
        reply = await self._orphans_script(keys=[self._name], args=[cursor, count])
        next_cursor, *parts = [part.decode() for part in reply]
        return next_cursor, [Orphan(*orphan) for orphan in zip(parts[::3], parts[1::3], parts[2::3], strict=True)]

    async def remove(self, subject: str, queue_name: str, entry: str) -> None:
        """Remove an id from the index, unless its value there has changed."""
        await self._remove_script(keys=[self._name], args=[subject, queue_name, entry])
