"""The listener of a process goes on, whatever comes from Redis."""

import asyncio

import pytest

from nlp2filters.storage import listener
from nlp2filters.storage.listener import Listener
from nlp2filters.storage.redis_keys import Keys
from nlp2filters.storage.retrying_redis import RetryingRedis
from nlp2filters.storage.stream_events import StreamEvent


class Follower:
    """Keeps the events that it is woken with."""

    def __init__(self) -> None:
        self.events: list[StreamEvent] = []

    def wake(self, event: StreamEvent | None = None) -> None:
        if event:
            self.events.append(event)


@pytest.mark.parametrize("garbage", [b"1-1\nstatus\n\xff", b"\xff\n\n"])
async def test_a_message_that_nobody_can_read_ends_no_stream(
    redis: RetryingRedis, keys: Keys, monkeypatch: pytest.MonkeyPatch, garbage: bytes
) -> None:
    monkeypatch.setattr(listener, "RECONNECT_S", 0.01)
    channel, follower = keys.events("job_1"), Follower()

    async def until_heard(id_: str) -> None:
        async with asyncio.timeout(20):
            while id_ not in {event.id for event in follower.events}:
                await redis.publish(channel, f"{id_}\nstatus\n{{}}".encode())
                await asyncio.sleep(0.01)

    async with Listener(redis, keys.events("")) as listening:
        await listening.add(channel, follower)
        await until_heard("1-1")
        await redis.publish(channel, garbage)
        await until_heard("1-2")
