"""Retries of calls over a network: how long to wait before the next try, and when to give up.

Waits are random and grow ("full jitter"), so that callers that failed together do not return together:
https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/.
"""

import datetime as dt
import random
import re
import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

_random = random.SystemRandom()


@dataclass(frozen=True, slots=True)
class Backoff:
    """Random waits, from zero up to a limit that begins with `first_s` and doubles with every failure up to `max_s`."""

    first_s: float
    max_s: float

    def wait_s(self, failures: int) -> float:
        """Return the seconds to wait after the failure before which there were this many."""
        return _random.uniform(0, min(self.max_s, self.first_s * 2 ** min(failures, 30)))


@dataclass(frozen=True, slots=True)
class Schedule:
    """Fixed waits, each varied by up to the share `jitter` of it. After the last one there is no further try."""

    waits_s: tuple[float, ...]
    jitter: float

    def wait_s(self, failures: int) -> float | None:
        """Return the seconds to wait after the failure before which there were this many; None to give up."""
        if failures >= len(self.waits_s):
            return None
        return self.waits_s[failures] * _random.uniform(1 - self.jitter, 1 + self.jitter)


class RetryBudget:
    """A budget of retries that many calls share: `initial` in advance, and `per_success` for every successful call.

    A peer that is down therefore gets few requests beyond the calls themselves.
    """

    def __init__(self, initial: float = 10.0, per_success: float = 0.1) -> None:
        self._max = self._balance = initial
        self._per_success = per_success

    def withdraw(self, cost: float = 1.0) -> bool:
        """Use one retry, or the share `cost` of one, and return True if it is allowed."""
        if self._balance < cost:
            return False
        self._balance -= cost
        return True

    def deposit(self) -> None:
        """Add to the budget for a successful call."""
        self._balance = min(self._max, self._balance + self._per_success)


class Retries:
    """The retries of one call, counted and timed from now on.

    There are at most `max_tries` tries, within `time_limit_s` seconds, and as many as the `budget` allows. A wait that
    the peer asks for is extended by up to `jitter_s`.
    """

    def __init__(
        self,
        backoff: Backoff,
        time_limit_s: float,
        *,
        max_tries: int | None = None,
        budget: RetryBudget | None = None,
        jitter_s: float = 0.0,
    ) -> None:
        self._backoff, self._max_tries, self._budget, self._jitter_s = backoff, max_tries, budget, jitter_s
        self._deadline = time.monotonic() + time_limit_s
        self.failures = 0

    @property
    def remaining_s(self) -> float:
        """The seconds until the time limit."""
        return max(0.0, self._deadline - time.monotonic())

    def extend(self, seconds: float) -> None:
        """Move the time limit, for time that does not count."""
        self._deadline += seconds

    def next_wait_s(self, retry_after_s: float | None = None, cost: float = 1.0) -> float | None:
        """Count a failure, and return the seconds to wait before the next try; None to give up.

        A wait that the peer asks for is honoured; if it is too long, there is no next try. The next try takes `cost`
        from the budget.
        """
        if retry_after_s is None:
            wait_s = self._backoff.wait_s(self.failures)
        else:
            wait_s = retry_after_s + _random.uniform(0, self._jitter_s)
        self.failures += 1
        if self.failures == self._max_tries or time.monotonic() + wait_s > self._deadline:
            return None
        if self._budget and not self._budget.withdraw(cost):
            return None
        return wait_s


def parse_retry_after(value: str | None) -> float | None:
    """Read a `Retry-After`: seconds, or the seconds until a date (RFC 9110, 10.2.3); None if missing or invalid."""
    text = (value or "").strip()
    if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{0,9})?", text):  # Some servers send fractions.
        return float(text)
    try:
        date = parsedate_to_datetime(text)
    except ValueError:
        return None
    date = date if date.tzinfo else date.replace(tzinfo=dt.UTC)
    return max(0.0, (date - dt.datetime.now(dt.UTC)).total_seconds())
