"""A cache of limited weight, from which the least recently used goes first."""

from collections import OrderedDict
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Cache(Generic[K, V]):
    """Keeps values while they weigh no more than `capacity` together, and always the last one."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._kept: OrderedDict[K, tuple[V, int]] = OrderedDict()
        self._weight = 0

    def get(self, key: K) -> V | None:
        """The value, if it is still there."""
        if key not in self._kept:
            return None
        self._kept.move_to_end(key)
        return self._kept[key][0]

    def put(self, key: K, value: V, weight: int = 1) -> V:
        """Keep a value; others may have to go. Returns it."""
        self.pop(key)
        self._kept[key] = value, weight
        self._weight += weight
        while self._weight > self._capacity and len(self._kept) > 1:
            self.pop(next(iter(self._kept)))
        return value

    def pop(self, key: K) -> V | None:
        """The value, which is not kept any more."""
        if key not in self._kept:
            return None
        value, weight = self._kept.pop(key)
        self._weight -= weight
        return value
