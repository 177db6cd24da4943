"""The limit of calls that a provider's refusals (429) teach, as plain functions. Chats and embeddings alike have one.

Nobody is slowed down before the first refusal. After one, nobody calls before the moment that the provider named. Then
one call tries, and if it is accepted, others follow. What a refusal means shows only later: the provider may be closed
for a while, limit the calls of a period, or limit the calls at once. So the limit learns two numbers from each round of
refusals, and relies on neither:

- `quota`, the calls that were accepted since the round before. So many are expected to be accepted again, so they
  follow each other as in TCP's slow start: as many at a time as have already been accepted. Beyond the quota, only a
  small share (`RISK`) of the accepted calls may be unproven at a time: about that share is refused, whatever the limit
  is, and whenever the provider closes. If the quota is too small to have such a share, further calls wait until as many
  periods have passed as quotas are spent;
- `at_once`, the calls in flight that were not refused. No more are made at once, until it turns out that they are
  accepted (it is a limit of the rate) or refused even below (likewise). If many more calls than the quota are accepted
  meanwhile, or one is refused at the very moment that the provider named, it is certain, and calls below it are no
  risk. Now and then one call tries whether more are accepted, which costs about the share `RISK` of time and requests.

Refusals come at once, answers do not: a call that has not been refused for a moment is accepted. So answers that take
long do not slow down the calls that follow.

Related work: TCP's slow start and congestion avoidance (RFC 5681), and AWS's adaptive retry mode, which learns a rate
from the calls accepted between two refusals. Limits that watch latencies, like TCP Vegas or Netflix's
concurrency-limits, would learn nothing here: the time of an LLM's answer depends on its length, and a provider that is
full refuses rather than queues.

Providers that report what is left of their quotas are not called beyond it. Times are in seconds, by any one clock.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

# What is tried at a risk costs about this share of the requests, and of the time.
RISK = 0.1
# The first wait after refusals that name none, and the longest one.
FIRST_WAIT_S, MAX_WAIT_S = 0.5, 30.0
# A wait that was too short grows to this share of the time since the first refusal, so the whole wait is at most half
# as long again as it has to be. By the same share, a period may turn out longer than it seemed.
LONGER = 0.5
# A call that is not refused within this time, or twice the time that refusals take, counts as accepted.
MIN_ACCEPTED_S = 0.1
# A limit that has refused nothing for so long is forgotten.
FORGET_S = 600.0


@dataclass(frozen=True, slots=True)
class Quota:
    """The rest of a provider's quota: `calls_left` now, and the seconds until there is one more."""

    calls_left: int
    refill_s: float


@dataclass(frozen=True, slots=True)
class Load:
    """The calls that one of so many `workers` has in flight. The `unproven` ones may still be refused."""

    in_flight: int
    unproven: int
    workers: int = 1


@dataclass(frozen=True, slots=True)
class Limit:
    """A learnt limit: nobody calls before `opens_at`, and then one call tries first (`probing`).

    The latest round of refusals began at `cut_at` and named a wait of `wait_s`. Since then, so many `calls` were
    accepted; between that round and the one before, a `quota`, for which the provider took `cycle_s`. If that was none,
    `fallback` stands in for it: the quota before, or all calls that the first refusal found in flight. The provider
    seems to take `at_once` calls at once, which may be `certain`. Refusals take `refusal_s`.

    Each worker counts its own calls, times the number of workers.
    """

    opens_at: float = 0.0
    cut_at: float = -math.inf
    probing: bool = False
    refusal_s: float = 0.0
    wait_s: float = 0.0
    calls: int = 0
    quota: int = 0
    fallback: int = 0
    cycle_s: float = 0.0
    at_once: float = math.inf
    certain: bool = False

    @property
    def accepted_after_s(self) -> float:
        """The time after which a call that has not been refused counts as accepted."""
        return max(MIN_ACCEPTED_S, 2 * self.refusal_s)

    @property
    def window(self) -> float:
        """The calls that are made at once, for all that is known; infinite without a limit."""
        if not self.fallback:
            return math.inf
        return self._at_once if self._at_once < math.inf else max(1, RISK * max(self.calls, self.quota))

    @property
    def tries_more_at(self) -> float:
        """The time from which a call may try whether more are accepted at once."""
        return self.cut_at + self.wait_s / RISK

    def is_known(self, now: float) -> bool:
        """Return True unless nothing was ever refused, or not for a long time."""
        return now - self.cut_at <= FORGET_S

    def open_from(self, unproven: int) -> float:
        """Return the earliest time of the next call, while so many calls are `unproven`."""
        # A provider that accepted nothing was closed, which says nothing about its quota.
        if not self.quota or self.calls < self._quota or RISK * max(self.calls, self.quota) >= 1:
            return self.opens_at
        if self._at_once < math.inf:
            return self.opens_at
        quota = max(1, self._quota)
        return self.opens_at + self._pace_s * quota * ((self.calls + unproven) // quota)

    def allows(self, now: float, load: Load) -> bool:
        """Return True if a worker with this load may make another call now."""
        if not self.is_known(now):
            return True
        if now < self.open_from(load.unproven * load.workers):
            return False
        # Each worker may make one call at least.
        full = load.in_flight > 0 and (load.in_flight + 1) * load.workers > self._at_once
        if self.probing and not (full and self.certain):
            return not load.unproven
        if full:
            return not load.unproven and RISK * self.calls >= 1 and now >= self.tries_more_at
        return self.certain or not load.unproven or (load.unproven + 1) * load.workers <= self._risk

    def accepted(self, now: float, started_at: float, others: int, workers: int = 1) -> Self:
        """Learn from a call that was accepted, which began while the worker had `others` in flight."""
        if not self.is_known(now) or started_at <= self.cut_at:
            return self
        after = replace(self, probing=False, calls=self.calls + workers)
        if others * workers >= self._at_once:
            return replace(after, at_once=math.inf, certain=False)
        return replace(after, certain=self.certain or after.calls > 2 * max(self._quota, self._at_once))

    def refused(self, now: float, started_at: float, others: int, load: Load, wait_s: float | None) -> Self:
        """Learn from a refused call, which began while the worker had `others` in flight, and is part of its `load`.

        `wait_s` is the wait that the provider asks for.
        """
        others *= load.workers
        pause_s = FIRST_WAIT_S if wait_s is None else wait_s
        if started_at <= self.cut_at:
            after = replace(self, quota=max(0, self.quota - load.workers), at_once=max(0, self.at_once - load.workers))
        elif self.probing:
            pause_s = max(pause_s, min(MAX_WAIT_S, LONGER * (now - self.cut_at)))
            after = self._busy(others, is_named=wait_s is not None)
        else:
            after = self._cut(now, others, load, pause_s)
        after = replace(after, refusal_s=(self.refusal_s + now - started_at) / 2)
        if not after.probing:
            return after
        return replace(after, opens_at=max(after.opens_at, now + pause_s), wait_s=max(after.wait_s, pause_s))

    def merged(self, other: Self) -> Self:
        """Combine what this worker has learnt with what another has: the latest round counts.

        In the same round, each worker keeps its own counts.
        """
        latest = max(self, other, key=lambda limit: limit.cut_at)
        both_probing = self.probing and other.probing
        if self.cut_at != other.cut_at and not (both_probing and latest.cut_at < min(self.opens_at, other.opens_at)):
            return latest
        opens_at = max(self.opens_at, other.opens_at) if both_probing else self.opens_at
        wait_s = max(self.wait_s, other.wait_s)
        return replace(self, cut_at=latest.cut_at, opens_at=opens_at, wait_s=wait_s, probing=both_probing)

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON data; what is infinite is left out. Workers of earlier versions go by the `window`."""
        values = {name: getattr(self, name) for name in (*self.__slots__, "window")}
        return {name: value for name, value in values.items() if not isinstance(value, float) or math.isfinite(value)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read back what `to_json` returned; members of other versions are ignored."""
        return cls(**{name: value for name, value in data.items() if name in cls.__slots__})

    @property
    def _at_once(self) -> float:
        return self.at_once if self.at_once > 0 else math.inf

    @property
    def _quota(self) -> int:
        """The calls that will be accepted again: fewer than were, if the last two rounds differ."""
        return min(self.quota, self.fallback) if self.quota else self.fallback

    @property
    def _pace_s(self) -> float:
        return self.cycle_s / max(1, self.quota)

    @property
    def _risk(self) -> float:
        """The number of calls that may be unproven."""
        return max(1, RISK * max(self.calls, self.quota or self.fallback), min(self.calls, self._quota - self.calls))

    def _busy(self, others: int, *, is_named: bool) -> Self:
        """Return the limit after a refusal of the one call that tried, while there were `others` in flight."""
        if self.certain and others < self._at_once:
            return replace(self, at_once=math.inf, certain=False)
        return replace(self, at_once=others, certain=True) if others and is_named else self

    def _cut(self, now: float, others: int, load: Load, pause_s: float) -> Self:
        """Return the limit after the first refusal of a round. The calls in flight are not refused yet."""
        is_known, in_flight = self.is_known(now), load.in_flight * load.workers
        quota = self.calls + (load.unproven - 1) * load.workers if is_known else in_flight - load.workers
        cycle_s = min(now + pause_s - self.opens_at, max(pause_s, (1 + LONGER) * self._pace_s * quota))
        below = others < self._at_once < math.inf
        return replace(
            self,
            opens_at=0.0,
            cut_at=now,
            probing=True,
            wait_s=0.0,
            calls=0,
            quota=max(0, quota),
            fallback=self._quota if is_known else in_flight,
            cycle_s=cycle_s,
            at_once=math.inf if below else in_flight - load.workers,
            certain=self.certain and not below,
        )
