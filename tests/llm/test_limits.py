"""The learnt limit, against simulated providers: how many requests and how much time it takes beyond what is needed.

Time is simulated, so the figures are exact. A provider's answer takes `latency_s`, a refusal 20 ms.
"""

import heapq
import itertools
import math
from dataclasses import dataclass, field, replace
from typing import Protocol

import pytest

from nlp2filters.llm.limits import FORGET_S, Limit

REFUSAL_S = 0.02


class Simulated(Protocol):
    """A provider: `begin` gives the wait that it names, None if it takes the call; -1 if it names none."""

    def begin(self, now: float) -> float | None: ...
    def end(self) -> None: ...


@dataclass
class Refusing:
    """Refuses everything for a while."""

    until: float
    wait_s: float = 2.0

    def begin(self, now: float) -> float | None:
        return self.wait_s if now < self.until else None

    def end(self) -> None: ...


@dataclass
class PerWindow:
    """Takes so many calls in each window of time, and names its end."""

    calls: int
    window_s: float
    counts: dict[int, int] = field(default_factory=dict)

    def begin(self, now: float) -> float | None:
        window = int(now // self.window_s)
        self.counts[window] = self.counts.get(window, 0) + 1
        return None if self.counts[window] <= self.calls else (window + 1) * self.window_s - now

    def end(self) -> None: ...


@dataclass
class AtOnce:
    """Takes so many calls at once; names no wait, unless it has one."""

    calls: int
    wait_s: float = -1
    running: int = 0

    def begin(self, now: float) -> float | None:
        if self.running >= self.calls:
            return self.wait_s
        self.running += 1
        return None

    def end(self) -> None:
        self.running -= 1


@dataclass(frozen=True)
class Outcome:
    """What it took to have all calls answered, and what was learnt."""

    requests: int
    took_s: float
    limit: Limit


def answered(provider: Simulated, calls: int, latency_s: float, limit: Limit, began: float = 0.0) -> Outcome:
    """Make the calls at once, as the limit allows, until all are answered."""
    now, waiting, in_flight, requests, numbers = began, calls, 0, 0, itertools.count()
    accepted: set[int] = set()
    # Each event is a time, a call, when the call began, and what the event is: an answer, a refusal, or neither yet.
    events: list[tuple[float, int, float, float | None, bool]] = []
    while waiting or in_flight:
        while waiting and in_flight < limit.room(now) + (len(accepted) if limit.paced else 0):
            waiting, in_flight, requests, call = waiting - 1, in_flight + 1, requests + 1, next(numbers)
            wait_s = provider.begin(now)
            ends = now + (latency_s if wait_s is None else REFUSAL_S)
            heapq.heappush(events, (ends, call, now, wait_s, True))
            if now + limit.accepted_after_s < ends:
                heapq.heappush(events, (now + limit.accepted_after_s, call, now, wait_s, False))
        opens_at = limit.opens_at if waiting and now < limit.opens_at else math.inf
        if not events or opens_at < events[0][0]:
            now = opens_at
            continue
        now, call, started_at, wait_s, ended = heapq.heappop(events)
        if not ended:
            limit = limit.accepted(started_at, in_flight - (len(accepted) if limit.paced else 0))
            accepted.add(call)
            continue
        if wait_s is None:
            provider.end()
            if call not in accepted:
                limit = limit.accepted(started_at, in_flight - (len(accepted) if limit.paced else 0))
        else:
            waiting += 1
            limit = limit.refused(now, started_at, in_flight, None if wait_s < 0 else wait_s, len(accepted))
        accepted.discard(call)
        in_flight -= 1
    return Outcome(requests, now - began, limit)


LATENCIES = [0.02, 0.1, 0.3, 1.0, 3.0]


@pytest.mark.parametrize("latency_s", LATENCIES)
def test_five_seconds_of_refusals(latency_s: float) -> None:
    """200 calls at once, from a cold start, and again when the limit is known."""
    cold = answered(Refusing(until=5), 200, latency_s, Limit())
    possible_s = 6 + latency_s  # the wait of 2 s is named at 0, 2 and 4 s
    assert cold.requests <= 2.2 * 200
    assert cold.took_s <= 1.5 * possible_s
    again = answered(Refusing(until=cold.took_s + 5), 200, latency_s, cold.limit, cold.took_s)
    assert again.requests <= 1.2 * 200
    assert again.took_s <= 1.5 * possible_s


@pytest.mark.parametrize("latency_s", LATENCIES)
@pytest.mark.parametrize(("calls", "window_s"), [(20, 1), (50, 2), (100, 5), (500, 60)])
def test_a_quota_of_calls_per_time(calls: int, window_s: float, latency_s: float) -> None:
    cold = answered(PerWindow(calls, window_s), 5 * calls, latency_s, Limit())
    assert cold.requests <= 2.2 * 5 * calls
    assert cold.took_s <= 1.5 * (4 * window_s + latency_s)
    began = math.ceil(cold.took_s / window_s) * window_s
    known = answered(PerWindow(calls, window_s), 5 * calls, latency_s, cold.limit, began)
    assert known.requests <= 1.2 * 5 * calls
    assert known.took_s <= 1.5 * (4 * window_s + latency_s)


@pytest.mark.parametrize("latency_s", [0.5, 1.0, 3.0])
@pytest.mark.parametrize("calls", [5, 20, 100])
def test_a_limit_of_calls_at_once(calls: int, latency_s: float) -> None:
    cold = answered(AtOnce(calls), 1_000, latency_s, Limit())
    assert cold.requests <= 2.2 * 1_000
    known = answered(AtOnce(calls), 1_000, latency_s, cold.limit, cold.took_s)
    assert known.requests <= 1.02 * 1_000
    assert known.took_s <= 1.5 * latency_s * 1_000 / calls


@pytest.mark.parametrize("latency_s", [0.5, 1.0, 3.0])
@pytest.mark.parametrize("calls", [5, 20, 100])
def test_a_limit_of_calls_at_once_that_names_a_wait(calls: int, latency_s: float) -> None:
    """It looks like a limit of the rate at first, so it takes longer than it would have to."""
    cold = answered(AtOnce(calls, wait_s=1), 1_000, latency_s, Limit())
    assert cold.requests <= 2.4 * 1_000
    known = answered(AtOnce(calls, wait_s=1), 1_000, latency_s, cold.limit, cold.took_s)
    assert known.requests <= 1.2 * 1_000
    assert known.took_s <= 3 * latency_s * 1_000 / calls


def test_a_provider_that_refuses_nothing_has_no_limit() -> None:
    outcome = answered(AtOnce(1_000), 1_000, 0.5, Limit())
    assert (outcome.requests, outcome.took_s, outcome.limit) == (1_000, 0.5, Limit())


def test_a_limit_is_forgotten() -> None:
    limit = Limit().refused(0, 0, 100, 1.0).accepted(1.5, 1)
    assert limit.room(2) == 99
    assert limit.room(FORGET_S + 1) == math.inf


def test_a_wait_that_is_too_short_grows() -> None:
    limit, now, waits = Limit(), 0.0, []
    for _ in range(6):
        limit = limit.refused(now, now, 1, 0.0)
        waits.append(limit.opens_at - now)
        now = limit.opens_at + 0.01
    assert waits == sorted(waits)
    assert waits[0] == 0
    assert waits[-1] > 2


def test_workers_learn_from_each_other() -> None:
    paused = Limit().refused(10, 9, 50, 5.0)
    for merged in (Limit().merged(paused), paused.merged(Limit()), Limit.from_json(paused.to_json())):
        assert merged == paused
    reopened = paused.accepted(15.5, 1)
    assert paused.merged(reopened) == reopened.merged(paused) == reopened
    later = reopened.refused(20, 19, 40, 1.0)
    assert reopened.merged(later) == later
    grown = replace(reopened, window=60.0)
    assert reopened.merged(grown).window == grown.merged(reopened).window == 60


def test_what_another_version_wrote_can_be_read() -> None:
    assert Limit.from_json({"window": 3.0, "a_new_member": 1}) == Limit(window=3.0)
