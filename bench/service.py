"""The services under test: ours as the Procfile starts it, and the older system's stand-in, each with a Redis."""

import asyncio
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from redis.asyncio import Redis

from bench import machine
from bench.http import HTTP
from bench.peers.environments import ROOT, python_of

READY_S = 120
# Stands for the URL in a command.
REDIS_URL = "{redis}"
NOOP_KIND = "bench.kinds.noop"
# Benchmarks are about speed, so nothing is refused.
NO_LIMITS = {
    **{"MAX_BACKLOG": "0", "MAX_PENDING": "0", "MAX_RATE": "0", "MAX_OWNER_BYTES": "0", "MAX_STREAMS": "100000"},
    **{"MAX_MEMORY_SHARE": "1", "LOG_LEVEL": "WARNING"},
}


@dataclass
class System:
    """A running system: its Redis, the ports of its web processes, and all processes by name."""

    redis: Redis
    redis_url: str
    ports: Sequence[int]
    processes: Mapping[str, int]

    @property
    def port(self) -> int:
        """The port of the first web process."""
        return self.ports[0]

    def cpu_s(self) -> dict[str, float]:
        """Return the CPU seconds of each process so far, with its children."""
        return {name: machine.cpu_s(pid) for name, pid in self.processes.items()}

    async def commands(self) -> dict[str, tuple[int, int]]:
        """Return how often the server has carried out each command, and for how many µs in all."""
        stats: Mapping[str, Mapping[str, Any]] = await self.redis.info("commandstats")
        return {name.removeprefix("cmdstat_"): (one["calls"], one["usec"]) for name, one in stats.items()}


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


@asynccontextmanager
async def ours(
    settings: Mapping[str, str] = MappingProxyType({}), *, workers: Sequence[str] = ("embedding", "llm"), webs: int = 1
) -> AsyncIterator[System]:
    """Our service, ready, while inside: web processes, and a worker of each named queue, which may repeat."""
    ports = [free_port() for _ in range(webs)]
    nlp2filters = [sys.executable, "-m", "nlp2filters"]
    commands = {
        f"web {at}" if at else "web": [*nlp2filters, "web", "--port", str(port)] for at, port in enumerate(ports)
    }
    for queue in workers:
        same = sum(name.partition(" ")[0] == queue for name in commands)
        commands[f"{queue} {same}" if same else queue] = [*nlp2filters, "worker", queue]
    async with _running(commands, ports, {**NO_LIMITS, "EXTRA_KINDS": NOOP_KIND, **settings}) as service:
        async with HTTP(ports[0]) as http:
            await _until_ready(http, "/readyz")
        await _until_counted(service.redis, workers)
        yield service


@asynccontextmanager
async def system(commands: Callable[[int], Mapping[str, Sequence[str]]], ready: str) -> AsyncIterator[System]:
    """Another system, ready, while inside: `commands` of its processes by name, given the port of the web process."""
    port = free_port()
    async with _running(commands(port), [port], {}) as running:
        async with HTTP(port) as http:
            await _until_ready(http, ready)
        yield running


@asynccontextmanager
async def flask_rq() -> AsyncIterator[System]:
    """The older system's stand-in, ready, while inside: Flask under gunicorn, and an RQ worker of each queue."""
    python = str(python_of("rq"))

    def commands(port: int) -> Mapping[str, Sequence[str]]:
        gunicorn = ["-m", "gunicorn", "--bind", f"127.0.0.1:{port}", "--threads", "4", "--keep-alive", "60"]
        worker = [python, "-m", "rq.cli", "worker", "--quiet", "--url", REDIS_URL]
        return {
            "web": [python, *gunicorn, "--log-level", "error", "bench.peers.flask_web:app"],
            **{queue: [*worker, queue] for queue in ("embedding", "llm")},
        }

    async with system(commands, "/health") as older:
        while await older.redis.scard("rq:workers") < 2:  # type: ignore[misc]
            await asyncio.sleep(0.05)
        yield older


@asynccontextmanager
async def _running(
    commands: Mapping[str, Sequence[str]], ports: Sequence[int], environment: Mapping[str, str]
) -> AsyncIterator[System]:
    with machine.redis_server() as url, tempfile.TemporaryDirectory() as folder:
        settings = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore", "REDIS_URL": url, **environment}
        processes: dict[str, subprocess.Popen[bytes]] = {}
        try:
            for name, command in commands.items():
                words = [word.replace(REDIS_URL, url) for word in command]
                processes[name] = _start(words, settings, Path(folder) / f"{name}.log")
            async with Redis.from_url(url) as redis:
                pids = {name: process.pid for name, process in processes.items()}
                server = (await redis.info("server"))["process_id"]
                yield System(redis, url, ports, {**pids, "redis": server})
        except BaseException:
            _print_logs(Path(folder))
            raise
        finally:
            for process in processes.values():
                process.terminate()
            for process in processes.values():
                try:
                    await asyncio.to_thread(process.wait, 25)
                except subprocess.TimeoutExpired:
                    process.kill()


def _start(command: Sequence[str], environment: Mapping[str, str], log: Path) -> subprocess.Popen[bytes]:
    with log.open("wb") as file:
        return subprocess.Popen(command, env=environment, cwd=ROOT, stdout=file, stderr=file)


def _print_logs(folder: Path) -> None:
    for log in folder.glob("*.log"):
        print(log.name, log.read_text()[-2000:], file=sys.stderr)


async def _until_ready(http: HTTP, path: str) -> None:
    async with asyncio.timeout(READY_S):
        while True:
            try:
                if (await http.request("GET", path))[0] == 200:
                    return
            except OSError:
                pass
            await asyncio.sleep(0.05)


async def _until_counted(redis: Redis, workers: Sequence[str]) -> None:
    async with asyncio.timeout(READY_S):
        for queue in set(workers):
            while await redis.zcard(f"n2f:workers:{queue}") < workers.count(queue):
                await asyncio.sleep(0.05)


@asynccontextmanager
async def worker(running: System, queue: str) -> AsyncIterator[int]:
    """One more worker of a running service; gives its process id. It need not be ready yet."""
    settings = {**os.environ, **NO_LIMITS, "EXTRA_KINDS": NOOP_KIND, "REDIS_URL": running.redis_url}
    command = [sys.executable, "-m", "nlp2filters", "worker", queue]
    process = await asyncio.create_subprocess_exec(*command, env=settings, cwd=ROOT, stdout=subprocess.DEVNULL)
    try:
        yield process.pid
    finally:
        process.terminate()
        await process.wait()
