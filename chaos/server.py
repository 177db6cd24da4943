"""A Redis server that can be killed, emptied and started again."""

import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError

from nlp2filters.storage.embedded_server import find_server
from tests.ports import free_port


class RedisProcess:
    """A server on a free port, with an append-only file that is synchronised as `appendfsync` says."""

    def __init__(self, appendfsync: str) -> None:
        self.appendfsync = appendfsync
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._folder = Path(tempfile.mkdtemp(prefix="chaos-redis-"))
        settings = {
            "port": str(self.port),
            "bind": "127.0.0.1",
            "dir": str(self._folder),
            "appendonly": "yes",
            "appendfsync": appendfsync,
            "save": "",
            "maxmemory-policy": "noeviction",
        }
        options = [word for name, value in settings.items() for word in (f"--{name}", value)]
        self._command = [str(find_server()), *options]
        self.start()

    def start(self) -> None:
        """Start it and wait until it answers."""
        with (self._folder / "redis.log").open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=subprocess.STDOUT)
        with Redis(port=self.port) as client:
            while True:
                try:
                    client.ping()
                    return
                except RedisError:
                    if self._process.poll() is not None:
                        raise

    def kill(self) -> None:
        """SIGKILL."""
        self._process.kill()
        self._process.wait()

    def freeze(self) -> None:
        """SIGSTOP."""
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT."""
        self._process.send_signal(signal.SIGCONT)

    def empty(self) -> None:
        """Forget everything; it must not run."""
        for path in self._folder.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()

    def close(self) -> None:
        """Kill it and leave nothing."""
        self.kill()
        shutil.rmtree(self._folder)
