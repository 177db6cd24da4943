"""The processes that read uploaded files, and the servers that they are forked from, as the kernel lists them."""

from collections.abc import Iterable
from pathlib import Path


def servers_of(pid: int) -> list[int]:
    """The servers of a process."""
    return [child for child in _children(pid) if b"forkserver" in _command(child)]


def forks_of(servers: Iterable[int]) -> list[int]:
    """The processes that read a file at present."""
    return [child for server in servers for child in _children(server)]


def is_alive(pid: int) -> bool:
    """Whether the process has not ended."""
    return bool(_command(pid))


def _children(pid: int) -> list[int]:
    threads = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for thread in threads for child in thread.read_text().split()]


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""
