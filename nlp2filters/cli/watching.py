"""Follow a job to its end, with live progress on a terminal."""

from contextlib import nullcontext
from typing import Any

from nlp2filters.cli import output
from nlp2filters.client import Client, Job
from nlp2filters.client.errors import JobFailed
from nlp2filters.core.schemas import Progress


def to_its_end(client: Client, job: Job) -> Any:
    """Wait for the job to end, and return its result, in the model of its kind.

    If standard error is a terminal, it shows the progress.

    Raises:
        JobFailed: the job ended without a result.
    """
    console = output.err()
    result = None
    try:
        with console.status(_line(job)) if console.is_terminal else nullcontext() as status:
            for event in client.jobs.follow(job):
                job, result = event.job, event.result
                if status:
                    status.update(_line(job, event.progress))
    except KeyboardInterrupt:
        console.print(f"{job.id} goes on: `nlp2filters jobs watch {job.id}` or `jobs cancel {job.id}`.")
        raise
    if job.status != "succeeded":
        raise JobFailed(job.id, job.status, job.error.model_dump() if job.error else None)
    return result or client.jobs.any_result(job)


def _line(job: Job, progress: Progress | None = None) -> str:
    return ": ".join([job.id, output.status_of(job), *([progress.detail] if progress else [])])
