"""Accept submissions: everything is checked before anything is written."""

import time
import uuid
from typing import Any

import orjson
from starlette.requests import Request

from nlp2filters.api.auth import caller
from nlp2filters.api.state import State, state
from nlp2filters.api.submission import MAX_SCOPE, Webhook
from nlp2filters.core import catalog as catalogs
from nlp2filters.core import checks, jobs
from nlp2filters.core.catalog import Catalog
from nlp2filters.core.jobs import Job
from nlp2filters.errors import Fault, InvalidCatalog, InvalidRequest, TooManyRequests, WebhookRefused
from nlp2filters.storage import rate_limits, request_parts
from nlp2filters.storage.rate_limits import WINDOW_S
from nlp2filters.storage.store import Limits, Once, now_ms
from nlp2filters.webhooks.client import check_url


async def admit(request: Request, texts: int = 1) -> tuple[Limits, dict[str, str]]:
    """Check that the caller may submit this many texts. Returns admission limits and the answer's `RateLimit` headers.

    Raises:
        TooManyRequests: they exceed what the caller may still submit in this minute.
        Overloaded: Redis is nearly full.
    """
    app, who = state(request), caller(request)
    await app.backpressure.check()
    if not who.limited:
        return Limits(app.settings.max_backlog), {}
    rate = await rate_limits.count(
        app.store.redis, app.store.keys, who.owner, app.settings.max_rate, time.time(), texts
    )
    if rate.exceeded:
        raise TooManyRequests(rate.limit, WINDOW_S, rate.reset_s)
    headers = {
        "RateLimit-Policy": f'"submit";q={rate.limit};w={WINDOW_S}',
        "RateLimit": f'"submit";r={rate.remaining};t={rate.reset_s}',
    }
    most = app.backpressure.owner_bytes(app.settings.max_owner_bytes)
    return Limits(app.settings.max_backlog, app.settings.max_pending, most), headers


async def replayed(request: Request, once: Once | None) -> str | None:
    """Return the id of the job or batch that the same request created earlier, in any state; None for a new request.

    Call it before all checks and limits: a repeated request that was accepted once is neither refused nor counted.

    Raises:
        IdempotencyKeyReused: the key stands for another request.
    """
    return await state(request).store.made_before(caller(request).owner, once) if once else None


async def again(app: State, job: Job, request: dict[str, Any]) -> tuple[Job, request_parts.Request]:
    """Create a new job with the request of an earlier one.

    Raises:
        PartGone: a part of the earlier request is no longer kept.
    """
    contents = await request_parts.load(app.store.redis, app.store.keys, job.owner, request)
    webhook = request.get("webhook")
    made = jobs.create(
        new_id("job"),
        job.kind,
        job.owner,
        now_ms(),
        deadline_s=request.get("deadline_seconds") or app.settings.deadline_s,
        catalog=job.catalog,
        metadata=job.metadata,
        notify=tuple(webhook["events"]) if webhook else (),
        webhook=webhook["url"] if webhook else None,
        quick=job.quick,
        retry_of=job.id,
        refines=job.refines,
    )
    kept: tuple[str, ...] = ()
    if digest := request.get("catalog_digest"):
        kept = (app.store.keys.catalog(job.owner, request["catalog"], digest),)
    return made, request_parts.detach(request, contents, kept)


def new_id(kind: str) -> str:
    """Create an id with 122 random bits."""
    return f"{kind}_{uuid.uuid4().hex}"


def notified(webhook: Webhook | None) -> tuple[Any, ...]:
    """Return the outcomes that a webhook receives."""
    return tuple(webhook.events) if webhook else ()


def read_catalog(data: object) -> Catalog:
    """Parse a request's catalog.

    Raises:
        InvalidCatalog: it has faults, possibly in its scope.
    """
    catalog = catalogs.parse(data)
    checks.own_scope(catalog)
    if catalog.scope and len(orjson.dumps(catalog.scope)) > MAX_SCOPE:
        raise InvalidCatalog([Fault("/scope", f"A scope may have {MAX_SCOPE} bytes, as JSON.")])
    return catalog


def check_webhook(request: Request, url: str, *, signed: bool = True) -> None:
    """Refuse a URL that must not be called; the addresses behind its hostname are checked at every attempt.

    The hosts named by `Host` and `X-Forwarded-Host` are ours, as the request arrived through them, so a webhook must
    not call them. A client that forges these headers gains no more than by using another name of our host.

    Raises:
        InvalidRequest: the pointer is `/webhook` or `/webhook/url`.
    """
    settings, headers = state(request).settings, request.headers
    if signed and not settings.webhook_secrets:
        raise InvalidRequest([Fault("/webhook", "Webhooks are off here: the operator has set no WEBHOOK_SECRET.")])
    try:
        own = [*settings.own_hosts, headers.get("host", ""), headers.get("x-forwarded-host", "")]
        check_url(url, allow_private=settings.webhook_allow_private, own=own)
    except WebhookRefused as exc:
        raise InvalidRequest([Fault("/webhook/url", str(exc))]) from exc
