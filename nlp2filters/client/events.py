"""Events of a running job or batch."""

from dataclasses import dataclass
from typing import Any, Literal

from httpx_sse import ServerSentEvent
from pydantic import BaseModel

from nlp2filters.client import responses
from nlp2filters.core.schemas import Batch, CodeFinding, Delta, FindingNews, Job, Progress, Reading, TranscriptPart


@dataclass(frozen=True, slots=True)
class JobEvent:
    """An event of a job, with the latest known state of the job.

    `id` is the cursor to continue from, or None if the event came by polling. `draft` is the built-in parser's reading,
    if it is new; `progress` is the current step; `delta` is more of the LLM's text; `transcript` is the text of a part
    of a recording; `finding` is one of an analysis. `result` comes with `done`, the last event, if the job succeeded: a
    `Result` if its kind is `filters`, otherwise the model of its kind.
    """

    id: str | None
    name: Literal["snapshot", "status", "draft", "progress", "delta", "transcript", "finding", "done"]
    job: Job
    draft: Reading | None = None
    progress: Progress | None = None
    delta: Delta | None = None
    transcript: TranscriptPart | None = None
    finding: CodeFinding | None = None
    result: Any = None

    @property
    def last(self) -> bool:
        """True if the job has ended."""
        return self.name == "done"


@dataclass(frozen=True, slots=True)
class BatchEvent:
    """An event of a batch: a `snapshot`, a `job` that has ended, or `done`."""

    id: str | None
    name: Literal["snapshot", "job", "done"]
    batch: Batch | None = None
    job: Job | None = None

    @property
    def last(self) -> bool:
        """True if all jobs have ended."""
        return self.name == "done"


class _JobEventData(BaseModel):
    job: Job
    draft: Reading | None = None
    result: Any = None


class _BatchEventData(BaseModel):
    batch: Batch | None = None
    job: Job | None = None


class JobEventReader:
    """A reader of a job's event stream. `job` is its last known state, or None if the stream begins with it."""

    def __init__(self, job: Job | None) -> None:
        self._job = job

    def read(self, event: ServerSentEvent) -> JobEvent | None:
        """Read an event; None for a kind that this version does not know."""
        match event.event:
            case "snapshot" | "status" | "draft" | "done" as name:
                data = responses.read(_JobEventData, event.data)
                self._job = data.job
                result = data.result and responses.read_result(data.job.kind, data.result)
                return JobEvent(event.id, name, data.job, data.draft, result=result)
            case "progress" if self._job:
                return JobEvent(event.id, "progress", self._job, progress=responses.read(Progress, event.data))
            case "delta" if self._job:
                return JobEvent(event.id, "delta", self._job, delta=responses.read(Delta, event.data))
            case "transcript" if self._job:
                part = responses.read(TranscriptPart, event.data)
                return JobEvent(event.id, "transcript", self._job, transcript=part)
            case "finding" if self._job:
                news = responses.read(FindingNews, event.data)
                return JobEvent(event.id, "finding", self._job, finding=news.finding)
        return None


def read_batch_event(event: ServerSentEvent) -> BatchEvent | None:
    """Read an event of a batch's stream; None for a kind that this version does not know."""
    match event.event:
        case "snapshot" | "job" | "done" as name:
            data = responses.read(_BatchEventData, event.data)
            return BatchEvent(event.id, name, data.batch, data.job)
    return None
