"""Load jobs and batches for their owner. Another owner's are treated as if they did not exist."""

from typing import Any

from nlp2filters.core import batches
from nlp2filters.core.batches import Batch
from nlp2filters.core.jobs import Job
from nlp2filters.errors import BatchNotFound, JobGone, JobNotFound, ResultNotReady
from nlp2filters.storage.store import Store


async def job(store: Store, owner: str, job_id: str) -> Job:
    """Load a job.

    Raises:
        JobNotFound: it does not exist, or belongs to another owner.
    """
    job, _ = await job_with(store, owner, job_id)
    return job


async def job_with(store: Store, owner: str, job_id: str, *names: str) -> tuple[Job, dict[str, Any]]:
    """Load a job and the named fields of its record; raises as `job` does."""
    job, fields = await store.jobs.load(job_id, *names)
    if job.owner != owner:
        raise JobNotFound(job.id)
    return job, fields


async def result(store: Store, owner: str, job_id: str) -> tuple[Job, dict[str, Any]]:
    """Load a job and its result.

    Raises:
        ResultNotReady: the job has not ended, or has ended without a result.
        JobGone: its retention time is over.
        JobNotFound: it does not exist, or belongs to another owner.
    """
    job, fields = await succeeded_job(store, owner, job_id, "result")
    return job, fields["result"]


async def succeeded_job(store: Store, owner: str, job_id: str, *names: str) -> tuple[Job, dict[str, Any]]:
    """Load a job that has succeeded, and the named fields of its record; raises as `result` does."""
    try:
        job, fields = await job_with(store, owner, job_id, *names)
    except JobNotFound:
        if await store.jobs.owner_of_expired(job_id) == owner:
            raise JobGone(job_id) from None
        raise
    if job.status != "succeeded":
        raise ResultNotReady(job.id, job.status, job.error)
    return job, fields


async def batch(store: Store, owner: str, batch_id: str) -> tuple[Batch, dict[str, Any]]:
    """Load a batch and its request.

    Raises:
        BatchNotFound: it does not exist, or belongs to another owner.
    """
    batch, request = await store.batches.get(batch_id)
    if batch.owner != owner:
        raise BatchNotFound(batch_id)
    return batch, request


async def public_batch(store: Store, batch: Batch) -> dict[str, Any]:
    """Return the batch as its owner sees it, with the current state of its jobs."""
    members = await store.jobs.load_many([job_id for _, job_id in batch.members])
    return batches.to_public(batch, [job for job, _ in members])
