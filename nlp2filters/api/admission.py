"""Accept work: everything is checked before anything is written."""

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
    """Whether the caller may submit so many texts now: what may be waiting, and the answer's `RateLimit` headers.

    Raises:
        TooManyRequests: they are more than the caller has left for this minute.
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
        "RateLimit": f'"submit";r={rate.left};t={rate.reset_s}',
    }
    most = app.backpressure.owner_bytes(app.settings.max_owner_bytes)
    return Limits(app.settings.max_backlog, app.settings.max_pending, most), headers


async def replayed(request: Request, once: Once | None) -> str | None:
    """Id of what the same request has made before, whatever has become of it; None for a new one.

    It comes before every check and limit: what was accepted once is not refused, nor counted, when it is sent again.

    Raises:
        IdempotencyKeyReused: the key stands for another request.
    """
    return await state(request).store.made_before(caller(request).owner, once) if once else None


async def again(app: State, job: Job, request: dict[str, Any]) -> tuple[Job, request_parts.Request]:
    """A new job for what an earlier one was asked.

    Raises:
        PartGone: a part of the earlier one's request is not kept any more.
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
    """A new id, with 122 random bits."""
    return f"{kind}_{uuid.uuid4().hex}"


def notified(webhook: Webhook | None) -> tuple[Any, ...]:
    """The outcomes of which a webhook is told."""
    return tuple(webhook.events) if webhook else ()


def read_catalog(data: object) -> Catalog:
    """A catalog of a request.

    Raises:
        InvalidCatalog: it has faults, also in its scope.
    """
    catalog = catalogs.parse(data)
    checks.own_scope(catalog)
    if catalog.scope and len(orjson.dumps(catalog.scope)) > MAX_SCOPE:
        raise InvalidCatalog([Fault("/scope", f"A scope may have {MAX_SCOPE} bytes, as JSON.")])
    return catalog


def check_webhook(request: Request, url: str, *, signed: bool = True) -> None:
    """Refuse what must not be called now; the addresses behind the name are checked at every attempt.

    The request came in by a host that is ours: `Host`, or what a proxy that rewrites it says. Whoever lies about it
    gets no further than with a second name for our host.

    Raises:
        InvalidRequest: with the pointer `/webhook` or `/webhook/url`.
    """
    settings, headers = state(request).settings, request.headers
    if signed and not settings.webhook_secrets:
        raise InvalidRequest([Fault("/webhook", "Webhooks are off here: the operator has set no WEBHOOK_SECRET.")])
    try:
        own = [*settings.own_hosts, headers.get("host", ""), headers.get("x-forwarded-host", "")]
        check_url(url, allow_private=settings.webhook_allow_private, own=own)
    except WebhookRefused as exc:
        raise InvalidRequest([Fault("/webhook/url", str(exc))]) from exc
