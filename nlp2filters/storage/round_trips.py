"""Round trips to Redis: the commands of concurrent callers go together over one connection."""

import asyncio
import copy
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from redis.asyncio.connection import Connection
from redis.exceptions import ConnectionError  # noqa: A004
from redis.exceptions import TimeoutError as NoAnswer

from nlp2filters.storage.connection_pool import Pool
from nlp2filters.storage.retries import Attempt

MIN_LIMIT_S, MAX_LIMIT_S = 0.75, 10.0
# An event loop that is this late has been busy with something else.
LATE_S = 0.1
# The number of commands in one round trip is bounded, so that all answers arrive within its time limit.
MAX_COMMANDS = 200

T = TypeVar("T")


@dataclass(slots=True, eq=False)
class _Command:
    """A command waiting for its round trip."""

    name: str
    packed: bytes
    options: dict[str, Any]
    attempt: Attempt
    answer: "asyncio.Future[Any]"


class RoundTrips:
    """The round trips of a client. Only a trip is timed: waiting for one's turn does not mean that Redis is away.

    `parse_response` reads the answer to a command from a connection.
    """

    def __init__(self, pool: Pool, parse_response: Callable[..., Awaitable[Any]]) -> None:
        self._pool = pool
        self._parse_response = parse_response
        # It grows while Redis is slow: reconnecting all the time would keep Redis slow.
        self._limit_s = MIN_LIMIT_S
        self._waiting: deque[_Command] = deque()
        self._sender: asyncio.Task[None] | None = None

    async def send(self, name: str, packed: bytes, options: dict[str, Any], attempt: Attempt) -> Any:
        """Send a command in the next round trip, unless its caller has left by then, and await the answer."""
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Command(name, packed, options, attempt, answer))
        if self._sender is None:
            self._sender = asyncio.create_task(self._send_waiting(), name="redis-sender")
        return await answer

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
        """Make round trips as long as there are waiting commands."""
        commands: list[_Command] = []
        try:
            while self._waiting:
                connection = await self._pool.take()
                commands = [self._waiting.popleft() for _ in range(min(MAX_COMMANDS, len(self._waiting)))]
                commands = [command for command in commands if not command.answer.done()]
                await self._round_trip(connection, commands)
        finally:
            self._sender = None
            for command in (*commands, *self._waiting):  # Some are unanswered only if this task was cancelled.
                command.answer.cancel()
            self._waiting.clear()

    async def _round_trip(self, connection: Connection, commands: Sequence[_Command]) -> None:
        clean = False
        try:
            if commands:
                await self.timed(self._exchange(connection, commands), connection)
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
                answer = await self._parse_response(connection, command.name, **command.options)
            except (ConnectionError, NoAnswer, OSError):
                raise
            except Exception as exc:
                _settle(command.answer, exc)
            else:
                _settle(command.answer, answer)


def _has_unread_answer(connection: Connection) -> bool:
    """Return True if bytes have arrived that nobody has read: the event loop reads sockets before it runs timers."""
    return connection._reader is not None and bool(connection._reader._buffer)  # type: ignore[attr-defined]


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
