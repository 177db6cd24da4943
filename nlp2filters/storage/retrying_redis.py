"""The Redis client, for both the store and ARQ.

redis-py waits forever on a half-open connection, and gives up a command if it cannot connect. Here every attempt is
bounded in time, and the next one uses another connection. Concurrent commands share one connection and one round trip.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import hiredis
from arq.connections import ArqRedis
from redis.asyncio.client import Pipeline
from redis.asyncio.connection import Connection
from redis.exceptions import DataError, RedisError

from nlp2filters.storage import arq_format
from nlp2filters.storage.connection_pool import Pool
from nlp2filters.storage.retries import Attempt, Retries
from nlp2filters.storage.round_trips import RoundTrips

# The callers of these commands set their own timeouts.
_BLOCKING = ("BZPOPMIN",)
_READS = (
    *("EXISTS", "GET", "MGET", "STRLEN", "TYPE", "TTL", "PTTL", "PING", "INFO"),
    *("HGET", "HMGET", "HGETALL", "HLEN", "LRANGE", "SCARD", "SMEMBERS", "XRANGE", "XREVRANGE", "XLEN"),
    *("ZCARD", "ZCOUNT", "ZSCORE", "ZRANGE", "ZRANGEBYSCORE", "ZREVRANGEBYSCORE"),
)
# A web process uses these only to count requests.
_COUNTS = ("INCRBY", "DECRBY", "EXPIRE")
# A longer pipeline may have answers that keep other callers waiting.
SHORT = 4
# These do not write to jobs, so it does not matter whether they were carried out.
_HARMLESS = frozenset((*_READS, *_COUNTS, "SCRIPT LOAD", "PUBLISH"))


class RetryingRedis(ArqRedis):
    """A client that repeats each command, on another connection, until it is answered or `patience_s` has passed.

    Without `patience_s` it never gives up, even while Redis is full or read-only. Workers use it so: they must not lose
    finished work, and their lease or their caller's timeout stops them. A command may therefore reach Redis more than
    once, and every commit of the store is safe to repeat.

    Single commands and short pipelines share one connection; those issued during a round trip go together in the next.
    Other pipelines, transactions, blocking commands and listeners have connections of their own.
    """

    def __init__(self, pool: Pool, *, patience_s: float | None) -> None:
        super().__init__(pool, job_serializer=arq_format.dumps, job_deserializer=arq_format.loads)
        self.auto_close_connection_pool = True  # Nobody else uses the pool.
        self._pool = pool
        self._retries = Retries(patience_s)
        self._round_trips = RoundTrips(pool, self.parse_response)
        self._scripts: list[Any] = []
        self._answers: dict[Any, list[Any]] = {}

    def register_script(self, script: Any) -> Any:
        """Register a Lua script; see `load_scripts`."""
        self._scripts.append(super().register_script(script))
        return self._scripts[-1]

    async def load_scripts(self) -> None:
        """Load all registered scripts. Otherwise each of hundreds of first calls at once finds its script missing."""
        await asyncio.gather(*[self.script_load(script) for script in {script.script for script in self._scripts}])

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        """Send one command."""
        name = args[0]
        if name in _BLOCKING:
            return await super().execute_command(*args, **options)  # type: ignore[no-untyped-call]
        (answer,) = await self.send_together([(args, options)])
        return answer

    async def send_together(self, commands: Sequence[tuple[Sequence[Any], Mapping[str, Any]]]) -> list[Any]:
        """Send some commands, each with its options, in a round trip that they share with those of others."""
        answered = [(args[0], options) for args, options in commands]
        packed = b"".join(_packed(args) for args, _ in commands)

        async def send(attempt: Attempt) -> list[Any]:
            return await self._round_trips.send(answered, packed, attempt)

        return await self._retries.run(send, writes=any(_writes(name) for name, _ in answered))

    def answer_next(self, key: str, answers: list[Any]) -> None:
        """Answer the next pipeline that begins with GET of the key, without Redis.

        ARQ reads by such a pipeline what a script has already returned.
        """
        self._answers[key] = answers

    def take_answers(self, key: str | bytes) -> list[Any] | None:
        """Return what `answer_next` was given for the key, once."""
        return self._answers.pop(key, None)

    def pipeline(self, transaction: bool = True, shard_hint: str | None = None) -> Pipeline:
        """Start a pipeline of commands that are sent at once."""
        return _Pipeline(self, self._pool, self._retries, self._round_trips, transaction)

    async def close(self, close_connection_pool: bool | None = None) -> None:
        """Close the client; ARQ uses this name, redis-py's old one, for `aclose`."""
        await self.aclose(close_connection_pool)


class _Pipeline(Pipeline):
    def __init__(
        self, client: RetryingRedis, pool: Pool, retries: Retries, round_trips: RoundTrips, transaction: bool
    ) -> None:
        super().__init__(pool, client.response_callbacks, transaction, None)
        self._client, self._pool, self._retries, self._round_trips = client, pool, retries, round_trips

    async def execute(self, raise_on_error: bool = True) -> list[Any]:
        commands, send = self.command_stack, super().execute
        if self.watching or not commands:
            return await send(raise_on_error)
        (name, *keys), _ = commands[0]
        if name == "GET" and (answers := self._client.take_answers(keys[0])):
            return answers
        if raise_on_error and not self.is_transaction and not self.scripts and len(commands) <= SHORT:
            self.command_stack = []
            return await self._client.send_together(commands)

        async def exchange(connection: Connection, attempt: Attempt) -> list[Any]:
            await self._pool.ensure_connection(connection)
            attempt.sent = True
            try:
                return await send(raise_on_error)
            except RedisError:
                raise
            except BaseException:  # The connection still holds unread answers.
                await connection.disconnect(nowait=True)
                raise

        async def once(attempt: Attempt) -> list[Any]:
            self.command_stack = list(commands)  # A failed attempt has emptied it.
            self.connection = connection = await self._pool.take()
            try:
                return await self._round_trips.timed(exchange(connection, attempt), connection)
            finally:
                if self.connection:  # The connection failed: otherwise it has already been given back.
                    self.connection = None
                    await self._pool.give_back(connection, clean=False)

        return await self._retries.run(once, writes=any(_writes(args[0]) for args, _ in commands))


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


def _writes(name: str | bytes) -> bool:
    return name not in _HARMLESS
