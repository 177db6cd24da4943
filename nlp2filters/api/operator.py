"""Operator endpoints: the state of the whole service, and steps with the jobs of any owner."""

import time
from dataclasses import replace
from typing import Any

from starlette.responses import Response

from nlp2filters import __version__
from nlp2filters.api import jobs as own_jobs
from nlp2filters.api import webhook_deliveries
from nlp2filters.api.provider_states import provider_states
from nlp2filters.api.responses import JSON
from nlp2filters.api.routes import Call, Operation
from nlp2filters.clock import now_ms
from nlp2filters.core import deliveries, jobs, operator_schemas, schemas
from nlp2filters.storage.api_keys import Caller
from nlp2filters.storage.stats import QueueState, WorkerState
from nlp2filters.storage.store import Store


async def state(call: Call) -> Response:
    """Return the state of the whole service, with some jobs of all owners. It is bounded, and cheap enough to poll."""
    store = call.services.store
    body = {
        "version": __version__,
        "at": jobs.timestamp(now_ms()),
        "unfinished": await store.unfinished.count(),
        "counts": await store.stats.job_counts(),
        "queues": {name: _queue(queue) for name, queue in (await store.stats.queues()).items()},
        "providers": await provider_states(store),
        "redis": await _redis(store),
        "unfinished_jobs": await _jobs(store, await store.failures.unfinished()),
        "failed_jobs": await _jobs(store, await store.failures.jobs()),
        "undelivered": await _undelivered(store),
    }
    return JSON(body)


async def cancel(call: Call, job_id: str) -> Response:
    """Cancel a job of any owner, as its owner would."""
    return await own_jobs.cancel(await _as_owner(call, job_id), job_id)


async def retry(call: Call, job_id: str) -> Response:
    """Submit the request of a job of any owner again, as its owner would."""
    return await own_jobs.retry(await _as_owner(call, job_id), job_id)


async def redeliver(call: Call, job_id: str) -> Response:
    """Call the webhook of a job of any owner again, as its owner would."""
    return await webhook_deliveries.redeliver_job(await _as_owner(call, job_id), job_id)


async def _as_owner(call: Call, job_id: str) -> Call:
    """Return the call as if the job's owner had made it, without the limits that apply to an owner."""
    job = await call.services.store.jobs.get(job_id)
    return replace(call, caller=Caller(job.owner, call.caller.scopes, limited=False, key_id=call.caller.key_id))


def _queue(queue: QueueState) -> dict[str, Any]:
    return {
        "entries": queue.entries,
        "due": queue.due,
        "overdue_s": round(queue.overdue_s, 1),
        "workers": [_worker(worker) for worker in queue.workers],
    }


def _worker(worker: WorkerState) -> dict[str, Any]:
    return {
        "name": worker.name,
        "running": worker.running,
        "slots": worker.slots,
        "version": worker.version,
        "since": jobs.timestamp(worker.since),
    }


async def _redis(store: Store) -> dict[str, Any]:
    began = time.monotonic()
    memory: Any = await store.redis.info("memory")
    ping_s = time.monotonic() - began
    clients: Any = await store.redis.info("clients")
    return {
        "memory_bytes": memory.get("used_memory", 0),
        "max_memory_bytes": memory.get("maxmemory", 0),
        "clients": clients.get("connected_clients", 0),
        "max_clients": clients.get("maxclients", 0),
        "ping_s": round(ping_s, 4),
    }


async def _jobs(store: Store, ids: list[str]) -> list[dict[str, Any]]:
    """Load jobs, without those that are no longer kept."""
    loaded = await store.jobs.load_many(ids)
    return [{"owner": job.owner, "job": jobs.to_public(job)} for job, _ in loaded if job]


async def _undelivered(store: Store) -> list[dict[str, Any]]:
    rows = []
    for subject in await store.failures.deliveries():
        message, notes = await store.deliveries.message(subject), await store.deliveries.log(subject)
        if not notes or notes[-1].get("ok") or not deliveries.is_final(notes):
            continue
        rows.append(
            {
                "subject": subject,
                "owner": message and message.get("owner"),
                "url": message and message.get("url"),
                **{name: notes[-1].get(name) for name in ("at", "status", "error")},
            }
        )
    return rows


_PATH = "/v1/operator/jobs/{job_id}"

operations = [
    Operation("GET", "/v1/operator/state", state, "admin", {200: operator_schemas.OperatorState}, tag="operator"),
    Operation(
        "POST",
        f"{_PATH}/cancel",
        cancel,
        "admin",
        {202: schemas.Job, 200: schemas.Job},
        problems=("job-not-found", "job-already-finished"),
        tag="operator",
    ),
    Operation(
        "POST",
        f"{_PATH}/retry",
        retry,
        "admin",
        {202: schemas.Job},
        problems=("job-not-found", "job-not-retryable", "result-expired", *own_jobs.LIMIT_PROBLEMS),
        headers={202: own_jobs.CREATED_HEADERS[202]},
        tag="operator",
    ),
    Operation(
        "POST",
        f"{_PATH}/redeliver",
        redeliver,
        "admin",
        {202: schemas.Deliveries},
        problems=("job-not-found", "job-not-finished", "no-webhook", "already-delivering"),
        tag="operator",
    ),
]
