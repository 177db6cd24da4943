"""The jobs of the API: submit, look, fetch the result, follow."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from typing import Any

import anyio
import orjson
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from nlp2filters import demo, faults, webhooks
from nlp2filters.api.body import read_json
from nlp2filters.api.responses import JSON
from nlp2filters.api.state import State, state
from nlp2filters.api.submission import Submission, checked
from nlp2filters.core import catalog as catalogs
from nlp2filters.core import checks, filters, jobs
from nlp2filters.core.catalog import Catalog
from nlp2filters.core.dialects import sql
from nlp2filters.core.interpretation import from_json
from nlp2filters.core.jobs import Job
from nlp2filters.demo import table
from nlp2filters.errors import (
    Fault,
    InvalidCatalog,
    InvalidFilter,
    InvalidRequest,
    JobNotFound,
    MalformedCursor,
    NoDemoData,
    ResultNotReady,
    WebhookRefused,
)
from nlp2filters.events import START, is_cursor
from nlp2filters.settings import Settings
from nlp2filters.store import now_ms

RETRY_AFTER_S = 1
RECONNECT_MS = 3000
STOP_GRACE_S = 5.0
PING_S = 15
MAX_ROWS = 200


async def submit(request: Request) -> Response:
    """Accept a text: check everything, write the job, answer at once."""
    asked = checked(Submission, await read_json(request))
    catalog = await _catalog(asked.catalog)
    if asked.scope is not None:
        _check_scope(asked.scope, catalog)
    app = state(request)
    if asked.webhook:
        _check_webhook(asked.webhook.url, app.settings)
    job = jobs.create(
        f"job_{uuid.uuid4().hex}",
        asked.kind,
        app.owner,
        now_ms(),
        deadline_s=asked.deadline_seconds or app.settings.deadline_s,
        catalog=asked.catalog if isinstance(asked.catalog, str) else None,
        metadata=asked.metadata,
        notify=tuple(asked.webhook.events) if asked.webhook else (),
    )
    body = orjson.dumps(asked.model_dump(mode="json"))
    await app.store.create(job, body, max_backlog=app.settings.max_backlog)
    faults.reach(app.settings.faults, "job-created")
    headers = {"Location": f"/v1/jobs/{job.id}", "Retry-After": str(RETRY_AFTER_S)}
    return JSON(jobs.to_public(job), status_code=202, headers=headers)


async def _catalog(asked: str | dict[str, Any]) -> Catalog:
    if isinstance(asked, str):
        return demo.catalog(asked)
    try:
        return await asyncio.to_thread(catalogs.parse, asked)
    except InvalidCatalog as exc:
        raise exc.under("/catalog") from exc


def _check_scope(scope: dict[str, Any], catalog: Catalog) -> None:
    try:
        checks.check(filters.from_cql2(scope), catalog)
    except InvalidFilter as exc:
        raise exc.under("/scope") from exc


def _check_webhook(url: str, settings: Settings) -> None:
    """Refuse what must not be called now; the addresses behind the name are checked at every attempt."""
    if not settings.webhook_secret:
        raise InvalidRequest([Fault("/webhook", "Webhooks are off here: the operator has set no WEBHOOK_SECRET.")])
    try:
        webhooks.check_url(url, allow_private=settings.webhook_allow_private)
    except WebhookRefused as exc:
        raise InvalidRequest([Fault("/webhook/url", str(exc))]) from exc


async def deliveries(request: Request) -> Response:
    """The attempts to call the job's webhook."""
    job = await _job(request)
    return JSON({"deliveries": await state(request).store.deliveries(job.id)})


async def show(request: Request) -> Response:
    """The job as it is now."""
    job = await _job(request)
    return JSON(jobs.to_public(job), headers={} if job.done else {"Retry-After": str(RETRY_AFTER_S)})


async def result(request: Request) -> Response:
    """What came out of a job that succeeded."""
    return JSON((await _result(request))[1])


async def rows(request: Request) -> Response:
    """The rows of the demo data that the job's compiled SQL selects: how many of how many, and the first of them."""
    job, found = await _result(request)
    if job.catalog is None or job.catalog not in demo.NAMES:
        raise NoDemoData(job.catalog)
    size = _whole_number(request, "limit", default=50, most=MAX_ROWS)
    count, chosen = await asyncio.to_thread(_select, job.catalog, found, size)
    return JSON({"count": count, "total": len(demo.rows(job.catalog)), "rows": chosen})


def _select(name: str, found: dict[str, Any], size: int) -> tuple[int, Any]:
    reading, catalog = from_json(found), demo.catalog(name)
    where = sql.where_clause(reading.filter, catalog) if reading.filter else None
    limit = min(size, reading.limit) if reading.limit else size
    count, chosen = table.select(name, where, sql.order_by(reading.sort, catalog), limit)
    return min(count, reading.limit or count), chosen


async def events(request: Request) -> Response:
    """Follow the job by Server-Sent Events."""
    job = await _job(request)
    app, cursor = state(request), _cursor(request)
    if cursor and await app.events.holds(job.id, cursor):
        if job.done and (await app.events.tail(job.id, 1))[0].id == cursor:
            return Response(status_code=204)  # tells a browser to stop reconnecting
        return _event_source(app, job.id, cursor)
    snapshot, cursor = await _snapshot(app, job.id)
    return _event_source(app, job.id, cursor, snapshot)


def _event_source(app: State, job_id: str, cursor: str, snapshot: ServerSentEvent | None = None) -> Response:
    stopping = anyio.Event()
    return EventSourceResponse(
        _stream(app, job_id, cursor, snapshot, stopping),
        ping=PING_S,
        send_timeout=10,
        shutdown_event=stopping,
        shutdown_grace_period=STOP_GRACE_S,
    )


async def _stream(
    app: State, job_id: str, cursor: str, snapshot: ServerSentEvent | None, stopping: anyio.Event
) -> AsyncIterator[ServerSentEvent]:
    """What follows the cursor, to the job's end, or until the process is `stopping`: then the client reconnects."""
    if snapshot:
        yield snapshot
    following = app.events.follow(job_id, cursor)
    stop = asyncio.ensure_future(stopping.wait())
    try:
        while True:
            upcoming = asyncio.ensure_future(anext(following, None))
            await asyncio.wait({upcoming, stop}, return_when=asyncio.FIRST_COMPLETED)
            if not upcoming.done():
                upcoming.cancel()
                await asyncio.gather(upcoming, return_exceptions=True)
                return
            event = upcoming.result()
            if event is None:
                return
            yield ServerSentEvent(event.data, event=event.name, id=event.id)
    finally:
        stop.cancel()


async def _snapshot(app: State, job_id: str) -> tuple[ServerSentEvent, str]:
    """The job as it is, and the cursor to follow on from.

    The cursor is read before the job, so that nothing falls between; it stays before the last event of a
    job that has ended, which every follower gets to see.
    """
    tail = await app.events.tail(job_id, 2)
    job, found = await app.store.load(job_id, "draft")
    if tail and tail[0].last:
        tail = tail[1:]
    cursor = tail[0].id if tail else START
    data = {
        "type": "job.snapshot",
        "job_id": job.id,
        "seq": job.seq,
        "at": jobs.timestamp(now_ms()),
        "job": jobs.to_public(job),
        "draft": found.get("draft"),
    }
    text = orjson.dumps(data).decode()
    return ServerSentEvent(text, event="snapshot", id=cursor, retry=RECONNECT_MS), cursor


def _cursor(request: Request) -> str | None:
    """Where the client stopped reading: the header, which browsers send, wins over the query."""
    cursor = request.headers.get("last-event-id") or request.query_params.get("last_event_id")
    if not cursor:
        return None
    if not is_cursor(cursor):
        raise MalformedCursor(cursor)
    return cursor


async def _job(request: Request) -> Job:
    """The job that the address names, if it is the caller's."""
    app, job_id = state(request), request.path_params["job_id"]
    job = await app.store.get(job_id)
    return _owned(app, job)


async def _result(request: Request) -> tuple[Job, dict[str, Any]]:
    app, job_id = state(request), request.path_params["job_id"]
    job, found = await app.store.load(job_id, "result")
    _owned(app, job)
    if job.status != "succeeded":
        raise ResultNotReady(job.id, job.status, job.error)
    return job, found["result"]


def _owned(app: State, job: Job) -> Job:
    if job.owner != app.owner:
        raise JobNotFound(job.id)
    return job


def _whole_number(request: Request, name: str, *, default: int, most: int) -> int:
    text = request.query_params.get(name, str(default))
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise InvalidRequest([Fault(f"?{name}", f"Expected a whole number from 0 to {most}.")])
    return min(int(text), most)


routes = [
    Route("/v1/jobs", submit, methods=["POST"]),
    Route("/v1/jobs/{job_id}", show),
    Route("/v1/jobs/{job_id}/result", result),
    Route("/v1/jobs/{job_id}/rows", rows),
    Route("/v1/jobs/{job_id}/events", events),
    Route("/v1/jobs/{job_id}/deliveries", deliveries),
]
