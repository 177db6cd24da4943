"""Round trips to Redis: the commands of concurrent callers go together over one connection, those of each in order."""

import asyncio
import copy
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

from redis.asyncio.connection import Connection
from redis.exceptions import ConnectionError  # noqa: A004
from redis.exceptions import TimeoutError as NoAnswer

from nlp2filters.storage.connection_pool import Pool
from nlp2filters.storage.retries import Attempt

MIN_LIMIT_S, MAX_LIMIT_S = 0.75, 10.0
# An event loop that is this late has been busy with something else.
LATE_S = 0.1
# The number of messages in one round trip is bounded, so that all answers arrive within its time limit.
MAX_MESSAGES = 200

T = TypeVar("T")


# The name of a command, and the options for reading its answer.
Command: TypeAlias = "tuple[Any, Mapping[str, Any]]"


@dataclass(slots=True, eq=False)
class _Message:
    """Commands of one caller that wait for their round trip, encoded one after the other, and then their answers."""

    commands: Sequence[Command]
    packed: bytes
    attempt: Attempt
    answers: "asyncio.Future[list[Any]]"


class RoundTrips:
    """The round trips of a client. Only a trip is timed: waiting for one's turn does not mean that Redis is away.

    `parse_response` reads the answer to a command from a connection.
    """

    def __init__(self, pool: Pool, parse_response: Callable[..., Awaitable[Any]]) -> None:
        self._pool = pool
        self._parse_response = parse_response
        # It grows while Redis is slow: reconnecting all the time would keep Redis slow.
        self._limit_s = MIN_LIMIT_S
        self._waiting: deque[_Message] = deque()
        self._sender: asyncio.Task[None] | None = None

    async def send(self, commands: Sequence[Command], packed: bytes, attempt: Attempt) -> list[Any]:
        """Send commands in the next round trip, unless their caller has left by then, and await their answers.

        Raises:
            RedisError: the first of the answers that is an error.
        """
        answers: asyncio.Future[list[Any]] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Message(commands, packed, attempt, answers))
        if self._sender is None:
            self._sender = asyncio.create_task(self._send_waiting(), name="redis-sender")
        return await answers

    async def timed(self, exchange: Awaitable[T], connection: Connection) -> T:
        """Await `exchange`, which uses the connection, and return its result.

        While the event loop is late, or has an answer that nobody has read yet, this process is slow, not Redis.

        Raises:
            NoAnswer: it took longer than a round trip may take.
        """
        limit_s, loop = self._limit_s, asyncio.get_running_loop()
        timer: asyncio.TimerHandle | None = None

        def check_later() -> asyncio.TimerHandle:
            return loop.call_later(limit_s, check, loop.time() + limit_s)

        def check(due: float) -> None:
            nonlocal timer
            if loop.time() - due > LATE_S or _has_unread_answer(connection):
                timer = check_later()
            else:
                deadline.reschedule(loop.time())

        timer = check_later()
        try:
            async with asyncio.timeout(None) as deadline:
                answer = await exchange
        except TimeoutError as exc:
            if limit_s == self._limit_s:  # Otherwise a concurrent trip has raised the limit already.
                self._limit_s = min(MAX_LIMIT_S, 2 * limit_s)
            # The other connections may have failed in the same way.
            await self._pool.drop_idle()
            raise NoAnswer(f"Redis did not answer within {limit_s:.2f} s.") from exc
        finally:
            if timer:
                timer.cancel()
        self._limit_s = max(MIN_LIMIT_S, 0.9 * self._limit_s)
        return answer

    async def _send_waiting(self) -> None:
        """Make round trips as long as there are waiting messages."""
        messages: list[_Message] = []
        try:
            while self._waiting:
                connection = await self._pool.take()
                messages = [self._waiting.popleft() for _ in range(min(MAX_MESSAGES, len(self._waiting)))]
                messages = [message for message in messages if not message.answers.done()]
                await self._round_trip(connection, messages)
        finally:
            self._sender = None
            for message in (*messages, *self._waiting):  # Some are unanswered only if this task was cancelled.
                message.answers.cancel()
            self._waiting.clear()

    async def _round_trip(self, connection: Connection, messages: Sequence[_Message]) -> None:
        clean = False
        try:
            if messages:
                await self.timed(self._exchange(connection, messages), connection)
            clean = True
        except OSError as exc:
            _fail(messages, ConnectionError(str(exc)))
        except Exception as exc:
            _fail(messages, exc)
        finally:
            await self._pool.give_back(connection, clean=clean)

    async def _exchange(self, connection: Connection, messages: Sequence[_Message]) -> None:
        await self._pool.ensure_connection(connection)
        for message in messages:
            message.attempt.sent = True
        await connection.send_packed_command([message.packed for message in messages], check_health=False)
        for message in messages:
            answers, error = [], None
            for name, options in message.commands:
                try:
                    answers.append(await self._parse_response(connection, name, **options))
                except (ConnectionError, NoAnswer, OSError):
                    raise
                except Exception as exc:  # The answers to the other commands are still to be read.
                    error = error or exc
            _settle(message.answers, error or answers)


def _has_unread_answer(connection: Connection) -> bool:
    """Return True if bytes have arrived that nobody has read: the event loop reads sockets before it runs timers."""
    return connection._reader is not None and bool(connection._reader._buffer)  # type: ignore[attr-defined]


def _settle(answers: "asyncio.Future[list[Any]]", outcome: list[Any] | Exception) -> None:
    if answers.done():  # Their caller is gone.
        return
    if isinstance(outcome, Exception):
        answers.set_exception(outcome)
    else:
        answers.set_result(outcome)


def _fail(messages: Sequence[_Message], exc: Exception) -> None:
    for message in messages:
        _settle(message.answers, copy.copy(exc))  # Each caller raises its own copy, which gets its own traceback.
