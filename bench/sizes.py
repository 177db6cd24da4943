"""Sizes of the benchmarks. `BENCH_SMALL=1` makes all small, to try them within minutes; such figures mean little."""

import os
from typing import TypeVar

SMALL = os.environ.get("BENCH_SMALL") == "1"
T = TypeVar("T")


def size(full: T, small: T) -> T:
    """Choose between the full size and the small one."""
    return small if SMALL else full


ROUNDS = size(5, 1)
