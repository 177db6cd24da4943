"""The worker's child processes, and the order in which texts get them.

A call that takes too long harms only its own job: its child is killed and replaced, while the others continue.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Any, Self

from nlp2filters.core.fairness import FairQueue
from nlp2filters.errors import ParserFailed
from nlp2filters.worker.parsing.operations import Call, Ref
from nlp2filters.worker.parsing.process import Process

WALL_LIMIT_S = 60.0
CPU_LIMIT_S = 20
RESTART_PAUSE_S = 1.0

Content = Callable[[], Awaitable[Any]]

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Waiting:
    """A call with the future for its answer. It should run in the process `prefers`, which has tagged its text."""

    call: Call
    contents: Mapping[Ref, Content]
    prefers: Process | None
    answer: asyncio.Future[tuple[Any, Process]] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )


class Pool:
    """A pool of at most `size` children, which are killed at the end: use `async with Pool(size)`.

    The first `warm` are there from the start, another when work waits and none is idle: so a worker is ready soon.
    """

    def __init__(
        self, size: int, *, warm: int = 1, wall_limit_s: float = WALL_LIMIT_S, cpu_limit_s: int = CPU_LIMIT_S
    ) -> None:
        self._size, self._warm = size, warm
        self._limits: dict[str, Any] = {"wall_limit_s": wall_limit_s, "cpu_limit_s": cpu_limit_s}
        self._queue: FairQueue[_Waiting] = FairQueue(max(1, size - 1))
        self._idle: list[Process] = []
        self._processes: set[Process] = set()
        self._starting = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._answers: set[asyncio.Future[tuple[Any, Process]]] = set()

    async def __aenter__(self) -> Self:
        try:
            for _ in range(self._warm):
                self._idle.append(await self._start())
        except BaseException:
            await self._close()
            raise
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._close()

    @property
    def pids(self) -> set[int]:
        """The process ids of the children."""
        return {process.pid for process in self._processes}

    async def run(
        self, owner: str, call: Call, contents: Mapping[Ref, Content], prefers: Process | None = None
    ) -> tuple[Any, Process]:
        """Run a call for an owner. Returns its answer, and the process that gave it. Missing `contents` are sent to it.

        A caller that is cancelled leaves the queue; if its call is already running, it continues to its end or limit.

        Raises:
            TextTooComplex: it takes more work than allowed. Trying again does not help.
            ParserFailed: the child ended or failed for another reason.
        """
        waiting = _Waiting(call, contents, prefers)
        self._answers.add(waiting.answer)
        waiting.answer.add_done_callback(self._answers.discard)
        self._queue.put(owner, waiting)
        self._dispatch()
        return await waiting.answer

    def _dispatch(self) -> None:
        while self._idle and (turn := self._queue.take()):
            owner, waiting = turn
            if waiting.answer.done():  # The caller was cancelled in the meantime.
                self._queue.done(owner)
                continue
            process = waiting.prefers if waiting.prefers in self._idle else self._idle[-1]
            assert process
            self._idle.remove(process)
            self._spawn(self._serve(process, owner, waiting))
        if self._queue.waits and not self._idle and len(self._processes) + self._starting < self._size:
            self._starting += 1
            self._spawn(self._grow())

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work, name="parse")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _grow(self) -> None:
        try:
            process = await self._started()
        finally:
            self._starting -= 1
        self._idle.append(process)
        self._dispatch()

    async def _serve(self, process: Process, owner: str, waiting: _Waiting) -> None:
        if process.dead:  # It has ended by itself between two calls.
            process = await self._replacement(process)
        try:
            answer = await self._call(process, waiting)
            if not waiting.answer.done():
                waiting.answer.set_result((answer, process))
        except Exception as exc:
            if not waiting.answer.done():
                waiting.answer.set_exception(exc)
        self._queue.done(owner)
        self._dispatch()
        if process.dead:
            process = await self._replacement(process)
        self._idle.append(process)
        self._dispatch()

    async def _call(self, process: Process, waiting: _Waiting) -> Any:
        answer = await process.call(waiting.call)
        contents: dict[Ref, Any] = {}
        while isinstance(answer, Ref):
            if answer in contents:
                raise ParserFailed(f"A parser process does not keep {answer}.")
            contents[answer] = await waiting.contents[answer]()
            answer = await process.call(replace(waiting.call, contents=contents))
        return answer

    async def _start(self) -> Process:
        process = await Process.start(**self._limits)
        self._processes.add(process)
        return process

    async def _replacement(self, process: Process) -> Process:
        _log.warning("replacing a parser process that has ended", extra={"pid": process.pid})
        self._processes.discard(process)
        return await self._started()

    async def _started(self) -> Process:
        """Start a child, with as many tries as it takes."""
        while True:
            try:
                return await self._start()
            except (ParserFailed, OSError) as exc:
                _log.error("cannot start a parser process, trying again: %r", exc)
                await asyncio.sleep(RESTART_PAUSE_S)

    async def _close(self) -> None:
        for answer in list(self._answers):
            answer.cancel()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(process.kill() for process in self._processes))
        self._processes.clear()
        self._idle.clear()
