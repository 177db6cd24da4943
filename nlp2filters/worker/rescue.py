"""Rescue orphans: find jobs, parts and deliveries that have neither a queue entry nor a lease, and queue them again.

No commit leaves an orphan behind, so each is logged as an error: either we have a bug, or somebody removed keys by
hand. One worker at a time scans the index of unfinished work, in small parts.
"""

import asyncio
import logging
from dataclasses import replace
from functools import partial

from nlp2filters.clock import now_ms
from nlp2filters.core import jobs, parts
from nlp2filters.core.jobs import Job
from nlp2filters.core.parts import PartState
from nlp2filters.errors import IllegalTransition, JobNotFound, UnsupportedRecordVersion
from nlp2filters.storage import arq_format
from nlp2filters.storage.errors import StorageError
from nlp2filters.storage.parts import LoadedPart
from nlp2filters.storage.store import Store

# A script checks this many ids, which takes about a millisecond.
PART = 250
# A sweep of many jobs is spread over this share of the interval.
SWEEP_SHARE = 0.5

_log = logging.getLogger(__name__)


async def run(store: Store, worker: str, interval_s: float) -> None:
    """Sweep once per interval, forever, unless another worker does."""
    while True:
        try:
            if await store.redis.set(store.keys.rescue, worker, nx=True, px=int(1000 * interval_s)):
                await sweep(store, worker, interval_s)
        except (StorageError, OSError) as exc:
            _log.warning("could not look for orphans, trying again: %s", exc)
        await asyncio.sleep(interval_s / 4)


async def sweep(store: Store, worker: str, interval_s: float) -> int:
    """Scan all unfinished work once. Returns the number of orphans that were queued again.

    It stops early if another worker has taken over, since this one was frozen.
    """
    rescued, cursor = 0, "0"
    pause_s = SWEEP_SHARE * interval_s * PART / max(await store.unfinished.count(), PART)
    while True:
        cursor, orphans = await store.unfinished.orphans(cursor, PART)
        for subject, queue_name, entry in orphans:
            try:
                rescued += await _rescue(store, subject, queue_name, entry)
            except (StorageError, OSError):
                raise
            except Exception:  # An unreadable record must not keep the others from being found.
                _log.exception("could not rescue an orphan", extra={"job_id": subject, "entry": entry})
        if cursor == "0":
            return rescued
        await asyncio.sleep(pause_s)
        if await store.redis.get(store.keys.rescue) not in (worker.encode(), None):
            return rescued
        await store.redis.set(store.keys.rescue, worker, px=int(1000 * interval_s))


async def _rescue(store: Store, subject: str, queue_name: str, entry: str) -> bool:
    """Queue an orphan again, or remove it from the index if there is nothing left to do."""
    try:
        if queue_name == store.keys.queue("delivery"):
            message = await store.deliveries.message(subject)
            if message is None:
                raise JobNotFound(subject)
            await store.deliveries.rescue(subject, message["owner"], message["url"])
        elif part := arq_format.part_of(subject):
            loaded = await store.parts.load(*part)
            await store.parts.apply(loaded, partial(_requeue_part, loaded, entry))
        else:
            job = await store.jobs.get(subject)
            await store.jobs.apply(job, partial(_requeue, entry=entry))
    except UnsupportedRecordVersion as exc:
        _log.warning("left an orphan to a worker of the newer version: %s", exc)
        return False
    except (JobNotFound, IllegalTransition) as exc:
        _log.info("removed from the index of unfinished work: %s", exc)
        await store.unfinished.remove(subject, queue_name, entry)
        return False
    _log.error(
        "rescued a job, part or delivery that had neither a queue entry nor a lease",
        extra={"job_id": subject, "entry": entry},
    )
    await store.stats.increment("rescued")
    return True


def _requeue(job: Job, entry: str) -> Job:
    """Take the job's rescue step, unless it has a new entry, since its worker has continued without a lease."""
    if job.entry and entry not in ("", arq_format.entry_id(job.entry.queue, job.id, job.entry.number)):
        raise IllegalTransition(job.id, job.status, "be rescued")
    return jobs.rescue(job, now_ms())


def _requeue_part(orphan: LoadedPart, entry: str, state: PartState) -> PartState:
    """Take the part's rescue step, unless it has a new entry."""
    if replace(orphan, state=state).entry_id != entry:
        raise IllegalTransition(orphan.job.id, state.run.status, "rescue a part")
    return parts.rescue(state, now_ms())
