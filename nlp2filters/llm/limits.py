"""The limit of calls that a provider's refusals (429) teach, as plain functions. Chats and embeddings alike have one.

After a refusal, nobody calls before the moment that the provider named. Then one call goes ahead; if it is accepted, as
many follow at once as the window allows. The window is None until the first refusal, so a provider without limits is
never slowed down. It learns as TCP does, but in proportion:

- each refused call takes one from the window, down to a tenth. If the provider limits calls at once, what it accepted
  remains; if it limits calls per minute, a tenth of all that ran into the limit;
- each accepted call adds `GROWTH`, so refusals stay below GROWTH / (1 - CUT) = 9 % of the successes;
- after a mild cut, the window is close to a limit of calls at once, and grows more slowly.

Refusals come at once, answers do not: a call that has not been refused for a moment is accepted. A provider that names
a wait limits the rate of calls, so the window counts only the calls that may still be refused (`paced`), and answers
that take long do not slow down those that follow. If it refuses a call at the moment that it named, while it is busy
with others, or if it names none, it limits calls at once, and the window counts all of them.

Providers that report what is left of their quotas are not called beyond it. Times are in seconds, by any one clock.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

GROWTH = 0.08
CUT = 0.1
# A window that kept at least this share of its size is close to a limit of calls at once.
MILD = 0.5
SLOW_GROWTH = GROWTH / 20
# Waits after refusals that name none.
FIRST_WAIT_S, MAX_WAIT_S = 0.5, 30.0
# A call that is not refused within this time, or twice the time that refusals take, counts as accepted.
MIN_ACCEPTED_S = 0.1
# A window that has not been cut for so long is forgotten.
FORGET_S = 600.0


@dataclass(frozen=True, slots=True)
class Quota:
    """The rest of a provider's quota: `calls_left` now, and the seconds until there is one more."""

    calls_left: int
    refill_s: float


@dataclass(frozen=True, slots=True)
class Limit:
    """A learnt limit: nobody calls before `opens_at`, and then `window` calls are made at once, None for any number.

    `cut_at` is the time of the latest round of refusals, which began with a window of `full`; `probes` counts the calls
    that were refused since then, without any success. From `ceiling` on the window grows slowly. If it is `paced`,
    accepted calls do not count. Refusals have lately taken `refusal_s`.
    """

    window: float | None = None
    opens_at: float = 0.0
    cut_at: float = -math.inf
    full: float = 0.0
    ceiling: float = math.inf
    probing: bool = False
    probes: int = 0
    refusal_s: float = 0.0
    paced: bool = False

    @property
    def accepted_after_s(self) -> float:
        """The time after which a call that has not been refused counts as accepted."""
        return max(MIN_ACCEPTED_S, 2 * self.refusal_s)

    def room(self, now: float) -> float:
        """Return how many calls there may be at once, besides accepted ones if `paced`: none while it is too early."""
        if now < self.opens_at:
            return 0
        if self.probing:
            return 1
        return math.inf if self.window is None or now - self.cut_at > FORGET_S else max(1, self.window)

    def refused(self, now: float, started_at: float, in_flight: int, wait_s: float | None, accepted: int = 0) -> Self:
        """Learn from a refused call, which counts among those `in_flight`; others of them were `accepted`.

        `wait_s` is the wait that it asks for.
        """
        straggler, has_wait = started_at <= self.cut_at, wait_s is not None
        probes = 0 if straggler or not self.probing else self.probes + 1
        if wait_s is None or probes:  # A wait that was too short once grows, even if it is named again.
            wait_s = max(wait_s or 0, min(MAX_WAIT_S, FIRST_WAIT_S * 2 ** (probes - 1 if wait_s else probes)))
        if straggler or self.probing:
            paced = self.paced and not (probes and accepted)
            after = replace(self, probes=max(self.probes, probes), paced=paced)
        else:
            full = self.window if self.window is not None and now - self.cut_at <= FORGET_S else in_flight
            after = replace(self, window=full, full=full, cut_at=now, probing=True, probes=0, paced=has_wait)
        if after.window is not None and (straggler or not self.probing):
            after = replace(after, window=max(1, after.window - 1, CUT * after.full))
        after = replace(after, refusal_s=(self.refusal_s + now - started_at) / 2)
        return replace(after, opens_at=max(after.opens_at, now + wait_s)) if after.probing else after

    def accepted(self, started_at: float, in_flight: int) -> Self:
        """Learn from a call that was accepted, and was one of those `in_flight` that `room` limits."""
        if self.window is None or started_at <= self.cut_at:
            return self
        if self.probing:
            ceiling = self.window if self.window >= MILD * self.full else math.inf
            return replace(self, probing=False, probes=0, ceiling=ceiling)
        if 2 * in_flight < self.window:  # A window that is not used proves nothing.
            return self
        return replace(self, window=self.window + (GROWTH if self.window < self.ceiling else SLOW_GROWTH))

    def merged(self, other: Self) -> Self:
        """Combine what two workers have learnt: the latest round counts, then the one who has come further since."""
        latest = max(self, other, key=lambda limit: (limit.cut_at, not limit.probing, limit.window or math.inf))
        return replace(latest, opens_at=max(self.opens_at, other.opens_at)) if latest.probing else latest

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON data; what is infinite is left out."""
        values = {name: getattr(self, name) for name in self.__slots__}
        return {name: value for name, value in values.items() if not isinstance(value, float) or math.isfinite(value)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read back what `to_json` returned; members of other versions are ignored."""
        return cls(**{name: value for name, value in data.items() if name in cls.__slots__})
