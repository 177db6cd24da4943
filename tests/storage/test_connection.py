"""Connecting: over TLS, and with a warning for each setting of the server that is not safe."""

import logging
from urllib.parse import urlsplit

import pytest
from arq.connections import ArqRedis
from redis.exceptions import RedisError

from nlp2filters.settings import Settings
from nlp2filters.storage.connection import connect, warn_about_config
from tests.own_logs import own_messages
from tests.peers.tls import tls_proxy
from tests.ports import free_port


async def test_a_safe_server_is_not_warned_of(redis: ArqRedis, caplog: pytest.LogCaptureFixture) -> None:
    await warn_about_config(redis)
    assert own_messages(caplog) == []


async def test_a_server_that_may_lose_jobs(own_redis: ArqRedis, caplog: pytest.LogCaptureFixture) -> None:
    await own_redis.config_set("appendonly", "no")
    await own_redis.config_set("maxmemory-policy", "allkeys-lru")
    await warn_about_config(own_redis)
    assert [record.levelno for record in caplog.records] == [logging.WARNING] * 2
    assert "append-only" in caplog.text
    assert "noeviction" in caplog.text


@pytest.mark.parametrize(("connections", "is_warned_of"), [(10, True), (2, False)])
async def test_a_server_that_allows_few_connections(
    own_redis: ArqRedis, caplog: pytest.LogCaptureFixture, connections: int, is_warned_of: bool
) -> None:
    await own_redis.config_set("maxclients", 20)
    port = own_redis.connection_pool.connection_kwargs["port"]
    redis = connect(Settings(redis_url=f"redis://127.0.0.1:{port}/0", redis_connections=connections))
    await warn_about_config(redis)
    await redis.aclose()
    assert ("allows 20 connections" in caplog.text) == is_warned_of


async def test_a_server_that_is_away_stops_nobody(caplog: pytest.LogCaptureFixture) -> None:
    redis = connect(Settings(redis_url=f"redis://127.0.0.1:{free_port()}/0"))
    await warn_about_config(redis)
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
