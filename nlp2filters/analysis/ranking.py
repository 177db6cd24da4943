"""Ranks of files and definitions: PageRank over the uses of names.

A file that refers to a name votes for the files that define it, the more the rarer the definition: the method of
repository maps (https://aider.chat/2023/10/22/repomap.html), computed by power iteration.
"""

import re
from collections import defaultdict
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from nlp2filters.analysis.outlines import Outline

_COMPOUND = re.compile(r"[A-Za-z0-9]_[A-Za-z0-9]|[a-z][A-Z]|[A-Z][a-z]")

DAMPING = 0.85
MAX_ROUNDS = 100
TOLERANCE = 1e-9
# A compound name ("on_message", "ConnectionPool") is meant for one thing; "get" may be anything's.
COMPOUND_WEIGHT = 5.0
# A name defined in more files than that ("get", "__init__") says nothing about which one is meant.
MAX_DEFINERS = 20


def rank_files(outlines: Mapping[str, Outline]) -> dict[str, float]:
    """Return the rank of each file by its path; the sum is 1."""
    paths = list(outlines)
    index = {path: number for number, path in enumerate(paths)}
    votes = _votes(outlines)
    sources = np.array([index[source] for source, _ in votes], dtype=np.int64)
    targets = np.array([index[target] for _, target in votes], dtype=np.int64)
    weights = np.fromiter(votes.values(), dtype=float, count=len(votes))
    ranks = _page_rank(len(paths), sources, targets, weights)
    return dict(zip(paths, ranks.tolist(), strict=True))


def rank_definitions(outlines: Mapping[str, Outline], files: Mapping[str, float]) -> dict[tuple[str, str], float]:
    """Return the rank of each definition, by path and qualified name.

    A file's rank is divided among its definitions by how often other files refer to them; one that none refers to gets
    the share of half a reference.
    """
    uses: dict[str, int] = defaultdict(int)
    definers: dict[str, int] = defaultdict(int)
    for outline in outlines.values():
        for name, count in outline.references.items():
            uses[name] += count
        for definition in outline.definitions:
            definers[definition.name] += 1
    ranks = {}
    for path, outline in outlines.items():
        own = outline.references
        shares = {
            definition.qualified_name: _weight(definition.name)
            * (max(uses[definition.name] - own.get(definition.name, 0), 0) / definers[definition.name] + 0.5)
            for definition in outline.definitions
        }
        total = sum(shares.values())
        for name, share in shares.items():
            ranks[path, name] = files[path] * share / total
    return ranks


def _votes(outlines: Mapping[str, Outline]) -> dict[tuple[str, str], float]:
    """Return the weight of every file's vote for another."""
    definers: dict[str, set[str]] = defaultdict(set)
    for path, outline in outlines.items():
        for definition in outline.definitions:
            definers[definition.name].add(path)
    votes: dict[tuple[str, str], float] = defaultdict(float)
    for path, outline in outlines.items():
        for name, count in outline.references.items():
            targets = definers.get(name, set()) - {path}
            if 0 < len(targets) <= MAX_DEFINERS:
                for target in sorted(targets):  # so that the sums below are the same to the last bit, in every process
                    votes[path, target] += _weight(name) * float(np.sqrt(count)) / len(targets)
    return dict(votes)


def _weight(name: str) -> float:
    """Return how much the use of a name says about which definition is meant."""
    return COMPOUND_WEIGHT if _COMPOUND.search(name) else 1.0


def _page_rank(
    size: int, sources: NDArray[np.int64], targets: NDArray[np.int64], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the ranks of `size` nodes; those without a vote of their own vote for all."""
    if size == 0:
        return np.zeros(0)
    totals = np.bincount(sources, weights, minlength=size) if len(sources) else np.zeros(size)
    shares = weights / totals[sources] if len(sources) else weights
    silent = totals == 0
    ranks: NDArray[np.float64] = np.full(size, 1 / size)
    for _ in range(MAX_ROUNDS):
        incoming = np.bincount(targets, shares * ranks[sources], minlength=size) if len(sources) else np.zeros(size)
        updated: NDArray[np.float64] = (1 - DAMPING) / size + DAMPING * (incoming + ranks[silent].sum() / size)
        if np.abs(updated - ranks).sum() < TOLERANCE:
            return updated
        ranks = updated
    return ranks
