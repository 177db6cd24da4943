"""Admit submissions: recognize repeated ones, and apply the limits. Nothing is written before both."""

import time

from nlp2filters.api.services import Services
from nlp2filters.errors import TooManyRequests
from nlp2filters.storage import rate_limits
from nlp2filters.storage.api_keys import Caller
from nlp2filters.storage.idempotency import IdempotencyKey
from nlp2filters.storage.rate_limits import WINDOW_S
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
