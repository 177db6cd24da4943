"""Follow a job or batch: by its stream of events or, if they do not get through, by polling."""

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import TypeVar

import httpx
from httpx_sse import ServerSentEvent, SSEError
from pydantic import BaseModel

from nlp2filters.client import responses
from nlp2filters.client.errors import ServiceBusy
from nlp2filters.client.requests import BACKOFF, Call, Deadline, Requester

# A stream has a ping every 15 s: if nothing has come by then, something on the way is buffering it.
FIRST_EVENT_S = 20.0
SILENCE_S = 45.0
# `timeout_s` may be missed by this much.
SLACK_S = 1.0
POLL_S = 1.0
# This many connections in a row may bring no event; more are allowed once one has brought an event.
MAX_EMPTY_CONNECTIONS, MAX_EMPTY_CONNECTIONS_AFTER_EVENT = 3, 8

E = TypeVar("E")
M = TypeVar("M", bound=BaseModel)


class StreamUnavailable(Exception):
    """Events do not get through."""


async def follow(
    requester: Requester,
    path: str,
    read: Callable[[ServerSentEvent], E | None],
    poll: Callable[[str, Deadline], AsyncGenerator[E]],
    cursor: str | None,
    deadline: Deadline,
) -> AsyncGenerator[E]:
    """Yield the events of the job or batch at `path`. `read` reads one of a stream, `poll` yields them by polling."""
    try:
        async with aclosing(EventStream(requester, f"{path}/events", cursor, deadline).events()) as stream:
            async for raw_event in stream:
                if event := read(raw_event):
                    yield event
        return
    except StreamUnavailable:
        pass
    async with aclosing(poll(path, deadline)) as polling:
        async for event in polling:
            yield event


async def poll(requester: Requester, path: str, model: type[M], deadline: Deadline) -> AsyncGenerator[M]:
    """Yield the state of a job or batch again and again, as often as the service allows."""
    while True:
        response = await requester.send(Call("GET", path), deadline)
        yield responses.read(model, response.content)
        await requester.sleep(deadline.left_s(responses.retry_after_s(response) or POLL_S))


class EventStream:
    """The events of a stream after the cursor, each once, over as many connections as needed."""

    def __init__(self, requester: Requester, path: str, cursor: str | None, deadline: Deadline) -> None:
        self._requester, self._path, self._deadline = requester, path, deadline
        self._cursor = cursor
        # True once an event has come: the way is free, even if it breaks at times.
        self._proven = False
        self._empty_connections = 0
        self._ended = False
        self._reconnect_now = False

    async def events(self) -> AsyncGenerator[ServerSentEvent]:
        """Yield the events up to the last one.

        Raises:
            StreamUnavailable: events do not get through.
        """
        while not self._ended:
            retry_after_s, self._reconnect_now = None, False
            try:
                async with aclosing(self._connection()) as connection:
                    async for event in connection:
                        yield event
            except (httpx.TransportError, ServiceBusy) as exc:
                retry_after_s = self._retry_after_s(exc)
            if not self._ended and not self._reconnect_now:
                await self._pause(retry_after_s)

    async def _connection(self) -> AsyncGenerator[ServerSentEvent]:
        """Yield the events that come over one connection."""
        limit_s = self._deadline.left_s(SILENCE_S if self._proven else FIRST_EVENT_S)
        response = await self._requester.open_stream(self._path, self._cursor, limit_s)
        if response.status_code == 204:
            self._ended = True
            return
        async with aclosing(self._requester.events(response)) as events:
            async for event in events:
                if event.data:  # A ping has no data.
                    self._empty_connections, self._proven, self._cursor = 0, True, event.id or self._cursor
                    yield event
                if event.event == "done":
                    self._ended = True
                    return
                if self._deadline.left_s(limit_s) < limit_s - SLACK_S:
                    # A new connection gets a shorter limit: pings would hide that the time is up.
                    self._reconnect_now = True
                    return

    def _retry_after_s(self, failure: httpx.TransportError | ServiceBusy) -> float | None:
        """Return the wait that the service asks for.

        Raises:
            StreamUnavailable: after this failure, no other connection would bring events.
        """
        match failure:
            case SSEError():  # Something on the way has answered instead of the service.
                raise StreamUnavailable from failure
            case httpx.ReadTimeout() if not self._proven:
                raise StreamUnavailable from failure
            case ServiceBusy(status=429):  # There are too many streams, but polling is still allowed.
                raise StreamUnavailable from failure
            case ServiceBusy():
                return failure.retry_after_s
        return None

    async def _pause(self, retry_after_s: float | None) -> None:
        """Wait after a connection that broke before the last event.

        Raises:
            StreamUnavailable: too many connections in a row have brought no event.
        """
        limit = MAX_EMPTY_CONNECTIONS_AFTER_EVENT if self._proven else MAX_EMPTY_CONNECTIONS
        if self._empty_connections == limit:
            raise StreamUnavailable
        await self._requester.sleep(self._deadline.left_s(retry_after_s or BACKOFF.wait_s(self._empty_connections)))
        self._empty_connections += 1
