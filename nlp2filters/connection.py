"""The connection to Redis, for the store and for ARQ alike.

redis-py would wait for ever on a connection whose other end is gone without a word, and gives a command up when no
connection can be made. Here every try has an end, and the next one takes another connection.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

from arq.connections import ArqRedis
from redis.asyncio import BlockingConnectionPool
from redis.asyncio.client import Pipeline
from redis.asyncio.sentinel import Sentinel, SentinelConnectionPool, SentinelManagedConnection
from redis.exceptions import (
    AuthenticationError,
    AuthorizationError,
    ConnectionError,  # noqa: A004
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
)
from redis.exceptions import TimeoutError as NoAnswer

from nlp2filters import queue
from nlp2filters.settings import Settings

SENTINEL_PORT = 26379
PATIENCE_S = 1.7  # of a web process, which answers 503 within two seconds
TRY_S, LONGEST_TRY_S = 0.75, 10.0
FIRST_PAUSE_S = 0.05
LONGEST_PAUSE_S = 2.0
_BLOCKING = ("BZPOPMIN",)  # whoever sends these says how long they may take
_REFUSALS = ("OOM ", "MISCONF ", "READONLY ", "NOREPLICAS ", "MASTERDOWN ", "BUSY ")  # also inside a script's error
_UNVERIFIED: Mapping[str, Any] = {"ssl_cert_reqs": "none", "ssl_check_hostname": False}

_log = logging.getLogger(__name__)

T = TypeVar("T")


class Client(ArqRedis):
    """Sends each command again, on another connection, until it is answered or `patience_s` is over.

    Without `patience_s` it goes on for ever, also while Redis is full or read-only: that is for workers, which must
    not lose what they have done, and are stopped by their lease or by whoever waits for them. So a command may reach
    Redis more than once; every commit of the store may.
    """

    def __init__(self, pool: BlockingConnectionPool, *, patience_s: float | None) -> None:
        super().__init__(pool, job_serializer=queue.dumps, job_deserializer=queue.loads)
        self.auto_close_connection_pool = True  # the pool is the client's own
        self._patience_s = patience_s
        self._away = False
        self._try_s = TRY_S  # longer while Redis is slow: making connections anew all the time would keep it so

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        """Send one command."""
        send = super().execute_command
        if args[0] in _BLOCKING:
            return await send(*args, **options)  # type: ignore[no-untyped-call]
        return await self.keep_trying(lambda: send(*args, **options))  # type: ignore[no-untyped-call]

    def pipeline(self, transaction: bool = True, shard_hint: str | None = None) -> Pipeline:
        """Several commands to be sent at once."""
        return _Pipeline(self, transaction)

    async def close(self, close_connection_pool: bool | None = None) -> None:
        """What ARQ calls `aclose`, as redis-py once did."""
        await self.aclose(close_connection_pool)

    async def keep_trying(self, send: Callable[[], Awaitable[T]]) -> T:
        """What `send` gives, after as many tries as it takes.

        Raises:
            RedisError: the last failure when patience is over, or one that does not pass by itself.
        """
        failure: RedisError = NoAnswer("Redis does not answer.")
        pause_s = FIRST_PAUSE_S
        try:
            async with asyncio.timeout(self._patience_s):
                while True:
                    try:
                        answer = await self._once(send)
                    except RedisError as exc:
                        if not self._passes(exc):
                            raise
                        failure = exc
                        self._note(failure)
                        await asyncio.sleep(random.uniform(pause_s / 2, pause_s))  # noqa: S311
                        pause_s = min(LONGEST_PAUSE_S, 2 * pause_s)
                    else:
                        self._note(None)
                        return answer
        except TimeoutError as exc:
            raise failure from exc

    async def _once(self, send: Callable[[], Awaitable[T]]) -> T:
        limit_s = self._try_s
        try:
            async with asyncio.timeout(limit_s):
                answer = await send()
            self._try_s = max(TRY_S, 0.9 * self._try_s)
            return answer
        except TimeoutError as exc:
            if limit_s == self._try_s:  # or a try that began at the same time has said so already
                self._try_s = min(LONGEST_TRY_S, 2 * limit_s)
            # Whatever happened to this connection may have happened to the others too. Not waiting for them to
            # close keeps anybody else from taking one up meanwhile.
            for connection in self.connection_pool._available_connections:
                await connection.disconnect(nowait=True)
            raise NoAnswer(f"Redis did not answer within {limit_s:.2f} s.") from exc

    def _passes(self, exc: RedisError) -> bool:
        if isinstance(exc, AuthenticationError | AuthorizationError):
            return False
        if isinstance(exc, ConnectionError | NoAnswer):
            return True
        return self._patience_s is None and refused(exc)

    def _note(self, failure: RedisError | None) -> None:
        """Log that Redis has gone, and that it is back."""
        if failure and not self._away:
            _log.warning("Redis does not take commands, trying again: %s", failure)
        elif self._away and not failure:
            _log.warning("Redis takes commands again")
        self._away = failure is not None


class _Pipeline(Pipeline):
    def __init__(self, client: Client, transaction: bool) -> None:
        super().__init__(client.connection_pool, client.response_callbacks, transaction, None)
        self._client = client

    async def execute(self, raise_on_error: bool = True) -> list[Any]:
        commands, send = self.command_stack, super().execute

        async def again() -> list[Any]:
            self.command_stack = list(commands)  # a failed try has emptied it
            answers: list[Any] = await send(raise_on_error)
            return answers

        return await self._client.keep_trying(again)


def away(exc: BaseException) -> bool:
    """Whether it is Redis that does not answer, lets nobody in or does not write: no fault of what was sent."""
    return isinstance(exc, ConnectionError | NoAnswer) or (isinstance(exc, RedisError) and refused(exc))


def refused(exc: RedisError) -> bool:
    """Whether Redis would not write just now, for want of memory or of a disk, or as a replica."""
    if isinstance(exc, OutOfMemoryError | ReadOnlyError):
        return True
    return isinstance(exc, ResponseError) and any(word in str(exc) for word in _REFUSALS)


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


def connect(settings: Settings, *, patience_s: float | None = PATIENCE_S) -> Client:
    """A client with a pool of its own; nothing is sent yet. `patience_s`: see `Client`.

    The URL is that of a server, or `sentinel://host:port,host:port/master/database` for one that sentinels name.
    """
    options: dict[str, Any] = {
        "max_connections": settings.redis_connections,
        "timeout": None,  # whoever waits for a free connection is cut off by `Client`
        "socket_connect_timeout": 2,
        "health_check_interval": 30,
    }
    if settings.redis_url.startswith("sentinel:"):
        return Client(_sentinel_pool(settings.redis_url, options), patience_s=patience_s)
    tls = _UNVERIFIED if settings.redis_url.startswith("rediss:") and not settings.redis_tls_verify else {}
    return Client(BlockingConnectionPool.from_url(settings.redis_url, **options, **tls), patience_s=patience_s)


def _sentinel_pool(url: str, options: Mapping[str, Any]) -> BlockingConnectionPool:
    parts = urlsplit(url)
    credentials, _, hosts = parts.netloc.rpartition("@")
    username, _, password = credentials.partition(":")
    master, _, database = parts.path.strip("/").partition("/")
    sentinels = [
        (host, int(port or SENTINEL_PORT)) for host, _, port in (one.partition(":") for one in hosts.split(","))
    ]
    manager = Sentinel(sentinels, socket_timeout=TRY_S / 3, socket_connect_timeout=TRY_S / 3)  # type: ignore[no-untyped-call]
    more: dict[str, Any] = {"service_name": master, "sentinel_manager": manager, "db": int(database or 0), **options}
    if credentials:
        more |= {"username": unquote(username) or None, "password": unquote(password) or None}
    return _BlockingSentinelPool(connection_class=SentinelManagedConnection, **more)
