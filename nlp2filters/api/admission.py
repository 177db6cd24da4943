"""Admit submissions: recognize repeated ones, and apply the limits. Nothing is written before both."""

import time
from collections.abc import Iterable

from nlp2filters.api.services import Services
from nlp2filters.clock import now_ms
from nlp2filters.core.jobs import Job
from nlp2filters.core.kinds import stage_info
from nlp2filters.errors import DailyCostReached, TooManyRequests
from nlp2filters.storage import rate_limits
from nlp2filters.storage.api_keys import Caller
from nlp2filters.storage.idempotency import IdempotencyKey
from nlp2filters.storage.rate_limits import WINDOW_S
from nlp2filters.storage.spending import seconds_left
from nlp2filters.storage.store import Store
from nlp2filters.storage.submissions import AdmissionLimits


async def replayed_id(store: Store, owner: str, key: IdempotencyKey | None) -> str | None:
    """Return the id of the job or batch that the same request created earlier, in any state; None for a new request.

    Call it before all checks and limits: a repeated request that was accepted once is neither refused nor counted.

    Raises:
        IdempotencyKeyReused: the key stands for another request.
    """
    return await store.idempotency_keys.subject_of(owner, key) if key else None


def blob_limit(services: Services, caller: Caller) -> int:
    """Return the bytes that the caller may have added when it uploads a file, 0 for no limit. Call it after `admit`."""
    settings, backpressure = services.settings, services.backpressure
    if not caller.limited:
        return 0
    if not settings.max_owner_blob_bytes:
        return backpressure.owner_bytes(settings.max_owner_bytes)
    if settings.blob_store != "redis":
        return settings.max_owner_blob_bytes
    return backpressure.blob_bytes(settings.max_owner_blob_bytes)


async def check_cost(services: Services, caller: Caller, jobs: Iterable[Job]) -> None:
    """Check that the caller's API key may pay for more calls of the LLM, if any of the new jobs makes one.

    Raises:
        DailyCostReached: its calls have cost as much today as they may.
    """
    limit, now = services.settings.max_daily_micros, now_ms()
    if not limit or not caller.key_id or not any(map(_may_call_llm, jobs)):
        return
    if await services.store.spending.cost_today(caller.key_id, now) >= limit:
        raise DailyCostReached(seconds_left(now))


def _may_call_llm(job: Job) -> bool:
    return not job.quick and any(stage_info(job.kind, stage).quick_lane for stage in job.stages)


async def admit(services: Services, caller: Caller, texts: int = 1) -> tuple[AdmissionLimits, dict[str, str]]:
    """Check that the caller may submit this many texts. Returns the limits to apply, and the `RateLimit` headers.

    Raises:
        TooManyRequests: they exceed what the caller may still submit in this minute.
        Overloaded: Redis is nearly full.
    """
    settings, store, backpressure = services.settings, services.store, services.backpressure
    await backpressure.check()
    if not caller.limited:
        return AdmissionLimits(settings.max_backlog), {}
    rate = await rate_limits.count(store.redis, store.keys, caller.owner, settings.max_rate, time.time(), texts)
    if rate.exceeded:
        raise TooManyRequests(rate.limit, WINDOW_S, rate.reset_s)
    headers = {
        "RateLimit-Policy": f'"submit";q={rate.limit};w={WINDOW_S}',
        "RateLimit": f'"submit";r={rate.remaining};t={rate.reset_s}',
    }
    max_bytes = backpressure.owner_bytes(settings.max_owner_bytes)
    return AdmissionLimits(settings.max_backlog, settings.max_pending, max_bytes), headers
