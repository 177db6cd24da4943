"""The connection to Redis, for the store and for ARQ alike."""

import logging
from collections.abc import Mapping
from typing import Any

from arq.connections import ArqRedis
from redis.asyncio import BlockingConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.exceptions import BusyLoadingError, ConnectionError, RedisError, TimeoutError  # noqa: A004

from nlp2filters import queue
from nlp2filters.settings import Settings

_UNVERIFIED: Mapping[str, Any] = {"ssl_cert_reqs": "none", "ssl_check_hostname": False}

_log = logging.getLogger(__name__)


async def warn_of_settings(redis: ArqRedis) -> None:
    """Log what of the server's settings may lose jobs. A server that does not answer yet is asked nothing."""
    try:
        info = await redis.info()
    except RedisError as exc:
        _log.warning("Redis does not answer yet: %s", exc)
        return
    if not info.get("aof_enabled"):
        _log.warning("Redis keeps no append-only file: when it crashes, jobs since its last snapshot are lost")
    policy = info.get("maxmemory_policy", "noeviction")
    if policy != "noeviction":
        _log.warning("Redis may evict jobs (maxmemory-policy %s): set it to noeviction", policy)


def connect(settings: Settings, *, retries: int = 3) -> ArqRedis:
    """A client with a pool of its own; nothing is sent yet.

    A command is tried again `retries` times after a lost connection, with 0.05 to 0.5 s between; every commit
    of the store may be sent twice without harm. Waiting for a free connection of the pool is limited to 5 s.
    """
    tls = {} if settings.redis_tls_verify or not settings.redis_url.startswith("rediss:") else _UNVERIFIED
    pool = BlockingConnectionPool.from_url(
        settings.redis_url,
        max_connections=settings.redis_connections,
        timeout=5,
        socket_connect_timeout=2,
        health_check_interval=30,
        retry=Retry(ExponentialBackoff(cap=0.5, base=0.05), retries),
        **tls,
        retry_on_error=[ConnectionError, TimeoutError, BusyLoadingError],
    )
    client = ArqRedis(pool, job_serializer=queue.dumps, job_deserializer=queue.loads)
    client.auto_close_connection_pool = True  # the pool is the client's own
    return client
