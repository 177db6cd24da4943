"""Accept work: everything is checked before anything is written."""

import asyncio
import time
import uuid
from typing import Any

import orjson
from starlette.requests import Request

from nlp2filters import demo, limits, webhooks
from nlp2filters.api import refining
from nlp2filters.api.auth import caller
from nlp2filters.api.state import State, state
from nlp2filters.api.submission import Submission, Webhook
from nlp2filters.core import catalog as catalogs
from nlp2filters.core import checks, filters, jobs
from nlp2filters.core.catalog import Catalog
from nlp2filters.core.jobs import Job
from nlp2filters.errors import (
    CatalogNotFound,
    Fault,
    InvalidCatalog,
    InvalidFilter,
    InvalidRequest,
    TooManyRequests,
    WebhookRefused,
)
from nlp2filters.limits import WINDOW_S
from nlp2filters.store import Limits, now_ms

Member = tuple[Job, bytes]


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
    rate = await limits.count(app.store.redis, app.store.keys, who.owner, app.settings.max_rate, time.time(), texts)
    if rate.exceeded:
        raise TooManyRequests(rate.limit, WINDOW_S, rate.reset_s)
    headers = {
        "RateLimit-Policy": f'"submit";q={rate.limit};w={WINDOW_S}',
        "RateLimit": f'"submit";r={rate.left};t={rate.reset_s}',
    }
    return Limits(app.settings.max_backlog, app.settings.max_pending), headers


async def prepare(request: Request, asked: Submission, **about: Any) -> Member:
    """A new job of the caller and its request, checked; `about` is passed on to `jobs.create`.

    Raises:
        InvalidRequest, InvalidCatalog, InvalidFilter, CatalogNotFound: saying what is wrong.
        JobNotFound, JobGone, ResultNotReady: of the job that is to be refined.
    """
    app, owner = state(request), caller(request).owner
    earlier = None
    if asked.refines:
        asked, earlier = await refining.complete(request, asked, asked.refines)
    assert asked.catalog is not None
    catalog, digest = await _catalog(app, owner, asked.catalog)
    if earlier:
        refining.check(earlier, catalog)
    if asked.scope is not None:
        await asyncio.to_thread(_check_scope, asked.scope, catalog)
    if asked.strategy == "llm" and not app.settings.llm_model:
        raise InvalidRequest([Fault("/strategy", "No LLM is configured here: set LLM_MODEL, or ask for `auto`.")])
    if asked.webhook:
        check_webhook(request, asked.webhook.url)
    job = jobs.create(
        new_id("job"),
        asked.kind,
        owner,
        now_ms(),
        deadline_s=asked.deadline_seconds or app.settings.deadline_s,
        catalog=asked.catalog if isinstance(asked.catalog, str) else None,
        metadata=asked.metadata,
        notify=notified(asked.webhook),
        webhook=asked.webhook.url if asked.webhook else None,
        quick=asked.strategy == "builtin" or not app.settings.llm_model,
        refines=asked.refines,
        **about,
    )
    body = asked.model_dump(mode="json")
    if digest:
        body["catalog_digest"] = digest
    if earlier:
        body["earlier"] = earlier.to_json()
    return job, orjson.dumps(body)


def again(app: State, job: Job, request: dict[str, Any]) -> Member:
    """A new job for what an earlier one was asked."""
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
    return made, orjson.dumps(request)


def new_id(kind: str) -> str:
    """A new id, with 122 random bits."""
    return f"{kind}_{uuid.uuid4().hex}"


def notified(webhook: Webhook | None) -> tuple[Any, ...]:
    """The outcomes of which a webhook is told."""
    return tuple(webhook.events) if webhook else ()


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
        webhooks.check_url(url, allow_private=settings.webhook_allow_private, own=own)
    except WebhookRefused as exc:
        raise InvalidRequest([Fault("/webhook/url", str(exc))]) from exc


async def _catalog(app: State, owner: str, asked: str | dict[str, Any]) -> tuple[Catalog, str | None]:
    """The catalog, and the hash of its content if it is one of the owner's."""
    if isinstance(asked, dict):
        try:
            return await asyncio.to_thread(_parse, asked), None
        except InvalidCatalog as exc:
            raise exc.under("/catalog") from exc
    if asked in demo.NAMES:
        return demo.catalog(asked), None
    try:
        stored = await app.catalogs.get(owner, asked)
    except CatalogNotFound as exc:
        raise CatalogNotFound(asked, demo.NAMES) from exc
    return await asyncio.to_thread(lambda: catalogs.parse(orjson.loads(stored.content))), stored.digest


def _parse(data: object) -> Catalog:
    catalog = catalogs.parse(data)
    checks.own_scope(catalog)
    return catalog


def _check_scope(scope: dict[str, Any], catalog: Catalog) -> None:
    try:
        checks.check(filters.from_cql2(scope), catalog, trusted=True)
    except InvalidFilter as exc:
        raise exc.under("/scope") from exc
