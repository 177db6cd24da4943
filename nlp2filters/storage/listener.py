"""Listen to the channels of jobs: one pub/sub connection for all followers of a process.

A message contains its event, so that followers need not read it. They read what may have come while they were not
subscribed: each confirmed subscription makes them look, and so does a lost connection.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any, Protocol, Self

from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.exceptions import ConnectionError, RedisError  # noqa: A004

from nlp2filters import background
from nlp2filters.storage.stream_events import StreamEvent

RECONNECT_S = 1.0
# After this much silence, the listener pings Redis.
SILENCE_S = 5.0
# A channel that nobody follows any more may stay subscribed until there are so many.
UNSUBSCRIBED_AT_ONCE = 50

_log = logging.getLogger(__name__)


class Waker(Protocol):
    """An object that waits for events."""

    def wake(self, event: StreamEvent | None = None) -> None:
        """Take the event, which is the next one since the last message; or look for new ones, as there may be some."""


class Listener:
    """The listener of a process, inside `async with`. The channel `keep_alive` keeps it subscribed to something."""

    def __init__(self, redis: Redis, keep_alive: str) -> None:
        self._pubsub: PubSub = redis.pubsub()
        self._keep_alive = keep_alive
        self._followers: dict[str, set[Waker]] = {}
        self._subscribed: set[str] = set()  # These have been confirmed.
        self._unused: set[str] = set()  # They have no followers, and are about to be unsubscribed together.
        self._stack = AsyncExitStack()
        self._connected = False

    async def __aenter__(self) -> Self:
        await self._stack.enter_async_context(background.running(self._listen, "events-listener"))
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._stack.aclose()
        await self._pubsub.aclose()  # type: ignore[no-untyped-call]

    async def add(self, channel: str, follower: Waker) -> None:
        """Wake the follower from now on, and a first time as soon as it can miss nothing."""
        followers = self._followers.setdefault(channel, set())
        followers.add(follower)
        self._unused.discard(channel)
        if not self._connected or channel in self._subscribed:
            follower.wake()
        elif len(followers) == 1:
            try:
                await self._send(self._pubsub.subscribe, channel)
            except asyncio.CancelledError:
                await self.remove(channel, follower)
                raise

    async def remove(self, channel: str, follower: Waker) -> None:
        """Stop waking the follower."""
        followers = self._followers[channel]
        followers.discard(follower)
        if followers:
            return
        del self._followers[channel]
        self._unused.add(channel)
        if len(self._unused) >= UNSUBSCRIBED_AT_ONCE:
            unused, self._unused = self._unused, set()
            self._subscribed -= unused
            await self._send(self._pubsub.unsubscribe, *unused)

    async def _send(self, command: Callable[..., Awaitable[object]], *channels: str) -> None:
        """Subscribe or unsubscribe now if connected; otherwise the listener does so itself when it connects."""
        if not self._connected:
            return
        try:
            await command(*channels)
        except (RedisError, OSError, RuntimeError) as exc:  # uvloop's error for a closed transport is a RuntimeError.
            _log.debug("the event listener is about to reconnect: %s", exc)

    async def _listen(self) -> None:
        while True:
            try:
                await self._notify_until_disconnected()
            except Exception as exc:  # Whatever it was, all streams of this process depend on the listener.
                _log.warning("the event listener lost Redis and reconnects: %r", exc)
                self._connected = False
                self._subscribed.clear()
                self._unused.clear()
                await self._pubsub.aclose()  # type: ignore[no-untyped-call]
                for channel in list(self._followers):
                    self._notify(channel)
                await asyncio.sleep(RECONNECT_S)

    async def _notify_until_disconnected(self) -> None:
        """Wake followers. A confirmed subscription wakes them, too, as events may have come before it."""
        async with asyncio.timeout(SILENCE_S):
            await self._pubsub.subscribe(self._keep_alive)
        while True:
            message = await self._next_message()
            if message["channel"] is None:  # It is the answer to a ping.
                continue
            channel = message["channel"].decode()
            if message["type"] == "message":
                self._notify(channel, StreamEvent.of_message(message["data"]))
            elif message["type"] == "subscribe":
                await self._confirm(channel)

    async def _confirm(self, channel: str) -> None:
        if channel == self._keep_alive:
            self._connected = True
            if self._followers:
                await self._pubsub.subscribe(*self._followers)
        elif channel in self._followers:
            self._subscribed.add(channel)
            self._notify(channel)

    async def _next_message(self) -> dict[str, Any]:
        """Return the next message; after a silence, the answer to a ping.

        Raises:
            ConnectionError: Redis does not answer.
        """
        for _ in range(2):
            message: dict[str, Any] | None = await self._pubsub.get_message(timeout=SILENCE_S)
            if message:
                return message
            async with asyncio.timeout(SILENCE_S):
                await self._pubsub.ping()
        raise ConnectionError("no answer to a ping")

    def _notify(self, channel: str, event: StreamEvent | None = None) -> None:
        for follower in self._followers.get(channel, ()):
            follower.wake(event)
