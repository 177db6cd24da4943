"""What is told of a job or batch while it runs."""

from dataclasses import dataclass
from typing import Any, Literal

from httpx_sse import ServerSentEvent
from pydantic import BaseModel

from nlp2filters.client import answers
from nlp2filters.core.schemas import Batch, Delta, Job, Progress, Reading, Result


@dataclass(frozen=True, slots=True)
class JobEvent:
    """News of a job, which is in each as it was told last.

    `id` is the cursor to follow on from, None when the news came by polling. `draft` is the built-in parser's reading,
    where it is new; `progress` says what is done just now, `delta` is more of the LLM's text; `result` comes with
    `done`, the last event, of a job that succeeded.
    """

    id: str | None
    name: Literal["snapshot", "status", "draft", "progress", "delta", "done"]
    job: Job
    draft: Reading | None = None
    progress: Progress | None = None
    delta: Delta | None = None
    result: Result | None = None

    @property
    def last(self) -> bool:
        """Whether the job has ended."""
        return self.name == "done"


@dataclass(frozen=True, slots=True)
class BatchEvent:
    """News of a batch: a `snapshot` of it, a `job` of it that has ended, or that it is `done`."""

    id: str | None
    name: Literal["snapshot", "job", "done"]
    batch: Batch | None = None
    job: Job | None = None

    @property
    def last(self) -> bool:
        """Whether all jobs have ended."""
        return self.name == "done"


class _News(BaseModel):
    job: Job
    draft: Reading | None = None
    result: Result | dict[str, Any] | None = None  # of jobs of another kind than `filters` it is something else


class _BatchNews(BaseModel):
    batch: Batch | None = None
    job: Job | None = None


class OfJob:
    """Reads the events of a job's stream. `job`: as it was told last, None if the stream is to begin with that."""

    def __init__(self, job: Job | None) -> None:
        self._job = job

    def __call__(self, event: ServerSentEvent) -> JobEvent | None:
        """The event; None for a kind that this version does not know."""
        match event.event:
            case "snapshot" | "status" | "draft" | "done" as name:
                news = answers.read(_News, event.data)
                self._job = news.job
                result = news.result if isinstance(news.result, Result) else None
                return JobEvent(event.id, name, news.job, news.draft, result=result)
            case "progress" if self._job:
                return JobEvent(event.id, "progress", self._job, progress=answers.read(Progress, event.data))
            case "delta" if self._job:
                return JobEvent(event.id, "delta", self._job, delta=answers.read(Delta, event.data))
        return None


def of_batch(event: ServerSentEvent) -> BatchEvent | None:
    """An event of a batch's stream; None for a kind that this version does not know."""
    match event.event:
        case "snapshot" | "job" | "done" as name:
            news = answers.read(_BatchNews, event.data)
            return BatchEvent(event.id, name, news.batch, news.job)
    return None
