"""Measure a worker with no-op jobs. Runs in each peer's environment, so it needs nothing but the standard library.

Every job calls `begun` with its id. A worker and its client share one event loop, unless the worker is a process of its
own, whose jobs send the time by a socket.
"""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from urllib.parse import urlsplit

AT_ONCE = 50
SETTLED_S = 1.0


class Arrivals:
    """The times at which jobs first began, of the monotonic clock that all processes of a machine share."""

    def __init__(self) -> None:
        self._times: dict[str, float] = {}
        self._missing: set[str] = set()
        self._complete = asyncio.Event()

    def add(self, id_: str, began: float) -> None:
        self._times.setdefault(id_, began)
        self._missing.discard(id_)
        if not self._missing:
            self._complete.set()

    async def wait_for(self, *ids: str) -> list[float]:
        """Wait until these jobs have begun; returns their times."""
        self._missing = {id_ for id_ in ids if id_ not in self._times}
        if self._missing:
            self._complete.clear()
            await self._complete.wait()
        return [self._times[id_] for id_ in ids]


ARRIVALS = Arrivals()


def begun(id_: str) -> None:
    """Note that a job has begun."""
    ARRIVALS.add(id_, time.perf_counter())


@dataclass(frozen=True)
class Peer:
    """A job system: `enqueue` jobs with these ids; `working` runs one worker while inside."""

    enqueue: Callable[[str], Awaitable[object]]
    working: Callable[[], AbstractAsyncContextManager[None]]
    cpu_s: Callable[[], float] = time.process_time


async def measure(peer: Peer, url: str, *, jobs: int, pickups: int, idle_s: float) -> None:
    """Print the figures as JSON: jobs that wait for a worker, its commands when idle, and its pick-ups."""
    ids = [f"job-{at}" for at in range(jobs)]
    for first in range(0, jobs, AT_ONCE):
        await asyncio.gather(*map(peer.enqueue, ids[first : first + AT_ONCE]))
    waited: list[float] = []
    cpu_s = peer.cpu_s()
    async with peer.working():
        times = sorted(await ARRIVALS.wait_for(*ids))
        cpu_s = peer.cpu_s() - cpu_s
        await asyncio.sleep(SETTLED_S)
        before = await _commands(url)
        await asyncio.sleep(idle_s)
        idle_commands = await _commands(url) - before - 1
        for number in range(pickups):
            await asyncio.sleep(0.05 + 0.007 * (number % 7))
            sent = time.perf_counter()
            await peer.enqueue(f"pickup-{number}")
            (began,) = await ARRIVALS.wait_for(f"pickup-{number}")
            waited.append(1000 * (began - sent))
    figures = {
        "pickup_p50_ms": sorted(waited)[len(waited) // 2],
        "pickup_p95_ms": sorted(waited)[len(waited) * 95 // 100],
        "jobs_per_s": (jobs - 1) / (times[-1] - times[0]),
        "cpu_us": 1e6 * cpu_s / jobs,
        "idle_commands_per_s": idle_commands / idle_s,
    }
    print(json.dumps(figures), flush=True)


async def _commands(url: str) -> int:
    """Return the number of commands that the server has carried out."""
    address = urlsplit(url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    writer.write(b"INFO stats\r\n")
    length = int((await reader.readline())[1:])
    info = (await reader.readexactly(length)).decode()
    writer.close()
    return int(info.partition("total_commands_processed:")[2].split()[0])
