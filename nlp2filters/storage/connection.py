"""The connection to Redis, for both the store and ARQ.

redis-py waits forever on a half-open connection, and gives up a command if it cannot connect. Here every try is bounded
in time, and the next try uses another connection. Concurrent commands share one connection and one round trip.
"""

import asyncio
import copy
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

import hiredis
from arq.connections import ArqRedis
from redis.asyncio.client import Pipeline
from redis.asyncio.connection import AbstractConnection, Connection, ConnectionPool
from redis.asyncio.sentinel import Sentinel, SentinelConnectionPool, SentinelManagedConnection
from redis.exceptions import (
    AuthenticationError,
    AuthorizationError,
    BusyLoadingError,
    ConnectionError,  # noqa: A004
    DataError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
)
from redis.exceptions import TimeoutError as NoAnswer

from nlp2filters.retry import Backoff
from nlp2filters.settings import Settings
from nlp2filters.storage import arq_format

SENTINEL_PORT = 26379
# A web process gives up after this time, so that it can answer 503 within two seconds.
PATIENCE_S = 1.7
TRY_S, LONGEST_TRY_S = 0.75, 10.0
BACKOFF = Backoff(first_s=0.05, max_s=2.0)
# The number of commands in one round trip is bounded, so that all answers arrive within a try.
MAX_TOGETHER = 200
# The callers of these commands set their own timeouts.
_BLOCKING = ("BZPOPMIN",)
_READS = (
    *("EXISTS", "GET", "MGET", "STRLEN", "TYPE", "TTL", "PTTL", "PING", "INFO"),
    *("HGET", "HMGET", "HGETALL", "HLEN", "LRANGE", "SCARD", "SMEMBERS", "XRANGE", "XREVRANGE", "XLEN"),
    *("ZCARD", "ZCOUNT", "ZSCORE", "ZRANGE", "ZRANGEBYSCORE", "ZREVRANGEBYSCORE"),
)
# A web process uses these only to count requests.
_COUNTS = ("INCRBY", "DECRBY", "EXPIRE")
# These do not write to jobs, so it does not matter whether they were carried out.
_HARMLESS = frozenset((*_READS, *_COUNTS, "SCRIPT LOAD", "PUBLISH"))
# These words may also appear inside a script's error.
_REFUSALS = ("OOM ", "MISCONF ", "READONLY ", "NOREPLICAS ", "MASTERDOWN ", "BUSY ")
_UNVERIFIED: Mapping[str, Any] = {"ssl_cert_reqs": "none", "ssl_check_hostname": False}

_log = logging.getLogger(__name__)

T = TypeVar("T")

StorageError = RedisError  # what everything outside this package catches; OutcomeUnknown is one of them


class OutcomeUnknown(NoAnswer):
    """A write command was sent but never answered: Redis may or may not have carried it out."""


@dataclass(slots=True, eq=False)
class _Try:
    """One try to have commands carried out; `sent` is set when they are handed to a connection."""

    sent: bool = False


@dataclass(slots=True, eq=False)
class _Command:
    """A command waiting for its round trip."""

    name: str
    packed: bytes
    options: dict[str, Any]
    attempt: _Try
    answer: "asyncio.Future[Any]"


class Client(ArqRedis):
    """A client that repeats each command, on another connection, until it is answered or `patience_s` has passed.

    Without `patience_s` it never gives up, even while Redis is full or read-only. Workers use it so: they must not lose
    finished work, and their lease or their caller's timeout stops them. A command may therefore reach Redis more than
    once, and every commit of the store is safe to repeat.

    Single commands share one connection; those issued during a round trip go together in the next. Pipelines, blocking
    commands and listeners have connections of their own. Only a round trip is timed: waiting for one's turn does not
    mean that Redis is away.
    """

    def __init__(self, pool: "Pool", *, patience_s: float | None) -> None:
        super().__init__(pool, job_serializer=arq_format.dumps, job_deserializer=arq_format.loads)
        self.auto_close_connection_pool = True  # Nobody else uses the pool.
        self._pool = pool
        self._patience_s = patience_s
        self._away = False
        # It grows while Redis is slow: reconnecting all the time would keep Redis slow.
        self._try_s = TRY_S
        self._waiting: deque[_Command] = deque()
        self._sender: asyncio.Task[None] | None = None

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        """Send one command."""
        name = args[0]
        if name in _BLOCKING:
            return await super().execute_command(*args, **options)  # type: ignore[no-untyped-call]
        packed = _packed(args)
        return await self.keep_trying(lambda attempt: self._queue(name, packed, options, attempt), writes=_writes(name))

    def pipeline(self, transaction: bool = True, shard_hint: str | None = None) -> Pipeline:
        """Start a pipeline of commands that are sent at once."""
        return _Pipeline(self, self._pool, transaction)

    async def close(self, close_connection_pool: bool | None = None) -> None:
        """Close the client; ARQ uses this name, redis-py's old one, for `aclose`."""
        await self.aclose(close_connection_pool)

    async def keep_trying(self, send: Callable[[_Try], Awaitable[T]], *, writes: bool) -> T:
        """Call `send` until it succeeds, and return its result.

        Raises:
            OutcomeUnknown: time is up, and a try of commands that may write (`writes`) was sent but not answered.
            RedisError: the last failure when time is up, or one that is not temporary.
        """
        failure: RedisError = NoAnswer("Redis does not answer.")
        failures, unknown, attempt = 0, False, _Try()
        try:
            async with asyncio.timeout(self._patience_s):
                while True:
                    try:
                        answer = await send(attempt)
                    except RedisError as exc:
                        if not self._passes(exc):
                            raise
                        failure, unknown = exc, unknown or (attempt.sent and not _answered(exc))
                        attempt = _Try()
                        self._note(failure)
                        await asyncio.sleep(BACKOFF.wait_s(failures))
                        failures += 1
                    else:
                        self._note(None)
                        return answer
        except TimeoutError as exc:
            if writes and (unknown or attempt.sent):
                raise OutcomeUnknown(f"Redis may have carried it out: {failure}") from exc
            raise failure from exc

    async def within_a_try(self, exchange: Awaitable[T]) -> T:
        """Await `exchange`, which uses one connection, and return its result.

        Raises:
            NoAnswer: it took longer than a try may take.
        """
        limit_s = self._try_s
        try:
            async with asyncio.timeout(limit_s):
                answer = await exchange
        except TimeoutError as exc:
            if limit_s == self._try_s:  # Otherwise a concurrent try has raised the limit already.
                self._try_s = min(LONGEST_TRY_S, 2 * limit_s)
            # The other connections may have failed in the same way.
            await self._pool.drop_idle()
            raise NoAnswer(f"Redis did not answer within {limit_s:.2f} s.") from exc
        self._try_s = max(TRY_S, 0.9 * self._try_s)
        return answer

    async def _queue(self, name: str, packed: bytes, options: dict[str, Any], attempt: _Try) -> Any:
        """Send a command in the next round trip, unless its caller has left by then, and await the answer."""
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Command(name, packed, options, attempt, answer))
        if self._sender is None:
            self._sender = asyncio.create_task(self._send_waiting(), name="redis-sender")
        return await answer

    async def _send_waiting(self) -> None:
        """Make round trips as long as there are waiting commands."""
        commands: list[_Command] = []
        try:
            while self._waiting:
                connection = await self._pool.take()
                commands = [self._waiting.popleft() for _ in range(min(MAX_TOGETHER, len(self._waiting)))]
                commands = [command for command in commands if not command.answer.done()]
                await self._round_trip(connection, commands)
        finally:
            self._sender = None
            for command in (*commands, *self._waiting):  # Commands are left only if this task was cancelled.
                command.answer.cancel()
            self._waiting.clear()

    async def _round_trip(self, connection: Connection, commands: Sequence[_Command]) -> None:
        clean = False
        try:
            if commands:
                await self.within_a_try(self._exchange(connection, commands))
            clean = True
        except OSError as exc:
            _fail(commands, ConnectionError(str(exc)))
        except Exception as exc:
            _fail(commands, exc)
        finally:
            await self._pool.give_back(connection, clean=clean)

    async def _exchange(self, connection: Connection, commands: Sequence[_Command]) -> None:
        await self._pool.ensure_connection(connection)
        for command in commands:
            command.attempt.sent = True
        await connection.send_packed_command([command.packed for command in commands], check_health=False)
        for command in commands:
            try:
                answer = await self.parse_response(connection, command.name, **command.options)
            except (ConnectionError, NoAnswer, OSError):
                raise
            except Exception as exc:
                _settle(command.answer, exc)
            else:
                _settle(command.answer, answer)

    def _passes(self, exc: RedisError) -> bool:
        if isinstance(exc, AuthenticationError | AuthorizationError):
            return False
        if isinstance(exc, ConnectionError | NoAnswer):
            return True
        return self._patience_s is None and refused(exc)

    def _note(self, failure: RedisError | None) -> None:
        """Log that Redis is unreachable, or that it is back."""
        if failure and not self._away:
            _log.warning("Redis does not take commands, trying again: %s", failure)
        elif self._away and not failure:
            _log.warning("Redis takes commands again")
        self._away = failure is not None


class _Pipeline(Pipeline):
    def __init__(self, client: Client, pool: "Pool", transaction: bool) -> None:
        super().__init__(pool, client.response_callbacks, transaction, None)
        self._client, self._pool = client, pool

    async def execute(self, raise_on_error: bool = True) -> list[Any]:
        commands, send = self.command_stack, super().execute
        if self.watching or not commands:
            return await send(raise_on_error)

        async def exchange(connection: Connection, attempt: _Try) -> list[Any]:
            await self._pool.ensure_connection(connection)
            attempt.sent = True
            try:
                return await send(raise_on_error)
            except RedisError:
                raise
            except BaseException:  # The connection still holds unread answers.
                await connection.disconnect(nowait=True)
                raise

        async def once(attempt: _Try) -> list[Any]:
            self.command_stack = list(commands)  # A failed try has emptied it.
            self.connection = connection = await self._pool.take()
            try:
                return await self._client.within_a_try(exchange(connection, attempt))
            finally:
                if self.connection:  # The connection failed: otherwise it has already been given back.
                    self.connection = None
                    await self._pool.give_back(connection, clean=False)

        return await self._client.keep_trying(once, writes=any(_writes(args[0]) for args, _ in commands))


class Pool(ConnectionPool):
    """A pool of `max_connections`, first come, first served. A connection taken from it may not be connected yet."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._free = asyncio.Semaphore(self.max_connections)

    async def take(self) -> Connection:
        """Wait for a free connection. The caller has to call `ensure_connection`, and to give it back."""
        await self._free.acquire()
        connection: Connection = self.get_available_connection()  # type: ignore[no-untyped-call]
        return connection

    async def give_back(self, connection: AbstractConnection, *, clean: bool) -> None:
        """Return a connection to the pool. It is closed unless all its answers were read (`clean`)."""
        if not clean:
            await connection.disconnect(nowait=True)
        await self.release(connection)

    async def get_connection(self, command_name: Any = None, *keys: Any, **options: Any) -> Connection:
        """Wait for a free connection and connect it, for redis-py."""
        connection = await self.take()
        try:
            await self.ensure_connection(connection)
        except BaseException:
            await self.give_back(connection, clean=False)
            raise
        return connection

    async def ensure_connection(self, connection: AbstractConnection) -> None:
        """Connect, or reconnect if the connection has been closed or is stale."""
        if _is_stale(connection):
            await connection.disconnect(nowait=True)
        await connection.connect()  # type: ignore[no-untyped-call]
        await connection.check_health()  # type: ignore[no-untyped-call]

    async def release(self, connection: AbstractConnection) -> None:
        """Return a connection to the pool."""
        await super().release(connection)
        self._free.release()

    async def drop_idle(self) -> None:
        """Close the idle connections, without waiting, so that nobody can take one in the meantime."""
        for connection in self._available_connections:
            await connection.disconnect(nowait=True)


def _is_stale(connection: AbstractConnection) -> bool:
    """Return True if the peer has closed the connection, or has sent unexpected data."""
    reader, writer = connection._reader, connection._writer
    if reader is None or writer is None:
        return False
    gone = reader.at_eof() or reader.exception() is not None or writer.is_closing()
    return gone or not connection._socket_is_empty()  # type: ignore[no-untyped-call]


def _packed(args: Sequence[Any]) -> bytes:
    """Encode a command for Redis; a name of two words becomes two arguments.

    Raises:
        DataError: an argument is neither text, bytes nor a number.
    """
    try:
        packed: bytes = hiredis.pack_command((*args[0].split(), *args[1:]))
    except TypeError as exc:
        raise DataError(str(exc)) from exc
    return packed


def _settle(answer: "asyncio.Future[Any]", outcome: Any) -> None:
    if answer.done():  # Its caller is gone.
        return
    if isinstance(outcome, Exception):
        answer.set_exception(outcome)
    else:
        answer.set_result(outcome)


def _fail(commands: Sequence[_Command], exc: Exception) -> None:
    for command in commands:
        _settle(command.answer, copy.copy(exc))  # Each caller raises its own copy, which gets its own traceback.


def _writes(name: str | bytes) -> bool:
    return name not in _HARMLESS


def _answered(exc: RedisError) -> bool:
    """Return True if the error is an answer of the server."""
    return isinstance(exc, ResponseError | AuthenticationError | AuthorizationError | BusyLoadingError)


def away(exc: BaseException) -> bool:
    """Return True if Redis is unreachable, denies access or refuses writes, so that the command is not at fault."""
    return isinstance(exc, ConnectionError | NoAnswer) or (isinstance(exc, RedisError) and refused(exc))


def refused(exc: RedisError) -> bool:
    """Return True if Redis currently refuses writes: it has no memory or disk space left, or is a replica."""
    if isinstance(exc, OutOfMemoryError | ReadOnlyError):
        return True
    return isinstance(exc, ResponseError) and any(word in str(exc) for word in _REFUSALS)


async def warn_of_settings(redis: ArqRedis) -> None:
    """Log a warning for each server setting that may lose jobs. A server that does not answer is not checked."""
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


class _SentinelPool(Pool, SentinelConnectionPool):
    """A pool of connections to the server that the sentinels name as the master."""

    async def disconnect(self, inuse_connections: bool = True) -> None:
        """Close all connections, including those to the sentinels, or only the idle ones."""
        await super().disconnect(inuse_connections)
        if inuse_connections:
            for sentinel in self.sentinel_manager.sentinels:
                await sentinel.connection_pool.disconnect()


def connect(settings: Settings, *, patience_s: float | None = PATIENCE_S) -> Client:
    """Create a client with a pool of its own; nothing is sent yet. `patience_s`: see `Client`.

    The URL is that of a server, or `sentinel://host:port,host:port/master/database` for a master behind sentinels.
    """
    options: dict[str, Any] = {
        "max_connections": settings.redis_connections,
        "socket_connect_timeout": 2,
        "health_check_interval": 30,
    }
    if settings.redis_url.startswith("sentinel:"):
        return Client(_sentinel_pool(settings.redis_url, options), patience_s=patience_s)
    tls = _UNVERIFIED if settings.redis_url.startswith("rediss:") and not settings.redis_tls_verify else {}
    return Client(Pool.from_url(settings.redis_url, **options, **tls), patience_s=patience_s)


def _sentinel_pool(url: str, options: Mapping[str, Any]) -> Pool:
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
    return _SentinelPool(connection_class=SentinelManagedConnection, **more)
