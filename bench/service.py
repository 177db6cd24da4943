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
from typing import Any

from redis.asyncio import Redis

from bench import machine
from bench.http import HTTP
from bench.peers.environments import ROOT, python_of

READY_S = 120
# Stands for the URL in a command.
REDIS_URL = "{redis}"
# Benchmarks are about speed, so nothing is refused.
NO_LIMITS = {
    **{"MAX_BACKLOG": "0", "MAX_PENDING": "0", "MAX_RATE": "0", "MAX_OWNER_BYTES": "0", "MAX_STREAMS": "100000"},
    **{"MAX_MEMORY_SHARE": "1", "LOG_LEVEL": "WARNING"},
}


@dataclass
class System:
    """A running system: its Redis, the port of its web process, and all processes by name."""

    redis: Redis
    redis_url: str
    port: int
    processes: Mapping[str, int]

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
    *, workers: Sequence[str] = ("embedding", "llm"), webs: int = 1, **environment: str
) -> AsyncIterator[System]:
    """Our service, ready, while inside: web processes, and a worker of each named queue, which may repeat."""
    ports = [free_port() for _ in range(webs)]
    nlp2filters = [sys.executable, "-m", "nlp2filters"]
    commands = {f"web {at}" if at else "web": [*nlp2filters, "web", "--port", str(port)] for at, port in enumerate(ports)}
    for queue in workers:
        same = sum(name.partition(" ")[0] == queue for name in commands)
        commands[f"{queue} {same}" if same else queue] = [*nlp2filters, "worker", queue]
    settings = {**NO_LIMITS, "EXTRA_KINDS": "bench.kinds.noop", **environment}
    async with _running(commands, ports[0], settings) as service:
        async with HTTP(ports[0]) as http:
            await _until_ready(http, "/readyz")
        await _until_counted(service.redis, workers)
        yield service


@asynccontextmanager
async def system(commands: Callable[[int], Mapping[str, Sequence[str]]], ready: str) -> AsyncIterator[System]:
    """Another system, ready, while inside: `commands` of its processes by name, given the port of the web process."""
    port = free_port()
    async with _running(commands(port), port, {}) as running:
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
        while await older.redis.scard("rq:workers") < 2:  # type: ignore[misc]  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        yield older


@asynccontextmanager
async def _running(
    commands: Mapping[str, Sequence[str]], port: int, environment: Mapping[str, str]
) -> AsyncIterator[System]:
    with machine.redis_server() as url, tempfile.TemporaryDirectory() as folder:
        settings = {**os.environ, "PYTHONPATH": str(ROOT), "REDIS_URL": url, **environment}
        processes = {}
        try:
            for name, command in commands.items():
                words = [word.replace(REDIS_URL, url) for word in command]
                with (Path(folder) / f"{name}.log").open("wb") as log:
                    processes[name] = subprocess.Popen(words, env=settings, cwd=ROOT, stdout=log, stderr=log)
            async with Redis.from_url(url) as redis:
                pids = {name: process.pid for name, process in processes.items()}
                server = (await redis.info("server"))["process_id"]
                yield System(redis, url, port, {**pids, "redis": server})
        except BaseException:
            for log_file in Path(folder).glob("*.log"):
                print(log_file.name, log_file.read_text()[-2000:], file=sys.stderr)
            raise
        finally:
            for process in processes.values():
                process.terminate()
            for process in processes.values():
                try:
                    await asyncio.to_thread(process.wait, 25)
                except subprocess.TimeoutExpired:
                    process.kill()


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
