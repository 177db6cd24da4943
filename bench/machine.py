"""The machine that the benchmarks run on, its processes, and a Redis of their own."""

import os
import platform
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from redis import Redis

from nlp2filters.storage.embedded_server import running

TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@contextmanager
def redis_server() -> Iterator[str]:
    """A Redis of its own, gone afterwards; gives its URL."""
    with tempfile.TemporaryDirectory() as folder, running(Path(folder)) as server:
        yield server.url


@cache
def name() -> str:
    """Name the machine: processor, memory, and versions of what runs on it."""
    processor = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    with redis_server() as url, Redis.from_url(url) as redis:
        info = redis.info("server")
    server = f"Valkey {info['valkey_version']}" if "valkey_version" in info else f"Redis {info['redis_version']}"
    python = platform.python_version()
    cores = len(os.sched_getaffinity(0))
    return f"{cores} cores of {processor[1] if processor else 'a CPU'}, {memory:.0f} GiB, Python {python}, {server}"


def cpu_s(pid: int) -> float:
    """Return the CPU seconds of a process so far, and of its children, dead or alive."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / TICKS_PER_S + sum(map(cpu_s, children(pid)))


def memory_kb(pid: int) -> int:
    """Return the resident memory of a process, without its children."""
    resident = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    return int(resident[1]) if resident else 0


def children(pid: int) -> list[int]:
    """Return the ids of a process's children."""
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for task in tasks for child in task.read_text().split()]
