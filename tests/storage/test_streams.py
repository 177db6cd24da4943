"""Following a job: everything once, in order, from any cursor, also over a lost connection."""

import asyncio
import random
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest
from arq.connections import ArqRedis
from redis.exceptions import RedisError

from nlp2filters.clock import now_ms
from nlp2filters.core import jobs
from nlp2filters.settings import Settings
from nlp2filters.storage import listener, streams
from nlp2filters.storage.commits import EventDraft
from nlp2filters.storage.connection import connect
from nlp2filters.storage.redis_keys import Keys
from nlp2filters.storage.store import Store
from nlp2filters.storage.stream_events import StreamEvent, is_cursor
from nlp2filters.storage.streams import START, Events
from tests.peers import proxy as proxies


@pytest.fixture
async def events(redis: ArqRedis, keys: Keys) -> AsyncIterator[Events]:
    async with Events(redis, keys) as events:
        yield events


async def say(redis: ArqRedis, keys: Keys, *names: str, job_id: str = "job_1", older: bool = False) -> list[str]:
    """Add events as a commit does, of an `older` version if so; returns their ids."""
    ids = []
    for name in names:
        id_ = await redis.xadd(keys.events(job_id), {"event": name, "data": "{}"})
        await redis.publish(keys.events(job_id), id_ if older else b"%b\n%b\n{}" % (id_, name.encode()))
        ids.append(id_.decode())
    return ids


async def collect(events: AsyncIterator[StreamEvent]) -> list[StreamEvent]:
    async with asyncio.timeout(10):
        return [event async for event in events]


async def names(events: AsyncIterator[StreamEvent]) -> list[str]:
    return [event.name for event in await collect(events)]


async def test_what_was_said_before_is_replayed(events: Events, redis: ArqRedis, keys: Keys) -> None:
    await say(redis, keys, "status", "draft", "done")
    assert await names(events.follow("job_1")) == ["status", "draft", "done"]


async def test_what_is_said_later_comes_as_it_is_said(events: Events, redis: ArqRedis, keys: Keys) -> None:
    await say(redis, keys, "status")
    following = events.follow("job_1")
    assert (await anext(following)).name == "status"
    later = asyncio.ensure_future(names(following))
    await say(redis, keys, "draft", "done")
    assert await later == ["draft", "done"]


async def test_following_goes_on_after_a_cursor(events: Events, redis: ArqRedis, keys: Keys) -> None:
    ids = await say(redis, keys, "status", "draft", "done")
    assert await names(events.follow("job_1", after=ids[0])) == ["draft", "done"]


async def test_many_followers_of_one_job_and_of_many(events: Events, redis: ArqRedis, keys: Keys) -> None:
    following = [asyncio.ensure_future(names(events.follow(f"job_{i % 10}"))) for i in range(100)]
    for i in range(10):
        await say(redis, keys, "status", "status", "done", job_id=f"job_{i}")
    assert await asyncio.gather(*following) == [["status", "status", "done"]] * 100


async def test_a_process_holds_one_connection_for_all_its_followers(
    events: Events, redis: ArqRedis, keys: Keys
) -> None:
    following = [asyncio.ensure_future(names(events.follow("job_1"))) for _ in range(50)]
    await say(redis, keys, "status")
    clients = [client for client in await redis.client_list() if client["sub"] != "0"]
    await say(redis, keys, "done")
    await asyncio.gather(*following)
    assert len([client for client in clients if int(client["sub"]) >= 1]) >= 1
    assert len({client["id"] for client in clients}) == len(clients)


async def test_a_lost_connection_loses_no_event(events: Events, redis: ArqRedis, keys: Keys) -> None:
    following = events.follow("job_1")
    await say(redis, keys, "status")
    assert (await anext(following)).name == "status"
    later = asyncio.ensure_future(names(following))
    for client in await redis.client_list(_type="pubsub"):
        await redis.client_kill_filter(_id=client["id"])
    await say(redis, keys, "draft", "done")
    assert await later == ["draft", "done"]


async def test_followers_stay_while_redis_is_away(redis_url: str, redis: ArqRedis, keys: Keys) -> None:
    with proxies.running(urlsplit(redis_url).port or 0) as proxy:
        client = connect(Settings(redis_url=f"redis://127.0.0.1:{proxy.port}/0"))
        async with Events(client, keys) as events:
            following = events.follow("job_1")
            await say(redis, keys, "status")
            assert (await anext(following)).name == "status"
            proxy.fall_silent()
            later = asyncio.ensure_future(names(following))
            await say(redis, keys, "draft")
            with pytest.raises(RedisError):
                await events.read("job_1")
            await say(redis, keys, "done")
            proxy.heal()
            assert await later == ["draft", "done"]
        await client.aclose()


async def test_a_listener_whose_connection_leads_nowhere_makes_another(
    redis_url: str, redis: ArqRedis, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener, "SILENCE_S", 0.2)
    monkeypatch.setattr(streams, "POLL_FALLBACK_S", 3600)  # only the listener can wake a follower
    with proxies.running(urlsplit(redis_url).port or 0) as proxy:
        client = connect(Settings(redis_url=f"redis://127.0.0.1:{proxy.port}/0"))
        async with Events(client, keys) as events:
            following = asyncio.ensure_future(names(events.follow("job_1")))
            await until_subscribed(redis, keys.events("job_1"))
            proxy.half_open()
            await say(redis, keys, "status", "done")
            assert await following == ["status", "done"]
        await client.aclose()


async def until_subscribed(redis: ArqRedis, channel: str) -> None:
    async with asyncio.timeout(20):
        while not dict(await redis.pubsub_numsub(channel))[channel.encode()]:
            await asyncio.sleep(0.01)


async def test_channels_are_given_up_together_and_may_be_followed_again(
    events: Events, redis: ArqRedis, keys: Keys
) -> None:
    for number in range(3 * listener.UNSUBSCRIBED_AT_ONCE):
        following = asyncio.ensure_future(names(events.follow(f"job_{number}")))
        again = asyncio.ensure_future(names(events.follow(f"job_{number // 2}")))
        await say(redis, keys, "done", job_id=f"job_{number}")
        assert (await following, await again) == (["done"], ["done"])
    assert len(await redis.pubsub_channels(keys.events("*"))) < listener.UNSUBSCRIBED_AT_ONCE


async def test_more_events_than_one_read_takes(events: Events, redis: ArqRedis, keys: Keys) -> None:
    await say(redis, keys, *["status"] * 250, "done")
    assert await names(events.follow("job_1")) == ["status"] * 250 + ["done"]


async def count_reads(redis: ArqRedis) -> int:
    return int((await redis.info("commandstats"))["cmdstat_xrange"]["calls"])


@pytest.mark.parametrize(("older", "most_reads"), [(False, 1), (True, 10)])
async def test_followers_of_one_job_share_their_reads_or_need_none(
    own_redis: ArqRedis, keys: Keys, older: bool, most_reads: int
) -> None:
    """A confirmed subscription makes them look once."""
    async with Events(own_redis, keys) as events:
        following = [events.follow("job_1") for _ in range(100)]
        first = [asyncio.ensure_future(anext(one)) for one in following]
        await say(own_redis, keys, "status")
        assert {event.name for event in await asyncio.gather(*first)} == {"status"}
        await until_subscribed(own_redis, keys.events("job_1"))
        before = await count_reads(own_redis)
        rest = [asyncio.ensure_future(names(one)) for one in following]
        await asyncio.sleep(0.1)
        await say(own_redis, keys, "draft", "done", older=older)
        assert await asyncio.gather(*rest) == [["draft", "done"]] * 100
        assert await count_reads(own_redis) - before <= most_reads


async def test_what_jobs_write_is_followed_without_reading_it(own_redis: ArqRedis, keys: Keys) -> None:
    store = Store(own_redis, keys, retention_s=60)
    job = jobs.create("job_1", "filters", "anonymous", now_ms(), deadline_s=60)
    await store.jobs.create(job, b"{}")
    async with Events(own_redis, keys) as events:
        following = events.follow(job.id)
        assert (await anext(following)).name == "status"
        before = await count_reads(own_redis)
        rest = asyncio.ensure_future(collect(following))
        job = await store.jobs.apply(job, lambda job: jobs.begin(job, "embedding", "w", now_ms()))
        await store.jobs.publish(job, [EventDraft("delta", {"text": "line\nline \u00e9"}, brief=True)], now_ms())
        done = [EventDraft("progress", {"n": 1}), EventDraft("done", {"result": None})]
        await store.jobs.apply(job, lambda job: jobs.cancel(job, now_ms()), events=done)
        assert await rest == (await events.read(job.id))[1:]
        # That of the line above, and one after the subscription.
        assert await count_reads(own_redis) <= before + 2


async def test_sharing_loses_nothing_whenever_somebody_comes(
    events: Events, redis: ArqRedis, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "POLL_FALLBACK_S", 3600)  # whoever misses an event waits for ever
    rng, ids = random.Random(7), list[str]()

    async def come_and_follow() -> list[str]:
        await asyncio.sleep(rng.random() / 2)
        async with asyncio.timeout(30):
            return [event.id async for event in events.follow("job_1")]

    following = [asyncio.ensure_future(come_and_follow()) for _ in range(200)]
    for name in [*["status"] * 300, "done"]:
        ids += await say(redis, keys, name, older=rng.random() < 0.2)  # during an upgrade, both versions write
        if rng.random() < 0.5:
            await asyncio.sleep(rng.random() / 200)
    assert await asyncio.gather(*following) == [ids] * 200


async def test_following_what_is_no_longer_kept_ends(
    events: Events, redis: ArqRedis, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    following = events.follow("job_1")
    await say(redis, keys, "status")
    assert (await anext(following)).name == "status"
    await redis.delete(keys.events("job_1"))
    monkeypatch.setattr(streams, "POLL_FALLBACK_S", 0.1)
    assert await names(following) == []


async def test_the_tail_is_read_backwards(events: Events, redis: ArqRedis, keys: Keys) -> None:
    await say(redis, keys, "status", "draft", "done")
    assert [event.name for event in await events.tail("job_1", 2)] == ["done", "draft"]


async def test_a_cursor_that_the_stream_does_not_hold(events: Events, redis: ArqRedis, keys: Keys) -> None:
    (first, *_) = await say(redis, keys, "status", "done")
    assert await events.contains("job_1", first)
    assert not await events.contains("job_1", "99999999999999-0")
    assert not await events.contains("job_1", "1-1")
    assert not await events.contains("job_2", first)


@pytest.mark.parametrize(
    ("text", "good"),
    [
        (START, True),
        ("1718000000000-12", True),
        ("", False),
        ("1718000000000", False),
        ("-", False),
        ("$", False),
        ("1-1\n", False),
        ("١-١", False),
        ("9" * 21 + "-0", False),
        ("18446744073709551615-18446744073709551615", True),
        ("18446744073709551616-0", False),
        ("0-18446744073709551616", False),
    ],
)
def test_the_form_of_a_cursor(text: str, good: bool) -> None:
    assert is_cursor(text) is good
