"""Repeat commands until Redis answers, or the caller's patience is over."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar

from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as NoAnswer

from nlp2filters.retry import Backoff
from nlp2filters.storage.errors import OutcomeUnknown, is_answer, is_unreachable, is_write_refused

BACKOFF = Backoff(first_s=0.05, max_s=2.0)

T = TypeVar("T")

_log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class Attempt:
    """One attempt to have commands carried out; `sent` is set when they are handed to a connection."""

    sent: bool = False


Send = Callable[[Attempt], Awaitable[T]]


@dataclass(slots=True)
class _History:
    """The attempts so far: the current one, the last failure, and `unanswered` if an earlier one was never answered."""

    current: Attempt = field(default_factory=Attempt)
    failure: RedisError = field(default_factory=lambda: NoAnswer("Redis does not answer."))
    unanswered: bool = False

    @property
    def maybe_carried_out(self) -> bool:
        return self.unanswered or self.current.sent

    def add(self, failure: RedisError) -> None:
        self.unanswered = self.unanswered or (self.current.sent and not is_answer(failure))
        self.current, self.failure = Attempt(), failure


class Retries:
    """The retries of a client. Without `patience_s` it never gives up, even while Redis is full or read-only."""

    def __init__(self, patience_s: float | None) -> None:
        self._patience_s = patience_s
        self._available = True

    async def run(self, send: Send[T], *, writes: bool) -> T:
        """Call `send` until it succeeds, and return its result.

        Raises:
            OutcomeUnknown: time is up, and commands that may write (`writes`) were sent once but not answered.
            RedisError: the last failure when time is up, or one that is not temporary.
        """
        history = _History()
        try:
            async with asyncio.timeout(self._patience_s):
                return await self._repeat(send, history)
        except TimeoutError as exc:
            if writes and history.maybe_carried_out:
                raise OutcomeUnknown(f"Redis may have carried it out: {history.failure}") from exc
            raise history.failure from exc

    async def _repeat(self, send: Send[T], history: _History) -> T:
        failures = 0
        while True:
            try:
                answer = await send(history.current)
            except RedisError as exc:
                if not self._is_transient(exc):
                    raise
                history.add(exc)
                self._log_availability(exc)
                await asyncio.sleep(BACKOFF.wait_s(failures))
                failures += 1
            else:
                self._log_availability(None)
                return answer

    def _is_transient(self, exc: RedisError) -> bool:
        return is_unreachable(exc) or (self._patience_s is None and is_write_refused(exc))

    def _log_availability(self, failure: RedisError | None) -> None:
        """Log that Redis has become unavailable, or available again."""
        if failure and self._available:
            _log.warning("Redis does not take commands, trying again: %s", failure)
        elif not failure and not self._available:
            _log.warning("Redis takes commands again")
        self._available = failure is None
