"""Follow a job or batch to its end by Server-Sent Events or WebSocket, from a cursor or from a snapshot."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson
from sse_starlette import ServerSentEvent
from starlette.datastructures import Headers, QueryParams
from starlette.responses import Response, StreamingResponse
from starlette.routing import WebSocketRoute
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from nlp2filters.api import lookup
from nlp2filters.api.auth import authenticate
from nlp2filters.api.routes import Call, Operation, Param
from nlp2filters.api.services import Services, services
from nlp2filters.clock import now_ms
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
from nlp2filters.storage.api_keys import Caller
from nlp2filters.storage.errors import StorageError
from nlp2filters.storage.store import Store
from nlp2filters.storage.stream_events import StreamEvent, is_cursor
from nlp2filters.storage.streams import START, Events, Follower

RECONNECT_MS = 3000
SEND_TIMEOUT_S = 10
PING_S = 15
# A vanished client may still look connected, so every stream ends after this time. Clients return with their cursor.
MAX_STREAM_S = 900.0

# These close codes of WebSockets take the place of HTTP statuses.
CLOSED_NORMALLY, RECONNECT, TRY_LATER = 1000, 1001, 1013
CLOSE_CODES: dict[type[NLP2FiltersError], int] = {
    MalformedCursor: 4400,
    Unauthenticated: 4401,
    Forbidden: 4403,
    JobNotFound: 4404,
    BatchNotFound: 4404,
    TooManyStreams: 4429,
}

_log = logging.getLogger(__name__)


async def job_events(call: Call, job_id: str) -> Response:
    """Follow the job by Server-Sent Events.

    The stream begins with a `snapshot`, or with the events after the cursor, and ends after the event `done`. If the
    cursor is at the end, the response is 204, which stops browsers from reconnecting.
    """
    return await _event_source(call, await _job(call.services.store, call.caller.owner, job_id))


async def batch_events(call: Call, batch_id: str) -> Response:
    """Follow the batch by Server-Sent Events: a `job` event when a job ends, then `done`."""
    return await _event_source(call, await _batch(call.services, call.caller.owner, batch_id))


async def job_socket(socket: WebSocket) -> None:
    """Send the same events over WebSocket, each as JSON `{"id", "event", "data"}`; close with 1000 after the last."""
    await _serve_socket(socket)


@dataclass(frozen=True, slots=True)
class _Subject:
    """A job or batch to follow: its `state`, and its last two events, newest first, as they were before that was read.

    `metadata` is JSON, empty if there is none: it may have 16 kB, and so is not stored in every event.
    """

    id: str
    tail: Sequence[StreamEvent]
    state: Mapping[str, Any]
    metadata: str = ""

    def ends_at(self, cursor: str) -> bool:
        """Return True if the cursor is at the last event, so that no more can come."""
        return bool(self.tail) and self.tail[0].last and self.tail[0].id == cursor

    def follower(self, events: Events, cursor: str | None) -> Follower:
        """Create a follower from the cursor. Without one, it starts with a snapshot."""
        if cursor:
            return events.follower(self.id, cursor)
        snapshot = self._snapshot()
        return events.follower(self.id, snapshot.id, snapshot)

    def _snapshot(self) -> StreamEvent:
        """Return the current state as an event, with the cursor to follow from.

        The cursor is older than the state, so that no event is missed in between. If the job or batch has ended, the
        cursor is before its last event, which every follower gets.
        """
        earlier = [event.id for event in self.tail if not event.last]
        data = {**self.state, "at": jobs.timestamp(now_ms())}
        return StreamEvent(earlier[0] if earlier else START, "snapshot", orjson.dumps(data).decode())


async def _job(store: Store, owner: str, job_id: str) -> _Subject:
    tail, job, fields = await store.jobs.load_with_tail(job_id, "draft")
    if job.owner != owner:
        raise JobNotFound(job_id)
    public = jobs.to_public(job)
    state = {"type": "job.snapshot", "job_id": job.id, "seq": job.seq, "job": public, "draft": fields.get("draft")}
    return _Subject(job.id, tail, state, orjson.dumps(job.metadata).decode() if job.metadata else "")


async def _batch(services: Services, owner: str, batch_id: str) -> _Subject:
    tail = await services.events.tail(batch_id, 2)
    batch, _ = await lookup.batch(services.store, owner, batch_id)
    public = await lookup.public_batch(services.store, batch)
    return _Subject(batch.id, tail, {"type": "batch.snapshot", "batch_id": batch.id, "batch": public})


async def _event_source(call: Call, subject: _Subject) -> Response:
    accept = call.headers.get("accept", "*/*")
    if not any(kind in accept for kind in (SSE, "text/*", "*/*")):
        raise NotAcceptable(accept, SSE)
    events = call.services.events
    cursor = await _stored_cursor(events, subject.id, _requested_cursor(call.headers, call.query))
    if cursor and subject.ends_at(cursor):
        return Response(status_code=204)
    if call.request.method == "HEAD":
        return Response(media_type=SSE)
    return _Stream(call.services, call.caller, subject.follower(events, cursor), subject.metadata)


class _Stream(Response):
    """A response that sends events as they come. As there may be thousands, it has few tasks and shares its headers."""

    status_code = 200
    raw_headers = StreamingResponse(
        (), headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"}, media_type=SSE
    ).raw_headers

    def __init__(self, services: Services, caller: Caller, follower: Follower, metadata: str) -> None:
        self._services, self._caller, self._follower, self._metadata = services, caller, follower, metadata

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the events. An error of Redis ends the stream like its time limit, so that the client reconnects.

        Raises:
            TooManyStreams: nothing has been sent.
        """
        follower = self._follower

        async def send_one(event: StreamEvent | None) -> None:
            body = _encode(event, self._metadata) if event else _PING
            async with asyncio.timeout(SEND_TIMEOUT_S):
                await send({"type": "http.response.body", "body": body, "more_body": True})

        with self._services.streams.opened(self._caller, follower):
            watcher = asyncio.create_task(end_on_disconnect(receive, follower))
            try:
                await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
                async with follower:
                    await _forward(follower, send_one)
            except TimeoutError:
                _log.info("closing a stream whose client has stopped reading")
                return
            except StorageError as exc:
                _log.error("closing a stream because of Redis: %s", exc)
            finally:
                watcher.cancel()
            await send({"type": "http.response.body", "body": b"", "more_body": False})


@lru_cache(maxsize=64)
def _encode(event: StreamEvent, metadata: str) -> bytes:
    """Encode the event for sending, once for all followers of the same job."""
    retry = RECONNECT_MS if event.name == "snapshot" else None
    return ServerSentEvent(_with_metadata(event, metadata), event=event.name, id=event.id, retry=retry).encode()


def _with_metadata(event: StreamEvent, metadata: str) -> str:
    """Return the event's data with the job's metadata, which is not stored in every event."""
    if not metadata or "job" not in (data := orjson.loads(event.data)):
        return event.data
    data["job"]["metadata"] = orjson.Fragment(metadata)
    return orjson.dumps(data).decode()


_PING = ServerSentEvent(comment="ping").encode()


async def _serve_socket(socket: WebSocket) -> None:
    await socket.accept()
    try:
        opened = services(socket)
        caller = await authenticate(opened, socket, "jobs:read")
        subject = await _job(opened.store, caller.owner, socket.path_params["job_id"])
        cursor = await _stored_cursor(opened.events, subject.id, _requested_cursor(socket.headers, socket.query_params))
        if cursor and subject.ends_at(cursor):
            await socket.close(CLOSED_NORMALLY)
            return
        follower = subject.follower(opened.events, cursor)

        async def send_one(event: StreamEvent | None) -> None:
            if event:  # A ping is not needed: uvicorn keeps a WebSocket alive by itself.
                data = orjson.Fragment(_with_metadata(event, subject.metadata))
                message = {"id": event.id, "event": event.name, "data": data}
                async with asyncio.timeout(SEND_TIMEOUT_S):
                    await socket.send_text(orjson.dumps(message).decode())

        with opened.streams.opened(caller, follower):
            watcher = asyncio.create_task(end_on_disconnect(socket.receive, follower))
            try:
                async with follower:
                    complete = await _forward(follower, send_one)
            finally:
                watcher.cancel()
        if socket.client_state == WebSocketState.CONNECTED:
            await socket.close(CLOSED_NORMALLY if complete else RECONNECT)
    except NLP2FiltersError as exc:
        await socket.close(CLOSE_CODES.get(type(exc), TRY_LATER), str(exc)[:120])
    except StorageError:
        await socket.close(TRY_LATER, "The job store is not available.")
    except (WebSocketDisconnect, TimeoutError):
        pass


async def _forward(follower: Follower, send: Callable[[StreamEvent | None], Awaitable[None]]) -> bool:
    """Send events as they come, and None after a silence, until the follower has ended or 15 minutes have passed.

    Returns True if the last event was sent.
    """
    loop = asyncio.get_running_loop()
    sent_at = loop.time()
    deadline = sent_at + MAX_STREAM_S
    while not follower.ended and (now := loop.time()) < deadline:
        sent, last = await _send_all(await follower.next(min(sent_at + PING_S, deadline) - now), send)
        if last:
            return True
        if not sent and loop.time() >= sent_at + PING_S:
            await send(None)
            sent = 1
        if sent:
            sent_at = loop.time()
    return False


async def _send_all(events: Sequence[StreamEvent], send: Callable[[StreamEvent], Awaitable[None]]) -> tuple[int, bool]:
    """Send the events. Returns their number, and True if the last event of all was among them.

    It is a separate function so that a waiting stream does not keep the events in memory.
    """
    for event in events:
        await send(event)
        if event.last:
            return len(events), True
    return len(events), False


async def end_on_disconnect(receive: Receive, follower: Follower) -> None:
    """End the follower when the client disconnects; messages from the client are ignored."""
    while (await receive())["type"] not in ("http.disconnect", "websocket.disconnect"):
        pass
    follower.end()


def _requested_cursor(headers: Headers, query: QueryParams) -> str | None:
    """Read the client's cursor. The header, which browsers send, takes precedence over the query.

    Raises:
        MalformedCursor: it is not an event's id.
    """
    cursor = headers.get("last-event-id") or query.get("last_event_id")
    if not cursor:
        return None
    if not is_cursor(cursor):
        raise MalformedCursor(cursor)
    return cursor


async def _stored_cursor(events: Events, subject: str, cursor: str | None) -> str | None:
    """Return the cursor if its event is still in the stream, otherwise None."""
    return cursor if cursor and await events.contains(subject, cursor) else None


_ID = {"type": "string", "pattern": r"^\d{1,20}-\d{1,20}$"}
LAST_EVENT_ID = Param(
    name="Last-Event-ID", location="header", description="The id of the last event that you received.", schema=_ID
)
CURSOR = Param(
    name="last_event_id",
    location="query",
    description="The same as `Last-Event-ID`, for clients that cannot send headers.",
    schema=_ID,
)
TOKEN = Param(name="token", location="query", description="A stream token, for clients that cannot send headers.")
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
