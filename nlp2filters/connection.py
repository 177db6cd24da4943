"""The connection to Redis, for the store and for ARQ alike."""

import logging
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from arq.connections import ArqRedis
from redis.asyncio import BlockingConnectionPool
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel, SentinelConnectionPool, SentinelManagedConnection
from redis.backoff import ExponentialBackoff
from redis.exceptions import BusyLoadingError, ConnectionError, RedisError, TimeoutError  # noqa: A004

from nlp2filters import queue
from nlp2filters.settings import Settings

SENTINEL_PORT = 26379
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


class _BlockingSentinelPool(BlockingConnectionPool, SentinelConnectionPool):
    """Connections to whatever server the sentinels name as the master, waiting for a free one."""

    async def disconnect(self, inuse_connections: bool = True) -> None:
        """Close the connections; all of them, and those to the sentinels, or only the idle ones."""
        await super().disconnect(inuse_connections)
        if inuse_connections:
            for sentinel in self.sentinel_manager.sentinels:
                await sentinel.connection_pool.disconnect()


def connect(settings: Settings, *, retries: int = 3) -> ArqRedis:
    """A client with a pool of its own; nothing is sent yet.

    The URL is that of a server, or `sentinel://host:port,host:port/master/database` for one that sentinels name.

    A command is tried again `retries` times after a lost connection, with 0.05 to 0.5 s between; every commit
    of the store may be sent twice without harm. Waiting for a free connection of the pool is limited to 5 s.
    """
    options: dict[str, Any] = {
        "max_connections": settings.redis_connections,
        "timeout": 5,
        "socket_connect_timeout": 2,
        "health_check_interval": 30,
        "retry": Retry(ExponentialBackoff(cap=0.5, base=0.05), retries),
        "retry_on_error": [ConnectionError, TimeoutError, BusyLoadingError],
    }
    if settings.redis_url.startswith("sentinel:"):
        pool = _sentinel_pool(settings.redis_url, options)
    else:
        tls = _UNVERIFIED if settings.redis_url.startswith("rediss:") and not settings.redis_tls_verify else {}
        pool = BlockingConnectionPool.from_url(settings.redis_url, **options, **tls)
    client = ArqRedis(pool, job_serializer=queue.dumps, job_deserializer=queue.loads)
    client.auto_close_connection_pool = True  # the pool is the client's own
    return client


def _sentinel_pool(url: str, options: Mapping[str, Any]) -> BlockingConnectionPool:
    parts = urlsplit(url)
    credentials, _, hosts = parts.netloc.rpartition("@")
    username, _, password = credentials.partition(":")
    master, _, database = parts.path.strip("/").partition("/")
    sentinels = [
        (host, int(port or SENTINEL_PORT)) for host, _, port in (one.partition(":") for one in hosts.split(","))
    ]
    manager = Sentinel(sentinels, socket_timeout=2, socket_connect_timeout=2)  # type: ignore[no-untyped-call]
    more: dict[str, Any] = {"service_name": master, "sentinel_manager": manager, "db": int(database or 0), **options}
    if credentials:
        more |= {"username": unquote(username) or None, "password": unquote(password) or None}
    return _BlockingSentinelPool(connection_class=SentinelManagedConnection, **more)
