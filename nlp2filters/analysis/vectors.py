"""Vectors of chunks in one byte a dimension, with the search and the clusters that they give."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

MAX_CLUSTERS = 12
MAX_ROUNDS = 30
_SCALE = 127


def quantize(vectors: NDArray[np.floating[Any]]) -> NDArray[np.int8]:
    """Return unit vectors (n × d) as bytes: a quarter of the size, and cosines that are right to two decimals."""
    return np.asarray(np.clip(np.rint(vectors * _SCALE), -_SCALE, _SCALE), dtype=np.int8)


def stacked(rows: Sequence[bytes | None]) -> NDArray[np.int8]:
    """Return the vectors (n × d) of some texts; those that are not known are zero."""
    size = max((len(row) for row in rows if row is not None), default=0)
    return np.frombuffer(b"".join(row or bytes(size) for row in rows), np.int8).reshape(len(rows), size)


def similarities(vectors: NDArray[np.int8], query: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
    """Return the cosine of each vector (n × d) with a query (d)."""
    products = vectors.astype(np.float32) @ query.astype(np.float32)
    norms = np.linalg.norm(vectors.astype(np.float32), axis=1) * float(np.linalg.norm(query))
    return np.asarray(products / np.maximum(norms, 1e-9), dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Cluster:
    """The numbers of vectors that are close to each other, the most central first."""

    members: tuple[int, ...]


def cluster(vectors: NDArray[np.int8], count: int | None = None) -> list[Cluster]:
    """Group vectors by spherical k-means, the largest group first.

    Without a `count`, there are as many groups as the square root of half the vectors, up to `MAX_CLUSTERS`. Centers
    start as far apart as possible, so that the same vectors always give the same groups.
    """
    size = len(vectors)
    if size == 0:
        return []
    count = min(count or max(1, round((size / 2) ** 0.5)), MAX_CLUSTERS, size)
    unit = vectors.astype(np.float32)
    unit /= np.maximum(np.linalg.norm(unit, axis=1, keepdims=True), 1e-9)
    centers = unit[_far_apart(unit, count)]
    labels = np.zeros(size, dtype=np.int64)
    for round_number in range(MAX_ROUNDS):
        updated = np.asarray((unit @ centers.T).argmax(axis=1))
        if round_number and (updated == labels).all():
            break
        labels = updated
        centers = np.stack([_center(unit[labels == number], centers[number]) for number in range(count)])
    groups = []
    for number in range(count):
        members = np.flatnonzero(labels == number)
        if len(members):
            order = np.argsort(-(unit[members] @ centers[number]), kind="stable")
            groups.append(Cluster(tuple(members[order].tolist())))
    return sorted(groups, key=lambda group: (-len(group.members), group.members[0]))


def _far_apart(unit: NDArray[np.float32], count: int) -> Sequence[int]:
    """Choose vectors that are far from each other, beginning with the one nearest to the middle."""
    starts = [int((unit @ unit.mean(axis=0)).argmax())]
    closest = unit @ unit[starts[0]]
    while len(starts) < count:
        starts.append(int(closest.argmin()))
        closest = np.maximum(closest, unit @ unit[starts[-1]])
    return starts


def _center(members: NDArray[np.float32], previous: NDArray[np.float32]) -> NDArray[np.float32]:
    if not len(members):
        return previous
    mean = members.mean(axis=0)
    return np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-9), dtype=np.float32)
