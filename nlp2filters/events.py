"""Follow a job's events: replay what its stream holds after a cursor, then wait for more.

A process holds one pub/sub connection for all its followers. A message there only says "look again": what a
follower gets is read from the stream, so nothing is lost while the connection is down, and nothing comes twice.
Followers stay while Redis is away, and go on from where they were.
"""

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.exceptions import ConnectionError, RedisError  # noqa: A004

from nlp2filters.keys import Keys

START = "0-0"
LOOK_AGAIN_S = 15.0
RECONNECT_S = 1.0
SILENCE_S = 5.0  # of the listener's connection, before it asks whether anybody is there
MAX_ID_PART = (1 << 64) - 1  # Redis takes no larger one

_CURSOR = re.compile(r"(\d{1,20})-(\d{1,20})", re.ASCII)
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Event:
    """One entry of a job's stream. `id` is the cursor after it, `data` JSON text."""

    id: str
    name: str
    data: str

    @property
    def last(self) -> bool:
        """Whether the job has ended with it."""
        return self.name == "done"


class Events:
    """The event streams of all jobs, with one listener. Use as `async with Events(redis, keys)`."""

    def __init__(self, redis: Redis, keys: Keys) -> None:
        self._redis = redis
        self._keys = keys
        self._pubsub: PubSub = redis.pubsub()
        self._followers: dict[str, set[asyncio.Event]] = {}
        self._listener: asyncio.Task[None] | None = None
        self._connected = False

    async def __aenter__(self) -> "Events":
        self._listener = asyncio.create_task(self._listen(), name="events-listener")
        return self

    async def __aexit__(self, *exc: object) -> None:
        assert self._listener
        self._listener.cancel()
        await asyncio.gather(self._listener, return_exceptions=True)
        await self._pubsub.aclose()  # type: ignore[no-untyped-call]

    async def follow(self, job_id: str, after: str = START) -> AsyncIterator[Event]:
        """Every event after the cursor `after`, as it comes; ends after the last one."""
        async with self._woken(self._keys.events(job_id)) as changed:
            while True:
                changed.clear()
                while events := await self._read_in_time(job_id, after):
                    for event in events:
                        yield event
                        if event.last:
                            return
                    after = events[-1].id
                try:
                    async with asyncio.timeout(LOOK_AGAIN_S):
                        await changed.wait()
                except TimeoutError:
                    pass

    async def read(self, job_id: str, after: str = START, *, count: int = 100) -> list[Event]:
        """Up to `count` events after the cursor `after`, the oldest first."""
        entries = await self._redis.xrange(self._keys.events(job_id), min=f"({after}", count=count)
        return [_event(entry) for entry in entries]

    async def _read_in_time(self, job_id: str, after: str) -> list[Event]:
        """As `read`, but waiting for a Redis that is away."""
        while True:
            try:
                return await self.read(job_id, after)
            except RedisError as exc:
                _log.debug("a follower waits for Redis: %s", exc)
                await asyncio.sleep(RECONNECT_S)

    async def tail(self, job_id: str, count: int) -> list[Event]:
        """The last `count` events, the newest first."""
        entries = await self._redis.xrevrange(self._keys.events(job_id), count=count)
        return [_event(entry) for entry in entries]

    async def holds(self, job_id: str, cursor: str) -> bool:
        """Whether the stream still has the entry that `cursor` names, so that nothing after it was trimmed."""
        return bool(await self._redis.xrange(self._keys.events(job_id), min=cursor, max=cursor, count=1))

    @asynccontextmanager
    async def _woken(self, channel: str) -> AsyncIterator[asyncio.Event]:
        """An event that is set whenever the channel spoke, and when the listener had to reconnect."""
        changed = asyncio.Event()
        followers = self._followers.setdefault(channel, set())
        followers.add(changed)
        try:
            if len(followers) == 1:
                await self._say(self._pubsub.subscribe, channel)
            yield changed
        finally:
            followers.discard(changed)
            if not followers and self._followers.get(channel) is followers:
                del self._followers[channel]
                await self._say(self._pubsub.unsubscribe, channel)

    async def _say(self, subscribe_or_un: Callable[[str], Awaitable[object]], channel: str) -> None:
        """(Un)subscribe now if the listener is connected; else it will do so itself when it is."""
        if not self._connected:
            return
        try:
            await subscribe_or_un(channel)
        except (RedisError, OSError) as exc:
            _log.debug("the listener is about to reconnect: %s", exc)

    async def _listen(self) -> None:
        """Pass messages on for ever. A confirmed subscription wakes too: what came before it is read then."""
        while True:
            try:
                async with asyncio.timeout(SILENCE_S):
                    await self._pubsub.subscribe(self._keys.web)
                while True:
                    message = await self._heard()
                    if message["channel"] is None:
                        continue
                    channel = message["channel"].decode()
                    if channel == self._keys.web and message["type"] == "subscribe":
                        self._connected = True
                        if self._followers:
                            await self._pubsub.subscribe(*self._followers)
                    self._wake(channel)
            except (RedisError, OSError, TimeoutError) as exc:
                _log.warning("the event listener lost Redis and reconnects: %r", exc)
                self._connected = False
                await self._pubsub.aclose()  # type: ignore[no-untyped-call]
                for channel in list(self._followers):
                    self._wake(channel)
                await asyncio.sleep(RECONNECT_S)

    async def _heard(self) -> dict[str, Any]:
        """The next message; after a silence, the answer to a ping.

        Raises:
            ConnectionError: nobody answers.
        """
        for _ in range(2):
            message: dict[str, Any] | None = await self._pubsub.get_message(timeout=SILENCE_S)
            if message:
                return message
            async with asyncio.timeout(SILENCE_S):
                await self._pubsub.ping()
        raise ConnectionError("no answer to a ping")

    def _wake(self, channel: str) -> None:
        for changed in self._followers.get(channel, ()):
            changed.set()


def is_cursor(text: str) -> bool:
    """Whether `text` has the form of a stream entry's id."""
    match = _CURSOR.fullmatch(text)
    return match is not None and all(int(part) <= MAX_ID_PART for part in match.groups())


def _event(entry: Any) -> Event:
    id_, fields = entry
    return Event(id_.decode(), fields[b"event"].decode(), fields[b"data"].decode())
