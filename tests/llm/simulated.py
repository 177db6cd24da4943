"""Providers that limit calls in each way, and calls of them through a real gate in simulated time, which takes none.

The figures are therefore exact, and the same everywhere. A refusal takes 20 ms, an answer 20 ms and its latency.
"""

import asyncio
import math
import selectors
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from nlp2filters.llm.gate import Gate
from nlp2filters.llm.limits import FIRST_WAIT_S

ONE_WAY_S = 0.01
# Workers tell each other what they have learnt so often.
SHARED_EVERY_S = 0.15


@dataclass(frozen=True)
class Refusal:
    """A 429 that names a wait, or none."""

    wait_s: float | None


class Provider(Protocol):
    """A provider, which takes or refuses a call that begins, and learns of its end if it took it."""

    def begin(self, now: float) -> Refusal | None: ...
    def end(self) -> None: ...


@dataclass
class Closed:
    """Refuses everything for a while."""

    until: float
    wait_s: float | None = 2.0

    def begin(self, now: float) -> Refusal | None:
        return Refusal(self.wait_s) if now < self.until else None

    def end(self) -> None: ...


@dataclass
class PerPeriod:
    """Takes so many calls in each period, the first of which begins at 0, and names the wait until the next one."""

    calls: int
    period_s: float
    counts: dict[int, int] = field(default_factory=dict)

    def begin(self, now: float) -> Refusal | None:
        period = int(now // self.period_s)
        self.counts[period] = self.counts.get(period, 0) + 1
        return None if self.counts[period] <= self.calls else Refusal((period + 1) * self.period_s - now)

    def end(self) -> None: ...


@dataclass
class Bucket:
    """A bucket of tokens, full at first, with `rate` more per second. It names waits, perhaps in `whole` seconds."""

    size: int
    rate: float
    at: float
    whole: bool = False
    tokens: float = math.inf

    def begin(self, now: float) -> Refusal | None:
        self.tokens = min(self.size, self.tokens + (now - self.at) * self.rate)
        self.at = now
        if self.tokens >= 1 - 1e-9:
            self.tokens -= 1
            return None
        wait_s = (1 - self.tokens) / self.rate
        return Refusal(math.ceil(wait_s) if self.whole else wait_s)

    def end(self) -> None: ...


@dataclass
class AtOnce:
    """Takes so many calls at once, and names always the same wait, or none."""

    calls: int
    wait_s: float | None = None
    running: int = 0

    def begin(self, now: float) -> Refusal | None:
        if self.running >= self.calls:
            return Refusal(self.wait_s)
        self.running += 1
        return None

    def end(self) -> None:
        self.running -= 1


@dataclass(frozen=True)
class Kind:
    """A kind of limit: the provider as it is at a time, a number of calls, and the time that they take at best.

    At best, all is known in advance but the first refusals, and each wait that the provider names is waited out. Both
    functions of times are given the time that an answer takes.
    """

    name: str
    provider: Callable[[float], Provider]
    calls: int
    cold_s: Callable[[float], float]
    known_s: Callable[[float], float]
    period_s: float = 0.0


def closed(wait_s: float | None) -> Kind:
    """Five seconds of refusals: a wait of 2 s is named at 0, 2 and 4 s."""
    opens_s = math.ceil(5 / wait_s) * wait_s if wait_s else 5.0
    name = f"closed for 5 s, {f'names {wait_s:g} s' if wait_s else 'names no wait'}"

    def possible_s(took_s: float) -> float:
        return opens_s + took_s

    return Kind(name, lambda now: Closed(now + 5, wait_s), 200, possible_s, possible_s)


def per_period(calls: int, period_s: float, periods: int = 5) -> Kind:
    """So many calls per period, for a number of periods."""

    def possible_s(took_s: float) -> float:
        return (periods - 1) * period_s + took_s

    return Kind(
        f"{calls} per {period_s:g} s",
        lambda now: PerPeriod(calls, period_s),
        periods * calls,
        possible_s,
        possible_s,
        period_s,
    )


def bucket(size: int, rate: float, seconds: float, *, whole: bool) -> Kind:
    """A full bucket, and the tokens of some seconds more."""

    def possible_s(took_s: float) -> float:
        return seconds + took_s

    return Kind(
        f"bucket of {size}, {rate:g} per s, names {'whole seconds' if whole else 'milliseconds'}",
        lambda now: Bucket(size, rate, now, whole),
        size + int(rate * seconds),
        possible_s,
        possible_s,
    )


def at_once(calls: int, wait_s: float | None) -> Kind:
    """Ten times as many calls as are accepted at once."""

    def cold_s(took_s: float) -> float:
        return max(took_s, wait_s or FIRST_WAIT_S) + 9 * took_s

    name = f"{calls} at once, {f'names {wait_s:g} s' if wait_s else 'names no wait'}"
    return Kind(name, lambda now: AtOnce(calls, wait_s), 10 * calls, cold_s, lambda took_s: 10 * took_s)


KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        *(closed(wait_s) for wait_s in (2, 0.5, None)),
        *(per_period(*limit) for limit in ((5, 1), (20, 1), (100, 5), (20, 60))),
        per_period(500, 60, periods=2),
        *(bucket(20, 20, 5, whole=whole) for whole in (True, False)),
        *(bucket(100, 20, 5, whole=whole) for whole in (True, False)),
        *(bucket(5, 1, 20, whole=whole) for whole in (True, False)),
        *(at_once(*limit) for limit in ((5, None), (5, 1), (20, None), (20, 1), (20, 2), (20, 10), (100, 1))),
    )
}
LATENCIES_S = (0.0, 0.3, 1.0, 3.0)


@dataclass(frozen=True)
class Outcome:
    """The requests per call that it took to have all answered, and the time, as multiples of the best."""

    requests: float
    time: float

    @property
    def text(self) -> str:
        """The outcome as a cell of a table."""
        return f"{self.requests:.2f} / {self.time:.2f}"


class _SkippingSelector(selectors.SelectSelector):
    now = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        events = super().select(0)
        if not events:
            assert timeout is not None, "everybody waits for ever"
            self.now += timeout
        return events


class SimulatedLoop(asyncio.SelectorEventLoop):
    """An event loop that skips all waits."""

    def __init__(self) -> None:
        self._skipping = _SkippingSelector()
        super().__init__(self._skipping)

    def time(self) -> float:
        return self._skipping.now


def measure(kind: Kind, latency_s: float, workers: int = 1) -> tuple[Outcome, Outcome]:
    """Make the calls at once, from a cold start, and again when the limit is known."""
    with asyncio.Runner(loop_factory=SimulatedLoop) as runner:
        return runner.run(_measure(kind, latency_s, workers))


async def _measure(kind: Kind, latency_s: float, workers: int) -> tuple[Outcome, Outcome]:
    loop = asyncio.get_running_loop()
    gates = [Gate("simulated", loop.time) for _ in range(workers)]
    for gate in gates:
        gate.workers = workers
    sharing = loop.create_task(_share(gates))
    took_s = latency_s + 2 * ONE_WAY_S
    outcomes = []
    for possible_s in (kind.cold_s(took_s), kind.known_s(took_s)):
        if kind.period_s:
            await asyncio.sleep(-loop.time() % kind.period_s)
        provider, began = kind.provider(loop.time()), loop.time()
        calls = [_answered(gates[number % workers], provider, latency_s) for number in range(kind.calls)]
        requests = sum(await asyncio.gather(*calls))
        outcomes.append(Outcome(requests / kind.calls, (loop.time() - began) / possible_s))
    sharing.cancel()
    cold, known = outcomes
    return cold, known


async def _answered(gate: Gate, provider: Provider, latency_s: float) -> int:
    """Call until there is an answer. Returns the number of requests."""
    loop, requests = asyncio.get_running_loop(), 0
    while True:
        requests += 1
        with await gate.admit(1e6) as call:
            await asyncio.sleep(ONE_WAY_S)
            refusal = provider.begin(loop.time())
            if not refusal:
                await asyncio.sleep(latency_s)
                provider.end()
            await asyncio.sleep(ONE_WAY_S)
            if not refusal:
                call.succeeded()
                return requests
            call.refused(refusal.wait_s)


async def _share(gates: Sequence[Gate]) -> None:
    shared = gates[0].limit
    while True:
        for gate in gates:
            await asyncio.sleep(SHARED_EVERY_S / len(gates))
            shared = gate.limit.merged(shared)
            gate.adopt(shared, gate.breaker)
