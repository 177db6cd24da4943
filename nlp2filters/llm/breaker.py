"""A circuit breaker for outages of a provider: failures of the server, broken connections and time-outs.

A provider that fails almost always is not called for a while. Then one call tries it, and its outcome decides. Refusals
(429) are no outage: see `limits`. Times are in seconds, by any one clock.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, Self

# The weight of the latest call in the rate of failures: sixteen failures in a row open a closed breaker.
WEIGHT = 0.1
OPENS_AT_RATE = 0.8
FIRST_PAUSE_S, MAX_PAUSE_S = 5.0, 60.0

State = Literal["closed", "open", "half_open"]


@dataclass(frozen=True, slots=True)
class Breaker:
    """A breaker that was last opened or closed at `changed_at`; it has opened `openings` times since it was closed."""

    failure_rate: float = 0.0
    openings: int = 0
    open_until: float = 0.0
    changed_at: float = 0.0

    def state(self, now: float) -> State:
        """Return the state: half-open while a call may try whether the provider is back."""
        if not self.openings:
            return "closed"
        return "open" if now < self.open_until else "half_open"

    def failed(self, now: float, started_at: float, weight: float = 1.0) -> Self:
        """Count a failed call, which counts less than others if its `weight` is below 1."""
        if self.openings:
            return self._opened(now) if started_at >= self.open_until else self
        after = replace(self, failure_rate=self.failure_rate + weight * WEIGHT * (1 - self.failure_rate))
        return after._opened(now) if after.failure_rate > OPENS_AT_RATE else after

    def succeeded(self, now: float) -> Self:
        """Count a successful call, which closes the breaker."""
        if self.openings:
            return type(self)(changed_at=now)
        return replace(self, failure_rate=(1 - WEIGHT) * self.failure_rate) if self.failure_rate else self

    def merged(self, other: Self) -> Self:
        """Combine the views of two workers: the latest opening or closing counts."""
        return other if other.changed_at > self.changed_at else self

    def to_json(self) -> dict[str, Any]:
        """Return what others need to know, as JSON data: the rate of failures is each worker's own."""
        return {"openings": self.openings, "open_until": self.open_until, "changed_at": self.changed_at}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read back what `to_json` returned; members of other versions are ignored."""
        return cls(**{name: value for name, value in data.items() if name in cls.__slots__})

    def _opened(self, now: float) -> Self:
        pause_s = min(MAX_PAUSE_S, FIRST_PAUSE_S * 2**self.openings)
        return replace(self, openings=self.openings + 1, open_until=now + pause_s, changed_at=now)
