"""Fair turns: who is next when the work of several owners competes for a few slots."""

from collections import defaultdict, deque
from itertools import count
from typing import Generic, TypeVar

T = TypeVar("T")


class FairQueue(Generic[T]):
    """A queue of several owners' work.

    The owner with the least work running is next; then the one whose last turn was longest ago; then the one who came
    first. No owner has more than `at_once` running, so that one cannot take every slot.
    """

    def __init__(self, at_once: int) -> None:
        self._at_once = at_once
        self._waiting: defaultdict[str, deque[tuple[int, T]]] = defaultdict(deque)
        self._running: defaultdict[str, int] = defaultdict(int)
        self._last_turns: defaultdict[str, int] = defaultdict(int)
        self._numbers = count(1)

    def put(self, owner: str, work: T) -> None:
        """Queue an owner's work."""
        self._waiting[owner].append((next(self._numbers), work))

    @property
    def waits(self) -> bool:
        """True while some work waits for its turn."""
        return bool(self._waiting)

    def take(self) -> tuple[str, T] | None:
        """Take the work whose turn it is, and return its owner and the work; None if nothing may run now."""
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
        """Record that one piece of the owner's work has ended."""
        self._running[owner] -= 1
        if not self._running[owner] and owner not in self._waiting:
            del self._running[owner], self._last_turns[owner]
