"""A cache of limited weight, which evicts the least recently used values first."""

from collections import OrderedDict
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Cache(Generic[K, V]):
    """A cache of values with a total weight of at most `capacity`; the latest one always stays."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._kept: OrderedDict[K, tuple[V, int]] = OrderedDict()
        self._weight = 0

    def get(self, key: K) -> V | None:
        """Return the value if it is still cached."""
        if key not in self._kept:
            return None
        self._kept.move_to_end(key)
        return self._kept[key][0]

    def put(self, key: K, value: V, weight: int = 1) -> V:
        """Cache a value, and return it; others may be evicted."""
        self.pop(key)
        self._kept[key] = value, weight
        self._weight += weight
        while self._weight > self._capacity and len(self._kept) > 1:
            self.pop(next(iter(self._kept)))
        return value

    def pop(self, key: K) -> V | None:
        """Remove a value from the cache, and return it."""
        if key not in self._kept:
            return None
        value, weight = self._kept.pop(key)
        self._weight -= weight
        return value
