"""Find what the address names, if it is the caller's: another owner's is not found, as if it were not there."""

from typing import Any

from starlette.requests import HTTPConnection, Request

from nlp2filters.api.auth import caller
from nlp2filters.api.state import State, state
from nlp2filters.core import batches
from nlp2filters.core.batches import Batch
from nlp2filters.core.jobs import Job
from nlp2filters.errors import BatchNotFound, JobGone, JobNotFound, ResultNotReady


async def job(request: Request) -> Job:
    """The job.

    Raises:
        JobNotFound: there is none, or it is somebody else's.
    """
    return owned(request, await state(request).store.get(request.path_params["job_id"]))


def owned(connection: HTTPConnection, job: Job) -> Job:
    """The job, if it is the caller's.

    Raises:
        JobNotFound: it is somebody else's.
    """
    if job.owner != caller(connection).owner:
        raise JobNotFound(job.id)
    return job


async def result(request: Request) -> tuple[Job, dict[str, Any]]:
    """The job and its result.

    Raises:
        ResultNotReady: it has not ended, or without a result.
        JobGone: its retention time is over.
        JobNotFound: there is none, or it is somebody else's.
    """
    job, found = await finished(request, request.path_params["job_id"], "result")
    return job, found["result"]


async def finished(request: Request, job_id: str, *names: str) -> tuple[Job, dict[str, Any]]:
    """A job of the caller's that succeeded, and the named fields of its record; raises as `result` does."""
    store = state(request).store
    try:
        job, found = await store.load(job_id, *names)
    except JobNotFound:
        if await store.owner_of_gone(job_id) == caller(request).owner:
            raise JobGone(job_id) from None
        raise
    owned(request, job)
    if job.status != "succeeded":
        raise ResultNotReady(job.id, job.status, job.error)
    return job, found


async def batch(request: Request) -> tuple[Batch, dict[str, Any]]:
    """The batch, and what was asked for it.

    Raises:
        BatchNotFound: there is none, or it is somebody else's.
    """
    batch_id = request.path_params["batch_id"]
    found, asked = await state(request).store.batch(batch_id)
    if found.owner != caller(request).owner:
        raise BatchNotFound(batch_id)
    return found, asked


async def batch_now(app: State, batch: Batch) -> dict[str, Any]:
    """The batch as its owner sees it, with its jobs as they are now."""
    members = await app.store.load_many([job_id for _, job_id in batch.members])
    return batches.to_public(batch, [job for job, _ in members])
