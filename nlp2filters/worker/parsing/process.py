"""The worker's side of one child process."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE
from asyncio.subprocess import Process as Child
from contextlib import suppress
from typing import Any, Self

from nlp2filters.errors import ParserFailed, TextTooComplex
from nlp2filters.file_reading.frames import LENGTH_BYTES, pack, unpack
from nlp2filters.file_reading.orders import ONE_THREAD
from nlp2filters.worker.parsing.operations import Call, Failure, TooComplex

START_TIMEOUT_S = 120.0


class Process:
    """A child that answers one call at a time. Use `await Process.start(…)`. An error may leave it `dead`."""

    def __init__(self, child: Child, *, wall_limit_s: float, cpu_limit_s: int) -> None:
        assert child.stdin and child.stdout
        self._child, self._calls, self._answers = child, child.stdin, child.stdout
        self._wall_limit_s, self._cpu_limit_s = wall_limit_s, cpu_limit_s

    @classmethod
    async def start(cls, *, wall_limit_s: float, cpu_limit_s: int) -> Self:
        """Start a child and wait until it is warm.

        Raises:
            ParserFailed: the child has ended, or is not warm after `START_TIMEOUT_S`.
        """
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", __package__, str(cpu_limit_s),
            stdin=PIPE, stdout=PIPE, env={**os.environ, **ONE_THREAD},
            start_new_session=True,  # Ctrl-C must reach only the worker, which lets its jobs end first.
        )  # fmt: skip
        process = cls(child, wall_limit_s=wall_limit_s, cpu_limit_s=cpu_limit_s)
        try:
            async with asyncio.timeout(START_TIMEOUT_S):
                await process._read()
        except BaseException as exc:
            await process.kill()
            if isinstance(exc, TimeoutError):
                raise ParserFailed(f"A parser process was not ready after {START_TIMEOUT_S:g} s.") from exc
            raise
        return process

    @property
    def pid(self) -> int:
        """The child's process id."""
        return self._child.pid

    @property
    def dead(self) -> bool:
        """True if the child has ended, or must not be called any more."""
        return self._child.returncode is not None or self._calls.is_closing()

    async def call(self, call: Call) -> Any:
        """Send a call. Returns its value, or a reference to missing content.

        Raises:
            TextTooComplex: the call took more work than allowed. The child may have been killed for it.
            ParserFailed: the child ended or failed for another reason.
        """
        try:
            async with asyncio.timeout(self._wall_limit_s):
                answer = await self._exchange(call)
        except TimeoutError as exc:
            await self.kill()
            raise TextTooComplex(f"more than {self._wall_limit_s:g} s") from exc
        except BaseException:
            await self.kill()
            raise
        if isinstance(answer, TooComplex):
            raise TextTooComplex(answer.detail)
        if isinstance(answer, Failure):
            raise ParserFailed(answer.traceback)
        return answer

    async def kill(self) -> None:
        """Kill the child at once."""
        if self._child.returncode is None:
            self._child.kill()
        self._calls.close()
        await self._child.wait()

    async def _exchange(self, call: Call) -> Any:
        self._calls.writelines(pack(call))
        with suppress(ConnectionError):  # Reading the answer raises the reason.
            await self._calls.drain()
        return await self._read()

    async def _read(self) -> Any:
        try:
            length = await self._answers.readexactly(LENGTH_BYTES)
            return unpack(await self._answers.readexactly(int.from_bytes(length, "big")))
        except (asyncio.IncompleteReadError, ConnectionError) as exc:
            status = await self._child.wait()
            if status == -signal.SIGXCPU:
                raise TextTooComplex(f"more than {self._cpu_limit_s} s of CPU") from exc
            raise ParserFailed(f"A parser process ended with the status {status}.") from exc
