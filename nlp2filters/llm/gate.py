"""The gate before a provider, which every call passes as the limit and the circuit breaker allow, in turn.

It knows nothing of what is called. What it has learnt can be shared with other processes: see `adopt`.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

from nlp2filters.errors import ProviderUnavailable, RateLimited
from nlp2filters.llm.breaker import Breaker
from nlp2filters.llm.limits import Limit, Load, Quota

# Whoever waited in vain for others to end may come back after this time.
COME_BACK_S = 1.0


@dataclass(slots=True, eq=False)
class _Waiter:
    admitted: "asyncio.Future[GatedCall]"
    until: float


class Gate:
    """The gate of one model at one provider. `name` names both.

    `refresh`, if set, is awaited before a call, to learn what others have learnt. `on_change` is called when there is
    something to tell them. `workers` processes share the limit, and `clock_ahead_s` is the difference of their common
    clock to this machine's `clock`.
    """

    def __init__(self, name: str, clock: Callable[[], float] = time.time) -> None:
        self.name, self.clock = name, clock
        self.limit = Limit()
        self.breaker = Breaker()
        self.workers = 1
        self.clock_ahead_s = 0.0
        self.refresh: Callable[[], Awaitable[None]] | None = None
        self.on_change: Callable[[], None] = lambda: None
        self._in_flight = 0
        # The calls in flight that may still be refused, the oldest first.
        self._recent: dict[GatedCall, None] = {}
        self._trying = False
        # The rest of the provider's quota, None while it reports none, and the time of the next refill.
        self._calls_left: float | None = None
        self._refill_s = 0.0
        self._refill_at = 0.0
        self._waiters: deque[_Waiter] = deque()
        self._timer: asyncio.TimerHandle | None = None

    @property
    def now(self) -> float:
        """The time by the common clock."""
        return self.clock() + self.clock_ahead_s

    async def admit(self, patience_s: float) -> "GatedCall":
        """Wait until a call may be made.

        Raises:
            RateLimited: that takes longer than `patience_s`.
            ProviderUnavailable: the breaker is open.
        """
        if self.refresh:
            await self.refresh()
        self._check_breaker()
        waiter = _Waiter(asyncio.get_running_loop().create_future(), self.now + patience_s)
        self._waiters.append(waiter)
        self._admit_waiters()
        try:
            async with asyncio.timeout(patience_s):
                call = await waiter.admitted
        except TimeoutError as exc:
            raise self._rate_limited() from exc
        except asyncio.CancelledError:
            if waiter.admitted.done() and not waiter.admitted.cancelled():
                self._leave(waiter.admitted.result())
            raise
        finally:
            if waiter in self._waiters:
                self._waiters.remove(waiter)
        if self.breaker.state(self.now) == "open":  # It has opened in the meantime.
            with call:
                self._check_breaker()
        return call

    def adopt(self, limit: Limit, breaker: Breaker) -> None:
        """Take over what this and other processes have learnt together."""
        self.limit, self.breaker = limit, breaker
        self._admit_waiters()

    def report(self, quota: Quota | None) -> None:
        """Take note of the provider's quota, as the response to a call has reported it."""
        if quota:
            self._calls_left = max(0.0, quota.calls_left // self.workers - self._in_flight + 1)
            self._refill_s = quota.refill_s * self.workers
            if not self._calls_left:
                self._refill_at = self.now + self._refill_s

    def learn(self, limit: Limit, breaker: Breaker) -> None:
        """Take note of the outcome of a call, and tell others what is new."""
        news = replace(limit, calls=self.limit.calls) != self.limit or breaker.changed_at != self.breaker.changed_at
        self.limit, self.breaker = limit, breaker
        if news:
            self.on_change()

    def _check_breaker(self) -> None:
        state = self.breaker.state(self.now)
        if state == "open" or (state == "half_open" and self._trying):
            raise ProviderUnavailable("It has failed almost always of late, so it is not called for a while.")
        self._trying = state == "half_open"

    def _rate_limited(self) -> RateLimited:
        wait_s = self._opens_at() - self.now
        detail = "The provider limits the rate of calls."
        return RateLimited(detail, max(COME_BACK_S, wait_s), takes_calls=wait_s <= 0)

    @property
    def _load(self) -> Load:
        return Load(self._in_flight, len(self._recent), self.workers)

    def _opens_at(self) -> float:
        """Return the earliest time of the next call."""
        opens_at = self.limit.open_from(len(self._recent) * self.workers)
        return max(opens_at, self._refill_at if self._calls_left == 0 else 0)

    def _has_room(self) -> bool:
        """Return True if another call may be made now."""
        return self.now >= self._opens_at() and self.limit.allows(self.now, self._load)

    def _admit_waiters(self) -> None:
        """Admit those who wait as far as there is room, and turn away those whose patience ends before there is."""
        self._accept_unrefused()
        opens_at = self._opens_at()
        while self._waiters and (self._waiters[0].admitted.done() or self._has_room()):
            waiter = self._waiters.popleft()
            if waiter.admitted.done():
                continue
            call = GatedCall(self, self.now, self._in_flight)
            self._in_flight += 1
            self._recent[call] = None
            if self._calls_left is not None:
                self._calls_left = max(0, self._calls_left - 1)
                if not self._calls_left:
                    self._refill_at = self.now + self._refill_s
            waiter.admitted.set_result(call)
        for waiter in self._waiters:
            if waiter.until < opens_at and not waiter.admitted.done():
                waiter.admitted.set_exception(self._rate_limited())
        self._wake()

    def _wake(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None
        times = (self._opens_at(), self._next_accepted_at(), self.limit.tries_more_at)
        wait_s = min((time_s - self.now for time_s in times if time_s > self.now), default=None)
        if self._waiters and wait_s is not None:
            self._timer = asyncio.get_running_loop().call_later(wait_s, self._admit_waiters)

    def _next_accepted_at(self) -> float:
        """Return the time at which another call in flight counts as accepted."""
        oldest = next(iter(self._recent), None)
        return oldest.started_at + self.limit.accepted_after_s if oldest else 0.0

    def _accept_unrefused(self) -> None:
        while self._recent and self._next_accepted_at() <= self.now:
            self._accept(next(iter(self._recent)))

    def _accept(self, call: "GatedCall") -> None:
        """Count a call as accepted, unless it already does."""
        if call in self._recent:
            del self._recent[call]
            self.learn(self.limit.accepted(self.now, call.started_at, call.others, self.workers), self.breaker)

    def _leave(self, call: "GatedCall") -> None:
        self._in_flight -= 1
        self._recent.pop(call, None)
        self._trying = False
        self._admit_waiters()


class GatedCall:
    """A call that has passed the gate. Use it in `with`, and report its outcome; without one, it proves nothing."""

    def __init__(self, gate: Gate, started_at: float, others: int) -> None:
        self._gate = gate
        self.started_at, self.others = started_at, others

    def __enter__(self) -> "GatedCall":
        return self

    def __exit__(self, *exc: Any) -> None:
        self._gate._leave(self)

    def succeeded(self) -> None:
        """Report that the provider answered, whatever the answer is worth."""
        gate = self._gate
        gate._accept(self)
        gate.learn(gate.limit, gate.breaker.succeeded(gate.now))

    def refused(self, wait_s: float | None) -> None:
        """Report that the provider refused the call for its rate, and the wait that it asked for."""
        gate = self._gate
        limit = gate.limit.refused(gate.now, self.started_at, self.others, gate._load, wait_s)
        gate.learn(limit, gate.breaker)

    def failed(self, weight: float = 1.0) -> None:
        """Report that the server failed, did not answer in time, or was out of reach; see `Breaker.failed`."""
        gate, now = self._gate, self._gate.now
        gate.learn(gate.limit, gate.breaker.failed(now, self.started_at, weight))
