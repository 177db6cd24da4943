"""Load the job or batch in the URL. Another owner's is treated as if it did not exist."""

from typing import Any

from starlette.requests import HTTPConnection, Request

from nlp2filters.api.auth import caller
from nlp2filters.api.state import State, state
from nlp2filters.core import batches
from nlp2filters.core.batches import Batch
from nlp2filters.core.jobs import Job
from nlp2filters.errors import BatchNotFound, JobGone, JobNotFound, ResultNotReady


async def job(request: Request) -> Job:
    """Load the job.

    Raises:
        JobNotFound: it does not exist, or belongs to another owner.
    """
    return owned(request, await state(request).store.jobs.get(request.path_params["job_id"]))


def owned(connection: HTTPConnection, job: Job) -> Job:
    """Return the job if it belongs to the caller.

    Raises:
        JobNotFound: it belongs to another owner.
    """
    if job.owner != caller(connection).owner:
        raise JobNotFound(job.id)
    return job


async def result(request: Request) -> tuple[Job, dict[str, Any]]:
    """Load the job and its result.

    Raises:
        ResultNotReady: the job has not ended, or has ended without a result.
        JobGone: its retention time is over.
        JobNotFound: it does not exist, or belongs to another owner.
    """
    job, found = await finished(request, request.path_params["job_id"], "result")
    return job, found["result"]


async def finished(request: Request, job_id: str, *names: str) -> tuple[Job, dict[str, Any]]:
    """Load a job of the caller that succeeded, and the named fields of its record; raises as `result` does."""
    store = state(request).store
    try:
        job, found = await store.jobs.load(job_id, *names)
    except JobNotFound:
        if await store.jobs.owner_of_expired(job_id) == caller(request).owner:
            raise JobGone(job_id) from None
        raise
    owned(request, job)
    if job.status != "succeeded":
        raise ResultNotReady(job.id, job.status, job.error)
    return job, found


async def batch(request: Request) -> tuple[Batch, dict[str, Any]]:
    """Load the batch and its request.

    Raises:
        BatchNotFound: it does not exist, or belongs to another owner.
    """
    batch_id = request.path_params["batch_id"]
    found, asked = await state(request).store.batches.get(batch_id)
    if found.owner != caller(request).owner:
        raise BatchNotFound(batch_id)
    return found, asked


async def batch_now(app: State, batch: Batch) -> dict[str, Any]:
    """Return the batch as its owner sees it, with the current state of its jobs."""
    members = await app.store.jobs.load_many([job_id for _, job_id in batch.members])
    return batches.to_public(batch, [job for job, _ in members])
