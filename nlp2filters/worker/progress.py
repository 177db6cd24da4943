"""Publish the progress of a running attempt, and the LLM's text as it comes, to the job's followers.

This is best effort: only the end of an attempt waits for it, and briefly; events that Redis does not accept at once are
dropped; and steps of less than half a second publish no progress. A checkpoint takes along what there is, so that quick
jobs cost nothing more.
"""

import asyncio
import logging
import math
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from nlp2filters.clock import now_ms
from nlp2filters.core.jobs import Job
from nlp2filters.storage.commits import EventDraft
from nlp2filters.storage.errors import StorageError
from nlp2filters.storage.store import Store

INTERVAL_S = 0.25
# A job's progress events are at least this far apart.
PROGRESS_MS = 500
# Redis may take this long to accept events.
PUBLISH_TIMEOUT_S = 0.5
# Nothing is published for this long after Redis did not accept an event.
PAUSE_S = 5.0
# An attempt publishes at most this many characters, since they take memory for as long as the job is kept.
MAX_CHARACTERS = 100_000

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Delta:
    """Unpublished text: the number of the LLM's answer in this attempt, and the text's offset in it in code points."""

    number: int
    offset: int
    text: str


class ProgressReporter:
    """A publisher of events of the attempt that `job` has begun, inside `async with`; a `Listener` of LLM calls."""

    def __init__(self, store: Store, job: Job) -> None:
        self._store = store
        self._job = job
        self._model = ""
        self._repairs = False
        # The number and the length of the current text, and the published characters of all texts.
        self._number = 0
        self._length = 0
        self._published = 0
        self._deltas: list[_Delta] = []
        self._progress: dict[str, Any] | None = None
        self._progress_at = now_ms()  # The interval counts from the start, so that a quick attempt has no progress.
        self._paused_until = 0.0
        # While there is something to publish, a timer runs, or the task that it has started.
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._timer:
            self._timer.cancel()
        canceled = isinstance(exc, asyncio.CancelledError)
        if self._task:
            if canceled:
                self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if not canceled:
            await self._publish()

    def report(self, step: str, detail: str, characters: int | None = None, **counts: float) -> None:
        """Set the current step: its name for programs, a description for people, and further `schemas.Progress`."""
        self._progress = {"step": step, "detail": detail, "characters": characters, **counts}
        self._publish_later()

    async def report_last(self, step: str, detail: str) -> None:
        """Publish the step that follows the attempt, which is over, however quick it was."""
        self.report(step, detail)
        self._progress_at = 0
        await self._publish()

    def announce_call(self, model: str, *, repairs: bool) -> None:
        """Announce a call of the LLM, which may ask it to repair an answer (`repairs`)."""
        self._model, self._repairs = model, repairs

    def on_start(self) -> None:
        """See `Listener`."""
        self._number, self._length = self._number + 1, 0
        if self._repairs:
            self.report("repairing", f"The answer has a fault: asking {self._model} to mend it")
        else:
            self.report("asking", f"Asking {self._model}")

    def on_delta(self, text: str) -> None:
        """See `Listener`."""
        if text := text[: MAX_CHARACTERS - self._published]:
            if not self._deltas or self._deltas[-1].number != self._number:
                self._deltas.append(_Delta(self._number, self._length, ""))
            self._deltas[-1].text += text
        self._published += len(text)
        self._length += len(text)
        self.report("answering", f"{self._model} answers: {self._length} characters", self._length)

    def on_retry(self, wait_s: float, number: int, max_tries: int) -> None:
        """See `Listener`."""
        again = f"asking again in {math.ceil(wait_s)} s (try {number} of {max_tries})"
        self.report("retrying", f"{self._model} is busy or out of reach: {again}")

    def take(self) -> list[EventDraft]:
        """Hand over the events that are due, to be published with a commit."""
        return self._due_events(now_ms())

    def _publish_later(self) -> None:
        if not (self._timer or self._task):
            self._timer = asyncio.get_running_loop().call_later(INTERVAL_S, self._publish_now)

    def _publish_now(self) -> None:
        self._timer = None
        self._task = asyncio.create_task(self._publish(), name="progress")
        self._task.add_done_callback(self._after_publishing)

    def _after_publishing(self, task: asyncio.Task[None]) -> None:
        self._task = None
        if task.cancelled():
            return
        if failure := task.exception():
            _log.error("could not publish the progress of the attempt: %r", failure)
        if self._progress or self._deltas:
            self._publish_later()

    async def _publish(self) -> None:
        loop = asyncio.get_running_loop()
        at = now_ms()
        if loop.time() < self._paused_until or not (events := self._due_events(at)):
            return
        try:
            async with asyncio.timeout(PUBLISH_TIMEOUT_S):
                await self._store.jobs.publish(self._job, events, at)
        except (StorageError, OSError, TimeoutError) as exc:
            _log.info("Redis did not accept progress events, so they are dropped: %r", exc)
            self._paused_until = loop.time() + PAUSE_S

    def _due_events(self, at: int) -> list[EventDraft]:
        events = [
            EventDraft("delta", {"try": delta.number, "offset": delta.offset, "text": delta.text}, brief=True)
            for delta in self._deltas
        ]
        self._deltas = []
        # The difference is negative if the clock was set back.
        if self._progress and not 0 <= at - self._progress_at < PROGRESS_MS:
            events.append(EventDraft("progress", self._progress, brief=True))
            self._progress, self._progress_at = None, at
        return events
