"""Fair turns: who is next when several owners' work waits for few places."""

from collections import defaultdict, deque
from itertools import count
from typing import Generic, TypeVar

T = TypeVar("T")


class FairQueue(Generic[T]):
    """Work of several owners. Next is the owner with the least of it running; then the one whose last turn is longest
    ago; then who came first. No owner has more than `at_once` running, so that one cannot take every place.
    """

    def __init__(self, at_once: int) -> None:
        self._at_once = at_once
        self._waiting: defaultdict[str, deque[tuple[int, T]]] = defaultdict(deque)
        self._running: defaultdict[str, int] = defaultdict(int)
        self._last_turns: defaultdict[str, int] = defaultdict(int)
        self._numbers = count(1)

    def put(self, owner: str, work: T) -> None:
        """Let an owner's work wait for its turn."""
        self._waiting[owner].append((next(self._numbers), work))

    @property
    def waits(self) -> bool:
        """True while some work waits for its turn."""
        return bool(self._waiting)

    def take(self) -> tuple[str, T] | None:
        """The work whose turn it is, and its owner; None where nobody's may run now."""
        ready = [owner for owner in self._waiting if self._running[owner] < self._at_once]
        if not ready:
            return None
        owner = min(ready, key=lambda name: (self._running[name], self._last_turns[name], self._waiting[name][0][0]))
        _, work = self._waiting[owner].popleft()
        if not self._waiting[owner]:
            del self._waiting[owner]
        self._running[owner] += 1
        self._last_turns[owner] = next(self._numbers)
        return owner, work

    def done(self, owner: str) -> None:
        """One piece of the owner's work has ended."""
        self._running[owner] -= 1
        if not self._running[owner] and owner not in self._waiting:
            del self._running[owner], self._last_turns[owner]
