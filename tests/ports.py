"""Ports for what tests start."""

import os
import random
import socket

# pytest-xdist tells each of its processes which of how many it is: each has ports of its own, all of them outside the
# range from which systems deal out ports by themselves, also to whoever connects. No port is given twice.
_WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_WORKERS = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
_left = list(range(10_000 + _WORKER, 32_000, _WORKERS))
random.SystemRandom().shuffle(_left)  # not those of another run of the tests, most likely


def free_port() -> int:
    """A port on loopback that nobody listens on just now."""
    while True:
        port = _left.pop()
        with socket.socket() as sock:
            try:
                sock.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
