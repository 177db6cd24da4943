"""The caller's side of a child process that reads one uploaded file."""

import asyncio
import os
import resource
import signal
import sys
from asyncio.subprocess import PIPE
from asyncio.subprocess import Process as Child
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nlp2filters.core.problems import problem
from nlp2filters.errors import ParserFailed, UploadRefused
from nlp2filters.file_reading.frames import LENGTH_BYTES, pack, unpack

# Libraries for numbers start a thread a core otherwise, and these count toward the limits.
ONE_THREAD = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
# 32 MiB of CSV take about 15 s.
CPU_LIMIT_S = 80
# A limit of the address space, of which the libraries alone take some hundred megabytes.
MEMORY_LIMIT = 3 * 2**30
# These end a process whose code goes wrong, as that of libraries in C may with a damaged file. Trying again is no use.
_CRASHES = frozenset({signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGFPE, signal.SIGILL})


@dataclass(frozen=True, slots=True)
class Order:
    """The file to read, alone in its folder, the function that reads it, and the limits of its process.

    `read` is called with the path and `report`, a function for reports. It is of a module, as it goes through a pipe.
    `too_complex` is the problem if it exceeds the limits.
    """

    path: Path
    read: Callable[..., Any]
    too_complex: str = "table-too-complex"
    cpu_limit_s: int = CPU_LIMIT_S
    memory_limit: int = MEMORY_LIMIT


@dataclass(frozen=True, slots=True)
class Report:
    """The number of rows read so far, and the share of the table that they are."""

    rows: int
    share: float


@dataclass(frozen=True, slots=True)
class Refusal:
    """The outcome of a file that cannot be read as it has to be: a problem object."""

    problem: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Crash:
    """The outcome of a process that failed for another reason: the traceback."""

    traceback: str


@contextmanager
def sealed() -> Iterator[None]:
    """Let this process open nothing more while inside: no file and no connection, whatever the file asks for."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def run(order: Order, on_report: Callable[[Report], None] = lambda _: None) -> Any:
    """Read a file in a child process. Returns what the order's function does.

    Raises:
        UploadRefused: it cannot be read as it has to be. Trying again does not help.
        ParserFailed: the child ended or failed for another reason.
    """
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", __package__,
        stdin=PIPE, stdout=PIPE, env={**os.environ, **ONE_THREAD},
        start_new_session=True,  # Ctrl-C must reach only the parent, which lets its work end first.
    )  # fmt: skip
    try:
        return await _outcome(child, order, on_report)
    finally:
        if child.returncode is None:
            with suppress(ProcessLookupError):
                child.kill()
        assert child.stdin
        child.stdin.close()
        await child.wait()


async def _outcome(child: Child, order: Order, on_report: Callable[[Report], None]) -> Any:
    assert child.stdin
    child.stdin.writelines(pack(order))
    while isinstance(answer := await _read(child, order), Report):
        on_report(answer)
    if isinstance(answer, Refusal):
        raise UploadRefused(answer.problem)
    if isinstance(answer, Crash):
        raise ParserFailed(answer.traceback)
    return answer


async def _read(child: Child, order: Order) -> Any:
    assert child.stdout
    try:
        length = await child.stdout.readexactly(LENGTH_BYTES)
        return unpack(await child.stdout.readexactly(int.from_bytes(length, "big")))
    except (asyncio.IncompleteReadError, ConnectionError) as exc:
        status = await child.wait()
        if status == -signal.SIGXCPU:
            detail = f"Reading this file takes more than {order.cpu_limit_s} s of CPU time."
            raise UploadRefused(problem(order.too_complex, detail)) from exc
        if -status in _CRASHES:
            raise UploadRefused(problem(order.too_complex, "Reading this file fails: it is damaged.")) from exc
        raise ParserFailed(f"A process that reads a file ended with the status {status}.") from exc
