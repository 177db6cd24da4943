"""CPU time and memory of a fleet, with the child processes of its processes, while something goes on."""

import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from chaos.fleet import Fleet

INTERVAL_S = 0.1
TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@dataclass
class Usage:
    """The CPU seconds of all processes together, and the most resident memory that one of them had."""

    cpu_s: float = 0.0
    peak_bytes: int = 0
    _before: dict[int, float] = field(default_factory=dict)
    _latest: dict[int, float] = field(default_factory=dict)

    def look(self, fleet: Fleet) -> None:
        """Take note of what the processes have used so far. Those that ended since the last look count up to then."""
        for pid in _family([process.pid for process in fleet.processes.values()]):
            try:
                self._latest[pid] = _cpu_s(pid)
                self.peak_bytes = max(self.peak_bytes, _peak_bytes(pid))
            except (FileNotFoundError, ProcessLookupError):
                continue
            self._before.setdefault(pid, self._latest[pid] if not self.cpu_s else 0.0)
        self.cpu_s = sum(self._latest.values()) - sum(self._before.values()) or 1e-9


@contextmanager
def usage(fleet: Fleet) -> Iterator[Usage]:
    """Watch the fleet while inside."""
    watched, ended = Usage(), threading.Event()
    watched.look(fleet)

    def watch() -> None:
        while not ended.wait(INTERVAL_S):
            watched.look(fleet)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield watched
    finally:
        ended.set()
        thread.join()


def _family(pids: list[int]) -> Iterator[int]:
    for pid in pids:
        yield pid
        try:
            children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        yield from _family([int(child) for child in children])


def _cpu_s(pid: int) -> float:
    """The CPU time of a process itself, without children that have ended."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S


def _peak_bytes(pid: int) -> int:
    peak = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    return 1024 * int(peak[1]) if peak else 0
