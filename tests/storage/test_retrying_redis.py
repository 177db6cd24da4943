"""The client on a bad network: commands are repeated, on other connections, and share their round trips."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from urllib.parse import urlsplit

import pytest
from redis.exceptions import DataError, RedisError, ResponseError

from nlp2filters.settings import Settings
from nlp2filters.storage.connection import connect
from nlp2filters.storage.errors import OutcomeUnknown, is_write_refused
from nlp2filters.storage.redis_keys import Keys
from nlp2filters.storage.retrying_redis import RetryingRedis
from nlp2filters.storage.round_trips import MIN_LIMIT_S
from tests.own_logs import own_messages
from tests.peers import proxy as proxies
from tests.peers.proxy import Proxy
from tests.ports import free_port


@pytest.fixture
def proxy(redis_url: str) -> Iterator[Proxy]:
    with proxies.running(urlsplit(redis_url).port or 0) as proxy:
        yield proxy


@pytest.fixture
async def web(proxy: Proxy) -> AsyncIterator[RetryingRedis]:
    """A client as a web process has it."""
    client = connect(Settings(redis_url=f"redis://127.0.0.1:{proxy.port}/0"))
    yield client
    await client.aclose()


@pytest.fixture
async def worker(proxy: Proxy) -> AsyncIterator[RetryingRedis]:
    """A client as a worker has it."""
    client = connect(Settings(redis_url=f"redis://127.0.0.1:{proxy.port}/0"), patience_s=None)
    yield client
    await client.aclose()


async def pinged_by_all(client: RetryingRedis) -> None:
    """Make every connection of the pool, and check that all of them work."""
    async with asyncio.timeout(20):
        assert all(await asyncio.gather(*[client.ping() for _ in range(20)], *[piped(client) for _ in range(20)]))


async def piped(client: RetryingRedis) -> list[object]:
    async with client.pipeline() as pipe:
        pipe.echo("a")
        pipe.echo("b")
        return list(await pipe.execute())


async def test_a_web_process_waits_for_a_silent_server_for_a_while_only(web: RetryingRedis, proxy: Proxy) -> None:
    await pinged_by_all(web)
    proxy.fall_silent()
    async with asyncio.timeout(20):
        with pytest.raises(RedisError):
            await web.ping()
        with pytest.raises(RedisError):
            await piped(web)
    proxy.heal()
    await pinged_by_all(web)


async def test_more_who_ask_a_silent_server_than_there_are_connections(web: RetryingRedis, proxy: Proxy) -> None:
    proxy.fall_silent()
    async with asyncio.timeout(20):
        answers = await asyncio.gather(*[web.ping() for _ in range(50)], return_exceptions=True)
    assert all(isinstance(answer, RedisError) for answer in answers)
    proxy.heal()
    await pinged_by_all(web)


async def test_connections_that_lead_nowhere_are_replaced(web: RetryingRedis, proxy: Proxy) -> None:
    await pinged_by_all(web)
    proxy.half_open()
    assert await web.ping()
    assert await piped(web) == [b"a", b"b"]


async def test_connections_that_were_cut_are_replaced(web: RetryingRedis, proxy: Proxy) -> None:
    await pinged_by_all(web)
    proxy.cut()
    assert await web.ping()
    assert await piped(web) == [b"a", b"b"]


async def test_a_worker_waits_until_the_server_is_back(
    worker: RetryingRedis, proxy: Proxy, caplog: pytest.LogCaptureFixture
) -> None:
    await pinged_by_all(worker)
    proxy.fall_silent()
    waiting = [asyncio.ensure_future(worker.echo("a")), asyncio.ensure_future(piped(worker))]
    async with asyncio.timeout(20):
        while "trying again" not in caplog.text:
            await asyncio.sleep(0.05)
        assert not any(task.done() for task in waiting)
        proxy.heal()
        assert await asyncio.gather(*waiting) == [b"a", [b"a", b"b"]]
    assert "takes commands again" in caplog.text


async def test_who_waits_until_there_is_room(own_redis: RetryingRedis, caplog: pytest.LogCaptureFixture) -> None:
    write = "return redis.call('SET', KEYS[1], 'x')"
    port = own_redis.connection_pool.connection_kwargs["port"]
    worker = connect(Settings(redis_url=f"redis://127.0.0.1:{port}/0"), patience_s=None)
    await own_redis.config_set("maxmemory", 1)
    with pytest.raises(RedisError) as caught:  # a web process does not wait
        await own_redis.eval(write, 1, "a")  # type: ignore[misc]
    assert is_write_refused(caught.value)
    writing = asyncio.ensure_future(worker.eval(write, 1, "a"))  # type: ignore[arg-type]
    async with asyncio.timeout(20):
        while "trying again" not in caplog.text:
            await asyncio.sleep(0.05)
        await own_redis.config_set("maxmemory", 0)
        await writing
        assert await own_redis.get("a") == b"x"
    await worker.aclose()


async def test_a_mistake_is_told_at_once_also_to_a_worker(worker: RetryingRedis) -> None:
    async with asyncio.timeout(20):
        with pytest.raises(RedisError, match="unknown command"):
            await worker.execute_command("NOSUCHCOMMAND")


async def written(client: RetryingRedis, key: str) -> object:
    return await client.set(key, "x")


async def written_with_others(client: RetryingRedis, key: str) -> object:
    async with client.pipeline() as pipe:
        pipe.get(key)
        pipe.set(key, "x")
        return await pipe.execute()


async def written_in_order(client: RetryingRedis, key: str) -> object:
    async with client.pipeline(transaction=False) as pipe:
        pipe.get(key)
        pipe.set(key, "x")
        return await pipe.execute()


Write = Callable[[RetryingRedis, str], Awaitable[object]]
WRITES = pytest.mark.parametrize("write", [written, written_with_others, written_in_order])


@WRITES
async def test_a_write_that_was_sent_and_not_answered_may_have_been_carried_out(
    web: RetryingRedis,
    redis: RetryingRedis,
    proxy: Proxy,
    keys: Keys,
    write: Write,
) -> None:
    await pinged_by_all(web)
    proxy.fall_silent()
    with pytest.raises(OutcomeUnknown):
        await write(web, keys.stats)
    assert await redis.get(keys.stats) is None
    proxy.heal()
    async with asyncio.timeout(20):
        while await redis.get(keys.stats) is None:
            await asyncio.sleep(0.01)


@WRITES
async def test_a_write_that_was_never_sent_was_not_carried_out(keys: Keys, write: Write) -> None:
    nowhere = connect(Settings(redis_url=f"redis://127.0.0.1:{free_port()}/0"), patience_s=0.2)
    with pytest.raises(RedisError) as caught:
        await write(nowhere, keys.stats)
    assert not isinstance(caught.value, OutcomeUnknown)
    await nowhere.aclose()


async def test_a_read_has_no_outcome(web: RetryingRedis, proxy: Proxy) -> None:
    await pinged_by_all(web)
    proxy.fall_silent()
    with pytest.raises(RedisError) as caught:
        await web.get("a")
    assert not isinstance(caught.value, OutcomeUnknown)


async def test_waiting_for_a_connection_is_no_sign_that_the_server_is_away(
    redis_url: str, keys: Keys, caplog: pytest.LogCaptureFixture
) -> None:
    """A connection that is taken for longer than a try, and many who want one meanwhile."""
    client = connect(Settings(redis_url=redis_url, redis_connections=1))
    blocking = asyncio.ensure_future(client.bzpopmin([keys.stats], timeout=1))
    await asyncio.sleep(0)
    answers = await asyncio.gather(*(client.echo(str(number)) for number in range(50)), piped(client))
    assert answers == [*(str(number).encode() for number in range(50)), [b"a", b"b"]]
    assert await blocking is None
    assert own_messages(caplog) == []
    await client.aclose()


async def test_an_event_loop_that_is_busy_is_no_sign_that_the_server_is_away(
    redis: RetryingRedis, caplog: pytest.LogCaptureFixture
) -> None:
    """The loop stands still for longer than a round trip may take, while the answers arrive."""
    ended = asyncio.Event()

    async def stall() -> None:
        for _ in range(3):
            await asyncio.sleep(0)
            time.sleep(1.2 * MIN_LIMIT_S)  # noqa: ASYNC251
        ended.set()

    async def ask() -> None:
        while not ended.is_set():
            assert await redis.echo("a") == b"a"
            assert await piped(redis) == [b"a", b"b"]

    await redis.ping()
    await asyncio.gather(ask(), ask(), stall())
    assert own_messages(caplog) == []


async def test_commands_of_many_go_over_one_connection(redis_url: str, redis: RetryingRedis, keys: Keys) -> None:
    client = connect(Settings(redis_url=redis_url), patience_s=60)
    before = {one["id"] for one in await redis.client_list()}
    await asyncio.gather(*(client.set(f"{keys.prefix}:{number}", number) for number in range(1_000)))
    answers = await asyncio.gather(*(client.get(f"{keys.prefix}:{number}") for number in range(1_000)))
    assert answers == [str(number).encode() for number in range(1_000)]
    assert len({one["id"] for one in await redis.client_list()} - before) == 1
    await client.aclose()


async def test_short_pipelines_go_with_the_commands_of_others_in_their_order(
    redis_url: str, redis: RetryingRedis, keys: Keys
) -> None:
    client = connect(Settings(redis_url=redis_url))
    await client.ping()
    before = (await redis.info("stats"))["total_connections_received"]

    async def count_twice(key: str) -> list[object]:
        async with client.pipeline(transaction=False) as pipe:
            pipe.incr(key)
            pipe.get(key)
            return list(await pipe.execute())

    counters = [f"{keys.stats}:{number}" for number in range(100)]
    answers = await asyncio.gather(*[count_twice(key) for key in counters], *[client.ping() for _ in range(100)])
    assert answers == [[1, b"1"]] * 100 + [True] * 100
    assert (await redis.info("stats"))["total_connections_received"] == before
    await client.aclose()


async def test_a_mistake_in_a_short_pipeline_is_told_to_whoever_made_it(redis: RetryingRedis, keys: Keys) -> None:
    await redis.set(keys.stats, "text")

    async def mistaken() -> None:
        async with redis.pipeline(transaction=False) as pipe:
            pipe.get(keys.stats)
            pipe.incr(keys.stats)
            pipe.get(keys.stats)
            await pipe.execute()

    outcomes = await asyncio.gather(mistaken(), redis.get(keys.stats), mistaken(), redis.ping(), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [ResponseError, bytes, ResponseError, bool]
    assert await redis.get(keys.stats) == b"text"


async def test_who_leaves_takes_no_answer_of_others_along(redis: RetryingRedis) -> None:
    rng = random.Random(7)
    for _ in range(20):
        asked = [asyncio.ensure_future(redis.echo(str(number))) for number in range(100)]
        for _ in range(rng.randrange(6)):
            await asyncio.sleep(0)
        left = set(rng.sample(range(100), 40))
        for number in left:
            asked[number].cancel()
        answers = await asyncio.gather(*asked, return_exceptions=True)
        assert all(answers[number] == str(number).encode() for number in set(range(100)) - left)


async def test_a_mistake_is_told_to_whoever_made_it(redis: RetryingRedis, keys: Keys) -> None:
    await redis.set(keys.stats, "x")
    answers = await asyncio.gather(
        redis.get(keys.stats),
        redis.hget(keys.stats, "a"),  # type: ignore[arg-type]
        redis.set(keys.web, None),  # type: ignore[arg-type]
        redis.get(keys.stats),
        return_exceptions=True,
    )
    assert (answers[0], answers[3]) == (b"x", b"x")
    assert isinstance(answers[1], ResponseError)
    assert isinstance(answers[2], DataError)


async def test_those_who_wait_for_a_connection_get_it_in_turn(redis_url: str) -> None:
    pool = connect(Settings(redis_url=redis_url, redis_connections=1)).connection_pool
    served: list[int] = []

    async def take(number: int) -> None:
        connection = await pool.get_connection()
        served.append(number)
        await asyncio.sleep(0)
        await pool.release(connection)

    await asyncio.gather(*(take(number) for number in range(20)))
    assert served == list(range(20))
    await pool.disconnect()
