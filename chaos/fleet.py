"""A fleet: several of each of the Procfile's processes on one Redis, to be killed and started again."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

import httpx

from nlp2filters.clock import now_ms
from tests.ports import free_port
from tests.service import ROOT, commands

READY_TIMEOUT_S = 240
STOP_TIMEOUT_S = 120  # what is promised, 25 s, is measured


class Fleet:
    """Processes named `web-0`, `llm-1` and so on. `killed` lists what was killed and when (ms since 1970)."""

    def __init__(
        self, logs: Path, redis_url: str, environment: Mapping[str, str], *, of_each: int = 2, root: Path = ROOT
    ) -> None:
        """Prepare the fleet. `root` is the checkout whose code runs until a process is replaced by this program's."""
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        self._environment = {**os.environ, "PATH": path, "REDIS_URL": redis_url, **environment}
        self._logs = logs
        self._ports = {f"web-{i}": free_port() for i in range(of_each)}
        self.names = [f"{name}-{i}" for name in commands() for i in range(of_each)]
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.killed: list[tuple[int, str]] = []
        self._newer: set[str] = set()
        self._roots = dict.fromkeys(self.names, root)

    @property
    def urls(self) -> list[str]:
        """The URLs of the web processes."""
        return [f"http://127.0.0.1:{port}" for port in self._ports.values()]

    def start(self, *names: str) -> None:
        """Start the named processes, or all."""
        for name in names or self.names:
            root = self._roots[name]
            environment = {**self._environment, "PORT": str(self._ports.get(name, 0)), "PYTHONPATH": str(root)}
            command = commands(root)[name.partition("-")[0]]
            if name in self._newer:
                command = f"{sys.executable} -m chaos.newer {command}"
            with (self._logs / f"{name}.log").open("ab") as log:
                self.processes[name] = subprocess.Popen(
                    ["sh", "-c", f"exec {command}"], cwd=root, env=environment, stdout=log, stderr=subprocess.STDOUT
                )

    def wait_until_ready(self, *, workers: bool = True) -> None:
        """Wait until every web process accepts jobs and, with `workers`, every queue has a worker."""
        deadline = time.monotonic() + READY_TIMEOUT_S
        with httpx.Client(trust_env=False) as client:  # a client for each request would take 20 ms of CPU time
            for url in self.urls:
                while not _is_ready(client, f"{url}/readyz?workers={str(workers).lower()}"):
                    if time.monotonic() > deadline:
                        raise TimeoutError(f"{url} is not ready; logs in {self._logs}")
                    time.sleep(0.05)

    def name_of(self, pid: int) -> str:
        """Return the name of a process."""
        return next(name for name, process in self.processes.items() if process.pid == pid)

    def kill(self, name: str) -> None:
        """Send SIGKILL, and start another process in its place."""
        process = self.processes[name]
        self.killed.append((now_ms(), name))
        process.kill()
        process.wait()
        self.start(name)

    def revive(self) -> int:
        """Restart the processes that have died by themselves. Returns their number."""
        dead = [name for name, process in self.processes.items() if process.poll() is not None]
        self.killed += [(now_ms(), name) for name in dead]
        for name in dead:
            self.start(name)
        return len(dead)

    def arm(self, faults: str) -> None:
        """Set the `FAULTS` of all processes that are started from now on."""
        self._environment["FAULTS"] = faults

    def inject(self, faults: str) -> None:
        """Kill all, and start them again with these `FAULTS`."""
        self.arm(faults)
        for name in self.names:
            self.kill(name)

    def deaths(self, point: str) -> int:
        """Count the processes that have died at the named point of the code."""
        return sum(log.read_text().count(f'"point":"{point}"') for log in self._logs.glob("*.log"))

    def restart(self, name: str, *, newer: bool = False) -> float:
        """Send SIGTERM, wait for the end, and start another process. Returns the seconds that stopping took.

        The new process runs the code of this checkout; with `newer`, it behaves as the next version would.
        """
        self._roots[name] = ROOT
        if newer:
            self._newer.add(name)
        process, began = self.processes[name], time.monotonic()
        process.terminate()
        process.wait(STOP_TIMEOUT_S)
        took = time.monotonic() - began
        self.start(name)
        return took

    def memory_kb(self, names: Iterable[str]) -> dict[str, int]:
        """Return the resident memory of the named processes."""
        statuses = {name: Path(f"/proc/{self.processes[name].pid}/status").read_text() for name in names}
        return {name: int(re.findall(r"VmRSS:\s+(\d+)", status)[0]) for name, status in statuses.items()}

    def connections(self, names: Iterable[str], port: int) -> int:
        """Count the connections of the named processes to a port of this machine."""
        lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        inodes = {f"socket:[{line[9]}]" for line in lines if line[3] == "01" and line[2].endswith(f":{port:04X}")}
        folders = [Path(f"/proc/{self.processes[name].pid}/fd") for name in names]
        return sum(
            str(link.readlink()) in inodes for folder in folders for link in folder.iterdir() if link.is_symlink()
        )

    def freeze(self, name: str) -> None:
        """Freeze a process with SIGSTOP."""
        self.processes[name].send_signal(signal.SIGSTOP)

    def thaw(self, name: str) -> None:
        """Resume a frozen process with SIGCONT."""
        self.processes[name].send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """Kill all processes."""
        for process in self.processes.values():
            process.kill()
            process.wait()


def _is_ready(client: httpx.Client, url: str) -> bool:
    try:
        return client.get(url).status_code == 200
    except httpx.TransportError:
        return False
