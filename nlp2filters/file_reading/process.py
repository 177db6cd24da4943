"""The caller's side of a child process that reads one uploaded file."""

import asyncio
import multiprocessing
import signal
import socket
from collections.abc import Callable
from multiprocessing.process import BaseProcess as Child
from typing import Any

from nlp2filters.core.problems import problem
from nlp2filters.errors import ParserFailed, UploadRefused
from nlp2filters.file_reading import child as child_side
from nlp2filters.file_reading.frames import LENGTH_BYTES, pack, unpack
from nlp2filters.file_reading.orders import Crash, Order, Refusal, Report

# These end a process whose code goes wrong, as that of libraries in C may with a damaged file. Trying again is no use.
_CRASHES = frozenset({signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGFPE, signal.SIGILL})


_SERVER = (f"{__package__}.server", f"{__package__}.child")
_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload([*_SERVER])


def preload(*modules: str) -> None:
    """Let the server that children are forked from load these modules too: call it before the first `run`.

    It starts with the first file. A child needs some milliseconds then, where loading DuckDB takes a second.
    """
    _processes.set_forkserver_preload([*_SERVER, *modules])


async def run(order: Order, on_report: Callable[[Report], None] = lambda _: None) -> Any:
    """Read a file in a child process. Returns what the order's function does.

    Raises:
        UploadRefused: it cannot be read as it has to be. Trying again does not help.
        ParserFailed: the child ended or failed for another reason.
    """
    connection, theirs = socket.socketpair()
    answers, orders = await asyncio.open_unix_connection(sock=connection)
    try:
        with theirs:
            child = await asyncio.to_thread(_start, theirs)
        try:
            orders.writelines(pack(order))
            return await _outcome(child, answers, order, on_report)
        finally:
            child.kill()
    finally:
        orders.close()


def _start(connection: socket.socket) -> Child:
    """Fork a child. The first time a server is started for it, and again when that has ended, as if out of memory."""
    for tries_left in (1, 0):
        child = _processes.Process(target=child_side.main, args=(connection,))
        try:
            child.start()
            break
        except (OSError, EOFError) as exc:  # The server has just ended.
            if not tries_left:
                raise ParserFailed(f"No process that reads a file can be started: {exc!r}.") from exc
    return child


async def _outcome(
    child: Child, answers: asyncio.StreamReader, order: Order, on_report: Callable[[Report], None]
) -> Any:
    while isinstance(answer := await _read(child, answers, order), Report):
        on_report(answer)
    if isinstance(answer, Refusal):
        raise UploadRefused(answer.problem)
    if isinstance(answer, Crash):
        raise ParserFailed(answer.traceback)
    return answer


async def _read(child: Child, answers: asyncio.StreamReader, order: Order) -> Any:
    try:
        length = await answers.readexactly(LENGTH_BYTES)
        return unpack(await answers.readexactly(int.from_bytes(length, "big")))
    except (asyncio.IncompleteReadError, ConnectionError) as exc:
        await asyncio.to_thread(child.join)
        status = child.exitcode or 0
        if status == -signal.SIGXCPU:
            detail = f"Reading this file takes more than {order.cpu_limit_s} s of CPU time."
            raise UploadRefused(problem(order.too_complex, detail)) from exc
        if -status in _CRASHES:
            raise UploadRefused(problem(order.too_complex, "Reading this file fails: it is damaged.")) from exc
        raise ParserFailed(f"A process that reads a file ended with the status {status}.") from exc
