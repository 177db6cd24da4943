"""Publish the progress of a running attempt, and the LLM's text as it comes, to the job's followers.

This is best effort: only the end of an attempt waits for it, and briefly; events that Redis does not accept at once are
dropped; and steps of less than half a second publish no progress, so that quick jobs cost nothing more.
"""

import asyncio
import logging
import math
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Literal, Self

from nlp2filters.clock import now_ms
from nlp2filters.core.jobs import Job
from nlp2filters.storage.commits import EventDraft
from nlp2filters.storage.errors import StorageError
from nlp2filters.storage.store import Store

EVERY_S = 0.25
# A job's progress events are at least this far apart.
PROGRESS_MS = 500
# Redis may take this long to accept events.
PATIENCE_S = 0.5
# Nothing is published for this long after Redis did not accept an event.
SILENCE_S = 5.0
# An attempt publishes at most this many characters, since they take memory for as long as the job is kept.
MOST_TOLD = 100_000

Step = Literal["indexing", "embedding", "asking", "answering", "retrying", "repairing"]

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Piece:
    """Unpublished text: the number of the LLM's answer in this attempt, and the piece's offset in it in code points."""

    number: int
    offset: int
    text: str


class Teller:
    """A publisher of events of the attempt that `job` has begun, inside `async with`; a `Listener` of LLM calls."""

    def __init__(self, store: Store, job: Job) -> None:
        self._store = store
        self._job = job
        self._model = ""
        self._repairs = False
        # The number and the length of the current text, and the published characters of all texts.
        self._number = 0
        self._length = 0
        self._told = 0
        self._pieces: list[_Piece] = []
        self._progress: dict[str, Any] | None = None
        self._progress_at = now_ms()  # The interval counts from the start, so that a quick attempt has no progress.
        self._silent_until = 0.0
        self._ending = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._tell_on(), name="telling")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._task
        self._ending.set()
        if isinstance(exc, asyncio.CancelledError):
            self._task.cancel()
        (failure,) = await asyncio.gather(self._task, return_exceptions=True)
        if isinstance(failure, Exception):
            _log.error("the job's followers were not told: %r", failure)

    def say(self, step: Step, detail: str, characters: int | None = None) -> None:
        """Set the current step: its name for programs, and a description for people."""
        self._progress = {"step": step, "detail": detail, "characters": characters}

    async def say_last(self, step: Step, detail: str) -> None:
        """Publish the step that follows the attempt, which is over."""
        self.say(step, detail)
        await self._tell()

    def asks(self, model: str, *, repairs: bool) -> None:
        """Announce a call of the LLM, which may ask it to repair an answer (`repairs`)."""
        self._model, self._repairs = model, repairs

    def on_start(self) -> None:
        """See `Listener`."""
        self._number, self._length = self._number + 1, 0
        if self._repairs:
            self.say("repairing", f"The answer has a fault: asking {self._model} to mend it")
        else:
            self.say("asking", f"Asking {self._model}")

    def on_delta(self, text: str) -> None:
        """See `Listener`."""
        if text := text[: MOST_TOLD - self._told]:
            if not self._pieces or self._pieces[-1].number != self._number:
                self._pieces.append(_Piece(self._number, self._length, ""))
            self._pieces[-1].text += text
        self._told += len(text)
        self._length += len(text)
        self.say("answering", f"{self._model} answers: {self._length} characters", self._length)

    def on_retry(self, wait_s: float, number: int, max_tries: int) -> None:
        """See `Listener`."""
        again = f"asking again in {math.ceil(wait_s)} s (try {number} of {max_tries})"
        self.say("retrying", f"{self._model} is busy or out of reach: {again}")

    async def _tell_on(self) -> None:
        ended = False
        while not ended:
            try:
                async with asyncio.timeout(EVERY_S):
                    ended = await self._ending.wait()
            except TimeoutError:
                pass
            await self._tell()

    async def _tell(self) -> None:
        loop = asyncio.get_running_loop()
        at = now_ms()
        if loop.time() < self._silent_until or not (events := self._news(at)):
            return
        try:
            async with asyncio.timeout(PATIENCE_S):
                await self._store.jobs.publish(self._job, events, at)
        except (StorageError, OSError, TimeoutError) as exc:
            _log.info("Redis does not take what goes on, it is left out: %r", exc)
            self._silent_until = loop.time() + SILENCE_S

    def _news(self, at: int) -> list[EventDraft]:
        events = [
            EventDraft("delta", {"try": piece.number, "offset": piece.offset, "text": piece.text})
            for piece in self._pieces
        ]
        self._pieces = []
        # The difference is negative if the clock was set back.
        if self._progress and not 0 <= at - self._progress_at < PROGRESS_MS:
            events.append(EventDraft("progress", self._progress))
            self._progress, self._progress_at = None, at
        return events
