"""Connect to Redis, by the settings of the service."""

import logging
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from redis.asyncio import Redis
from redis.asyncio.sentinel import Sentinel, SentinelManagedConnection
from redis.exceptions import RedisError

from nlp2filters.settings import Settings
from nlp2filters.storage.connection_pool import Pool, SentinelPool
from nlp2filters.storage.retrying_redis import RetryingRedis

# A web process gives up after this time, so that it can answer 503 within two seconds.
WEB_PATIENCE_S = 1.7
SENTINEL_PORT = 26379
# Several sentinels can be tried within the time that a web process has.
SENTINEL_TIMEOUT_S = 0.25
# Two of each kind: the least that survives the loss of a machine.
PROCESSES = 8
_UNVERIFIED: Mapping[str, Any] = {"ssl_cert_reqs": "none", "ssl_check_hostname": False}

_log = logging.getLogger(__name__)


def connect(settings: Settings, *, patience_s: float | None = WEB_PATIENCE_S) -> RetryingRedis:
    """Create a client with a pool of its own; nothing is sent yet. `patience_s`: see `RetryingRedis`.

    The URL is that of a server, or `sentinel://host:port,host:port/master/database` for a master behind sentinels.
    """
    options: dict[str, Any] = {
        "max_connections": settings.redis_connections,
        "socket_connect_timeout": 2,
        "health_check_interval": 30,
    }
    if settings.redis_url.startswith("sentinel:"):
        return RetryingRedis(_sentinel_pool(settings.redis_url, options), patience_s=patience_s)
    tls = _UNVERIFIED if settings.redis_url.startswith("rediss:") and not settings.redis_tls_verify else {}
    return RetryingRedis(Pool.from_url(settings.redis_url, **options, **tls), patience_s=patience_s)


def _sentinel_pool(url: str, options: Mapping[str, Any]) -> SentinelPool:
    parts = urlsplit(url)
    credentials, _, hosts = parts.netloc.rpartition("@")
    username, _, password = credentials.partition(":")
    master, _, database = parts.path.strip("/").partition("/")
    sentinels = [
        (host, int(port or SENTINEL_PORT)) for host, _, port in (address.partition(":") for address in hosts.split(","))
    ]
    manager = Sentinel(  # type: ignore[no-untyped-call]
        sentinels, socket_timeout=SENTINEL_TIMEOUT_S, socket_connect_timeout=SENTINEL_TIMEOUT_S
    )
    more: dict[str, Any] = {"service_name": master, "sentinel_manager": manager, "db": int(database or 0), **options}
    if credentials:
        more |= {"username": unquote(username) or None, "password": unquote(password) or None}
    return SentinelPool(connection_class=SentinelManagedConnection, **more)


async def warn_about_config(redis: Redis) -> None:
    """Log a warning for each server setting that may lose jobs or refuse connections.

    A server that does not answer is not checked.
    """
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
    maxclients, per_process = info.get("maxclients", 0), redis.connection_pool.max_connections
    if 0 < maxclients < PROCESSES * per_process:
        advice = f"{PROCESSES} processes may open {PROCESSES * per_process}: lower REDIS_CONNECTIONS ({per_process})"
        _log.warning("Redis allows %d connections, and %s", maxclients, advice)
