"""Follow a job's events: replay its stream after a cursor, then take each event as it is published.

A follower reads the stream once its subscription is confirmed, and has all later events from messages. It reads again
if a message may have been lost, or does not contain its event. Followers at the same cursor that read at the same time
share one read. They stay while Redis is unavailable, and continue afterwards where they were.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence

from redis.asyncio import Redis
from redis.exceptions import RedisError

from nlp2filters.storage.errors import is_unavailable
from nlp2filters.storage.listener import Listener
from nlp2filters.storage.redis_keys import Keys
from nlp2filters.storage.stream_events import StreamEvent

START = "0-0"
# A follower reads again after this time, even if nothing has woken it.
POLL_FALLBACK_S = 15.0
RETRY_S = 1.0
READ_AT_ONCE = 100

_log = logging.getLogger(__name__)


class Follower:
    """A follower of a job or batch from a cursor: `async with events.follower(job_id, cursor) as follower`."""

    __slots__ = ("_cursor", "_events", "_first", "_messages", "_subject", "_unread", "_waiting", "ended")

    def __init__(self, events: "Events", subject: str, cursor: str, first: Sequence[StreamEvent]) -> None:
        self._events, self._subject, self._cursor, self._first = events, subject, cursor, first
        self._unread = False
        self._messages: tuple[StreamEvent, ...] = ()
        self._waiting: asyncio.Future[None] | None = None
        self.ended = False

    async def __aenter__(self) -> "Follower":
        await self._events.add(self._subject, self)
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._events.remove(self._subject, self)

    def end(self) -> None:
        """End the follower: from now on, `next` returns at once."""
        self.ended = True
        self.wake()

    def wake(self, event: StreamEvent | None = None) -> None:
        """Make the follower take the event, or look for new ones in the stream."""
        if event and len(self._messages) < READ_AT_ONCE:
            self._messages += (event,)
        else:
            self._unread, self._messages = True, ()
        if self._waiting and not self._waiting.done():
            self._waiting.set_result(None)

    async def next(self, timeout_s: float) -> Sequence[StreamEvent]:
        """Return the next events, in order; none if none came in time, or while Redis is unavailable.

        The follower has ended when no more can come: its stream has expired, or `end` was called.
        """
        if self._first:
            first, self._first = self._first, ()
            return first
        if not self._unread and not self._messages:
            await self._pause(timeout_s)
        if self.ended:
            return ()
        if self._messages and not self._unread:
            messages, self._messages = self._messages, ()
            events: Sequence[StreamEvent] = [event for event in messages if event.follows(self._cursor)]
        else:
            events = await self._read(timeout_s)
        if events:
            self._cursor = events[-1].id
        return events

    async def _read(self, timeout_s: float) -> Sequence[StreamEvent]:
        """Read the events after the cursor. While Redis is unavailable, wait a while and return none."""
        woken, self._unread = self._unread, False
        try:
            events = await self._events.read_together(self._subject, self._cursor)
            if not events and not woken:
                self.ended = not await self._events.exists(self._subject)
        except RedisError as exc:
            if not is_unavailable(exc):
                raise
            _log.debug("a follower waits for Redis: %s", exc)
            await self._pause(min(timeout_s, RETRY_S))
            self._unread = True
            return ()
        self._unread = self._unread or len(events) == READ_AT_ONCE
        return events

    async def _pause(self, timeout_s: float) -> None:
        """Wait to be woken, for at most `timeout_s`."""
        loop = asyncio.get_running_loop()
        waiting = self._waiting = loop.create_future()
        timer = loop.call_later(timeout_s, _settle, waiting)
        try:
            await waiting
        finally:
            timer.cancel()
            self._waiting = None


class Events:
    """The event streams of all jobs, with one listener. Use it as `async with Events(redis, keys)`."""

    def __init__(self, redis: Redis, keys: Keys) -> None:
        self._redis = redis
        self._keys = keys
        self._listener = Listener(redis, keys.web)
        self._reads: dict[tuple[str, str], asyncio.Task[list[StreamEvent]]] = {}

    async def __aenter__(self) -> "Events":
        await self._listener.__aenter__()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._listener.__aexit__(*exc)

    async def add(self, subject: str, follower: Follower) -> None:
        """Wake the follower from now on."""
        await self._listener.add(self._keys.events(subject), follower)

    async def remove(self, subject: str, follower: Follower) -> None:
        """Stop waking the follower."""
        await self._listener.remove(self._keys.events(subject), follower)

    def follower(self, subject: str, after: str = START, *first: StreamEvent) -> Follower:
        """Create a follower of the job or batch, which is woken while inside its context. It yields `first` first."""
        return Follower(self, subject, after, first)

    async def follow(self, job_id: str, after: str = START) -> AsyncIterator[StreamEvent]:
        """Yield each event after the cursor `after` as it comes, until the last one, or until the stream expires."""
        async with self.follower(job_id, after) as follower:
            while not follower.ended:
                for event in await follower.next(POLL_FALLBACK_S):
                    yield event
                    if event.last:
                        return

    async def read(self, job_id: str, after: str = START, *, count: int = READ_AT_ONCE) -> list[StreamEvent]:
        """Read up to `count` events after the cursor `after`, oldest first."""
        entries = await self._redis.xrange(self._keys.events(job_id), min=f"({after}", count=count)
        return [StreamEvent.of_entry(*entry) for entry in entries]

    async def read_together(self, job_id: str, after: str) -> Sequence[StreamEvent]:
        """Read as `read` does, once for all followers that ask in the same turn of the event loop.

        A follower never joins a read that has already begun, as it may have missed the event that woke the follower.
        """
        position = (job_id, after)
        if position not in self._reads:
            self._reads[position] = asyncio.create_task(self._begin(position))
        return await asyncio.shield(self._reads[position])  # A follower that leaves does not cancel the others' read.

    async def _begin(self, position: tuple[str, str]) -> list[StreamEvent]:
        del self._reads[position]
        return await self.read(*position)

    async def exists(self, job_id: str) -> bool:
        """Return True if the job or batch has events."""
        return bool(await self._redis.exists(self._keys.events(job_id)))

    async def tail(self, job_id: str, count: int) -> list[StreamEvent]:
        """Read the last `count` events, newest first."""
        entries = await self._redis.xrevrange(self._keys.events(job_id), count=count)
        return [StreamEvent.of_entry(*entry) for entry in entries]

    async def contains(self, job_id: str, cursor: str) -> bool:
        """Return True if the entry at `cursor` is still in the stream, so that no later one has been trimmed."""
        return bool(await self._redis.xrange(self._keys.events(job_id), min=cursor, max=cursor, count=1))


def _settle(waiting: "asyncio.Future[None]") -> None:
    if not waiting.done():
        waiting.set_result(None)
