"""Follow a job or a batch: Server-Sent Events and WebSocket, from a cursor or from a snapshot, to the end."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import aclosing, contextmanager
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import anyio
import orjson
from redis.exceptions import RedisError
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.routing import WebSocketRoute
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from nlp2filters.api import lookup
from nlp2filters.api.auth import authenticate, caller
from nlp2filters.api.routes import Operation, Param
from nlp2filters.api.state import State, state
from nlp2filters.core import jobs, schemas
from nlp2filters.core.schemas import SSE
from nlp2filters.errors import (
    BatchNotFound,
    Forbidden,
    JobNotFound,
    MalformedCursor,
    NLP2FiltersError,
    NotAcceptable,
    TooManyStreams,
    Unauthenticated,
)
from nlp2filters.events import START, Event, is_cursor
from nlp2filters.store import now_ms

RECONNECT_MS = 3000
STOP_GRACE_S = 5.0
SEND_TIMEOUT_S = 10
PING_S = 15
MAX_STREAM_S = 900.0  # a vanished client may look connected: whoever is still there comes back with its cursor

# Of WebSockets: what an HTTP status would have said.
CLOSED_NORMALLY, COME_BACK, TRY_LATER = 1000, 1001, 1013
CLOSE_CODES: dict[type[NLP2FiltersError], int] = {
    MalformedCursor: 4400,
    Unauthenticated: 4401,
    Forbidden: 4403,
    JobNotFound: 4404,
    BatchNotFound: 4404,
    TooManyStreams: 4429,
}

Snapshot = Callable[[State, str], Awaitable[dict[str, Any]]]


async def job_events(request: Request) -> Response:
    """Follow the job by Server-Sent Events.

    First comes a `snapshot`, or what follows the cursor; `done` is the last event, after which the stream ends. A
    cursor at the end is answered with 204, which stops a browser's reconnecting.
    """
    job = await lookup.job(request)
    return await _event_source(request, job.id, _job_snapshot, job.metadata)


async def batch_events(request: Request) -> Response:
    """Follow the batch by Server-Sent Events: a `job` event at each job's end, then `done`."""
    batch, _ = await lookup.batch(request)
    return await _event_source(request, batch.id, _batch_snapshot)


async def job_socket(socket: WebSocket) -> None:
    """The same events over WebSocket, each a JSON text `{"id", "event", "data"}`; closed with 1000 after the last."""
    await _serve_socket(socket)


async def _event_source(
    request: Request, subject: str, snapshot: Snapshot, metadata: Mapping[str, Any] = MappingProxyType({})
) -> Response:
    accept = request.headers.get("accept", "*/*")
    if not any(kind in accept for kind in (SSE, "text/*", "*/*")):
        raise NotAcceptable(accept, SSE)
    app = state(request)
    cursor = await _held(app, subject, _cursor(request))
    if cursor and await _at_end(app, subject, cursor):
        return Response(status_code=204)
    if request.method == "HEAD":
        return Response(media_type=SSE)
    stopping = anyio.Event()
    events = _with_metadata(_follow(app, subject, cursor, snapshot, stopping), metadata)
    return _Stream(request, events, stopping)


class _Stream(EventSourceResponse):
    """Events as they come; until the last is sent, or the client has gone, the caller has one stream more."""

    def __init__(self, request: Request, events: AsyncGenerator[Event], stopping: anyio.Event) -> None:
        super().__init__(
            (_sse(event) async for event in events),
            ping=PING_S,
            send_timeout=SEND_TIMEOUT_S,
            shutdown_event=stopping,
            shutdown_grace_period=STOP_GRACE_S,
        )
        self._request, self._events = request, events

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send them.

        Raises:
            TooManyStreams: the caller has as many as it may; nothing was sent.
        """
        with _one_more(self._request):
            async with aclosing(self._events):
                await super().__call__(scope, receive, send)


def _sse(event: Event) -> ServerSentEvent:
    retry = RECONNECT_MS if event.name == "snapshot" else None
    return ServerSentEvent(event.data, event=event.name, id=event.id, retry=retry)


async def _serve_socket(socket: WebSocket) -> None:
    await socket.accept()
    try:
        await authenticate(socket, "jobs:read")
        job = lookup.owned(socket, await state(socket).store.get(socket.path_params["job_id"]))
        cursor = await _held(state(socket), job.id, _cursor(socket))
        if cursor and await _at_end(state(socket), job.id, cursor):
            await socket.close(CLOSED_NORMALLY)
            return
        events = _follow(state(socket), job.id, cursor, _job_snapshot, anyio.Event())
        following = _with_metadata(events, job.metadata)
        with _one_more(socket):
            async with aclosing(following):
                sending = asyncio.ensure_future(_send_all(socket, following))
                leaving = asyncio.ensure_future(_left(socket))
                done, others = await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
                for task in others:
                    task.cancel()
                await asyncio.gather(*others, return_exceptions=True)
        if sending in done:
            await socket.close(CLOSED_NORMALLY if sending.result() else COME_BACK)
    except NLP2FiltersError as exc:
        await socket.close(CLOSE_CODES.get(type(exc), TRY_LATER), str(exc)[:120])
    except RedisError:
        await socket.close(TRY_LATER, "The job store does not answer.")
    except (WebSocketDisconnect, TimeoutError):
        pass


async def _send_all(socket: WebSocket, following: AsyncIterator[Event]) -> bool:
    """Whether the last event was among them."""
    async for event in following:
        message = {"id": event.id, "event": event.name, "data": orjson.Fragment(event.data)}
        async with asyncio.timeout(SEND_TIMEOUT_S):
            await socket.send_text(orjson.dumps(message).decode())
        if event.last:
            return True
    return False


async def _left(socket: WebSocket) -> None:
    """Until the client has gone; what it says is not listened to."""
    while (await socket.receive())["type"] != "websocket.disconnect":
        pass


async def _follow(
    app: State, subject: str, cursor: str | None, snapshot: Snapshot, stopping: anyio.Event
) -> AsyncGenerator[Event]:
    """A snapshot where there is no cursor, then what follows, to the end; or until the process stops, or 15 min."""
    if cursor is None:
        first, cursor = await _snapshot(app, subject, snapshot)
        yield first
    following = app.events.follow(subject, cursor)
    stop = asyncio.ensure_future(stopping.wait())
    deadline = asyncio.get_running_loop().time() + MAX_STREAM_S
    upcoming: asyncio.Future[Event | None] | None = None
    try:
        while True:
            upcoming = asyncio.ensure_future(anext(following, None))
            left_s = deadline - asyncio.get_running_loop().time()
            await asyncio.wait({upcoming, stop}, timeout=left_s, return_when=asyncio.FIRST_COMPLETED)
            if not upcoming.done():
                upcoming.cancel()
                await asyncio.gather(upcoming, return_exceptions=True)
                return
            event = upcoming.result()
            if event is None:
                return
            yield event
    finally:
        stop.cancel()
        if upcoming:
            upcoming.cancel()  # or it would follow on for a client that has gone


async def _with_metadata(events: AsyncGenerator[Event], metadata: Mapping[str, Any]) -> AsyncGenerator[Event]:
    """The events with the job's metadata, which its stream leaves out: it may be 16 kB in each."""
    async with aclosing(events):
        async for event in events:
            if metadata and "job" in (data := orjson.loads(event.data)):
                data["job"]["metadata"] = metadata
                event = replace(event, data=orjson.dumps(data).decode())
            yield event


async def _snapshot(app: State, subject: str, snapshot: Snapshot) -> tuple[Event, str]:
    """How it is now, and the cursor to follow on from.

    The cursor is read before the state, so that nothing falls between; it stays before the last event of
    what has ended, which every follower gets to see.
    """
    tail = await app.events.tail(subject, 2)
    if tail and tail[0].last:
        tail = tail[1:]
    cursor = tail[0].id if tail else START
    data = {**await snapshot(app, subject), "at": jobs.timestamp(now_ms())}
    return Event(cursor, "snapshot", orjson.dumps(data).decode()), cursor


async def _job_snapshot(app: State, job_id: str) -> dict[str, Any]:
    job, found = await app.store.load(job_id, "draft")
    public = jobs.to_public(job)
    return {"type": "job.snapshot", "job_id": job.id, "seq": job.seq, "job": public, "draft": found.get("draft")}


async def _batch_snapshot(app: State, batch_id: str) -> dict[str, Any]:
    batch, _ = await app.store.batch(batch_id)
    return {"type": "batch.snapshot", "batch_id": batch.id, "batch": await lookup.batch_now(app, batch)}


@contextmanager
def _one_more(connection: HTTPConnection) -> Iterator[None]:
    """The caller has one stream more while inside. Nothing is awaited between looking and counting.

    Raises:
        TooManyStreams: it has as many as it may.
    """
    app, who = state(connection), caller(connection)
    if who.limited and app.streams[who.owner] >= app.settings.max_streams:
        raise TooManyStreams(app.settings.max_streams)
    app.streams[who.owner] += 1
    try:
        yield
    finally:
        app.streams[who.owner] -= 1
        if not app.streams[who.owner]:
            del app.streams[who.owner]


def _cursor(connection: HTTPConnection) -> str | None:
    """Where the client stopped reading: the header, which browsers send, wins over the query."""
    cursor = connection.headers.get("last-event-id") or connection.query_params.get("last_event_id")
    if not cursor:
        return None
    if not is_cursor(cursor):
        raise MalformedCursor(cursor)
    return cursor


async def _held(app: State, subject: str, cursor: str | None) -> str | None:
    """The cursor, if the stream still has the entry after which it stands."""
    return cursor if cursor and await app.events.holds(subject, cursor) else None


async def _at_end(app: State, subject: str, cursor: str) -> bool:
    """Whether nothing comes after the cursor, ever."""
    tail = await app.events.tail(subject, 1)
    return bool(tail) and tail[0].last and tail[0].id == cursor


_ID = {"type": "string", "pattern": r"^\d{1,20}-\d{1,20}$"}
LAST_EVENT_ID = Param(
    name="Last-Event-ID", place="header", description="Id of the last event that arrived.", schema=_ID
)
CURSOR = Param(name="last_event_id", place="query", description="The same, where a header cannot be sent.", schema=_ID)
TOKEN = Param(name="token", place="query", description="A stream token, where a header cannot be sent.")
_PROBLEMS = ("malformed-cursor", "not-acceptable", "too-many-streams")

operations = [
    Operation(
        "GET",
        "/v1/jobs/{job_id}/events",
        job_events,
        "jobs:read",
        {200: schemas.JobEvent, 204: None},
        params=(LAST_EVENT_ID, CURSOR, TOKEN),
        problems=("job-not-found", *_PROBLEMS),
    ),
    Operation(
        "GET",
        "/v1/batches/{batch_id}/events",
        batch_events,
        "jobs:read",
        {200: schemas.BatchEvent, 204: None},
        params=(LAST_EVENT_ID, CURSOR, TOKEN),
        problems=("batch-not-found", *_PROBLEMS),
        tag="batches",
    ),
]
socket_routes = [WebSocketRoute("/v1/jobs/{job_id}/ws", job_socket)]
