"""Orders to read a file, their outcomes, and what a process that reads one may do."""

import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Libraries for numbers start a thread a core otherwise, and these count toward the limits.
ONE_THREAD = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
# 32 MiB of CSV take about 15 s.
CPU_LIMIT_S = 80
# A limit of the address space, of which the libraries alone take some hundred megabytes.
MEMORY_LIMIT = 3 * 2**30


@dataclass(frozen=True, slots=True)
class Order:
    """The file to read, alone in its folder, the function that reads it, and the limits of its process.

    `read` is called with the path and `report`, a function for reports. It is of a module, as it goes through a pipe.
    `too_complex` is the problem if it exceeds the limits.
    """

    path: Path
    read: Callable[..., Any]
    too_complex: str = "table-too-complex"
    cpu_limit_s: int = CPU_LIMIT_S
    memory_limit: int = MEMORY_LIMIT


@dataclass(frozen=True, slots=True)
class Report:
    """The number of rows read so far, and the share of the table that they are."""

    rows: int
    share: float


@dataclass(frozen=True, slots=True)
class Refusal:
    """The outcome of a file that cannot be read as it has to be: a problem object."""

    problem: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Crash:
    """The outcome of a process that failed for another reason: the traceback."""

    traceback: str


@contextmanager
def sealed() -> Iterator[None]:
    """Let this process open nothing more while inside: no file and no connection, whatever the file asks for."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
