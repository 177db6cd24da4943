"""The connection: what a bad network does to it, and what of the server's settings may lose jobs."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from urllib.parse import urlsplit

import pytest
from arq.connections import ArqRedis
from redis.exceptions import RedisError

from nlp2filters.connection import Client, connect, refused, warn_of_settings
from nlp2filters.settings import Settings
from tests.peers import proxy as proxies
from tests.peers.proxy import Proxy
from tests.peers.tls import tls_proxy
from tests.ports import free_port


@pytest.fixture
def proxy(redis_url: str) -> Iterator[Proxy]:
    with proxies.running(urlsplit(redis_url).port or 0) as proxy:
        yield proxy


@pytest.fixture
async def web(proxy: Proxy) -> AsyncIterator[Client]:
    """A client as a web process has it."""
    client = connect(Settings(redis_url=f"redis://127.0.0.1:{proxy.port}/0"))
    yield client
    await client.aclose()


@pytest.fixture
async def worker(proxy: Proxy) -> AsyncIterator[Client]:
    """A client as a worker has it."""
    client = connect(Settings(redis_url=f"redis://127.0.0.1:{proxy.port}/0"), patience_s=None)
    yield client
    await client.aclose()


async def pinged_by_all(client: Client) -> None:
    """Make every connection of the pool, and check that all of them work."""
    async with asyncio.timeout(20):
        assert all(await asyncio.gather(*[client.ping() for _ in range(20)]))


async def piped(client: Client) -> list[object]:
    async with client.pipeline() as pipe:
        pipe.echo("a")
        pipe.echo("b")
        return list(await pipe.execute())


async def test_a_web_process_waits_for_a_silent_server_for_a_while_only(web: Client, proxy: Proxy) -> None:
    await pinged_by_all(web)
    proxy.fall_silent()
    async with asyncio.timeout(20):
        with pytest.raises(RedisError):
            await web.ping()
        with pytest.raises(RedisError):
            await piped(web)
    proxy.heal()
    await pinged_by_all(web)


async def test_more_who_ask_a_silent_server_than_there_are_connections(web: Client, proxy: Proxy) -> None:
    proxy.fall_silent()
    async with asyncio.timeout(20):
        answers = await asyncio.gather(*[web.ping() for _ in range(50)], return_exceptions=True)
    assert all(isinstance(answer, RedisError) for answer in answers)
    proxy.heal()
    await pinged_by_all(web)


async def test_connections_that_lead_nowhere_are_replaced(web: Client, proxy: Proxy) -> None:
    await pinged_by_all(web)
    proxy.half_open()
    assert await web.ping()
    assert await piped(web) == [b"a", b"b"]


async def test_connections_that_were_cut_are_replaced(web: Client, proxy: Proxy) -> None:
    await pinged_by_all(web)
    proxy.cut()
    assert await web.ping()
    assert await piped(web) == [b"a", b"b"]


async def test_a_worker_waits_until_the_server_is_back(
    worker: Client, proxy: Proxy, caplog: pytest.LogCaptureFixture
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


async def test_who_waits_until_there_is_room(own_redis: Client, caplog: pytest.LogCaptureFixture) -> None:
    write = "return redis.call('SET', KEYS[1], 'x')"
    port = own_redis.connection_pool.connection_kwargs["port"]
    worker = connect(Settings(redis_url=f"redis://127.0.0.1:{port}/0"), patience_s=None)
    await own_redis.config_set("maxmemory", 1)
    with pytest.raises(RedisError) as caught:  # a web process does not wait
        await own_redis.eval(write, 1, "a")  # type: ignore[misc]
    assert refused(caught.value)
    writing = asyncio.ensure_future(worker.eval(write, 1, "a"))  # type: ignore[arg-type]
    async with asyncio.timeout(20):
        while "trying again" not in caplog.text:
            await asyncio.sleep(0.05)
        await own_redis.config_set("maxmemory", 0)
        await writing
        assert await own_redis.get("a") == b"x"
    await worker.aclose()


async def test_a_mistake_is_told_at_once_also_to_a_worker(worker: Client) -> None:
    async with asyncio.timeout(20):
        with pytest.raises(RedisError, match="unknown command"):
            await worker.execute_command("NOSUCHCOMMAND")


async def test_a_safe_server_is_not_warned_of(redis: ArqRedis, caplog: pytest.LogCaptureFixture) -> None:
    await warn_of_settings(redis)
    assert caplog.messages == []


async def test_a_server_that_may_lose_jobs(own_redis: ArqRedis, caplog: pytest.LogCaptureFixture) -> None:
    await own_redis.config_set("appendonly", "no")
    await own_redis.config_set("maxmemory-policy", "allkeys-lru")
    await warn_of_settings(own_redis)
    assert [record.levelno for record in caplog.records] == [logging.WARNING] * 2
    assert "append-only" in caplog.text
    assert "noeviction" in caplog.text


async def test_a_server_that_is_away_stops_nobody(caplog: pytest.LogCaptureFixture) -> None:
    redis = connect(Settings(redis_url=f"redis://127.0.0.1:{free_port()}/0"))
    await warn_of_settings(redis)
    await redis.aclose()
    assert "does not answer yet" in caplog.text


async def test_a_server_over_tls_with_a_certificate_of_its_own(redis_url: str) -> None:
    async with tls_proxy(urlsplit(redis_url).port or 0) as port:
        url = f"rediss://127.0.0.1:{port}/0"
        trusting = connect(Settings(redis_url=url, redis_tls_verify=False))
        assert await trusting.ping()
        await trusting.aclose()
        strict = connect(Settings(redis_url=url))
        with pytest.raises(RedisError):
            await strict.ping()
        await strict.aclose()
