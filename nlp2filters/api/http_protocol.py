"""uvicorn's HTTP protocol, with limits on a request's head, the pace of its body, and the number of connections.

Without them, anybody who reaches the port could use up its connections by silence, or the memory by headers. Requests
need no timers: connections record the time of their last event, and a sweep once a second closes overdue ones.
"""

import asyncio
import logging
import resource
from collections import OrderedDict
from typing import Any, ClassVar, TypeAlias
from weakref import WeakKeyDictionary

import httptools
import orjson
from starlette.types import Receive, Scope, Send
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from nlp2filters.api.batched_writes import BatchedWrites
from nlp2filters.api.services import Services
from nlp2filters.core.problems import problem
from nlp2filters.settings import Settings

# A request line and its header fields may have this many bytes.
MAX_HEAD = 64 * 1024
# Small header fields take thirty times their bytes as objects.
MAX_FIELDS = 100
# This many requests may wait behind the one that is being answered.
MAX_PIPELINED = 100
# The rate is in bytes per second, on average over BODY_TIMEOUT_S.
MIN_BODY_RATE = 500
# Closing with unread data resets the connection, and then the client may never see why it was refused.
LINGER_S = 2.0

# The setting MAX_CONNECTIONS takes precedence.
MAX_CONNECTIONS = 10_000
# When only these are left, requests are answered with 503, except for probes.
SPARE_CONNECTIONS = 16
# Listeners, logs, libraries and files that are being sent also need file descriptors.
RESERVED_FILES = 64
RETRY_AFTER_S = 5

_PROBES = (b"/healthz", b"/readyz")
_MALFORMED = ("malformed-http", "The request is not valid HTTP/1.1.")
_TOO_LARGE = (
    "headers-too-large",
    f"The request line and headers must not exceed {MAX_HEAD} bytes or {MAX_FIELDS} header fields.",
)
_FULL = ("too-many-connections", f"Too many connections are open. Try again in {RETRY_AFTER_S} seconds.")
_log = logging.getLogger(__name__)


def affordable_connections(settings: Settings) -> int:
    """Return the number of connections that the limit of open files allows; that limit is raised as far as possible."""
    limit = settings.max_connections or MAX_CONNECTIONS
    reserved = RESERVED_FILES + settings.redis_connections
    files, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if files == resource.RLIM_INFINITY:
        return limit
    if files < limit + reserved:
        target = limit + reserved if hard == resource.RLIM_INFINITY else min(limit + reserved, hard)
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (target, hard))
            files = target
        except (OSError, ValueError) as exc:
            _log.warning("could not raise the limit of open files, which stays at %d: %s", files, exc)
    affordable = min(limit, max(files - reserved, 2 * SPARE_CONNECTIONS))
    if affordable < settings.max_connections:
        _log.warning("%d open files allow only %d connections, fewer than MAX_CONNECTIONS", files, affordable)
    return affordable


Queue: TypeAlias = "OrderedDict[LimitedProtocol, None]"


class Connections:
    """The connections of one server. If there are too many, one is closed for a new one; overdue ones are closed, too.

    `fresh` connections have not sent a complete request head, `idle` ones are between two requests; both are sorted by
    waiting time, longest first. All others are in use.
    """

    _by_server: ClassVar[WeakKeyDictionary[ServerState, "Connections"]] = WeakKeyDictionary()

    def __init__(self, server: ServerState, services: Services) -> None:
        self.all = server.connections
        self.fresh: Queue = OrderedDict()
        self.idle: Queue = OrderedDict()
        self.metrics = services.metrics
        self.head_timeout_s = services.settings.header_timeout_s
        self.body_timeout_s = services.settings.body_timeout_s
        self._limit = services.max_connections
        self._interval_s = min(1.0, self.head_timeout_s / 4, self.body_timeout_s / 4)
        self._sweeping = False
        self.metrics.watch_connections(lambda: len(self.all))

    @classmethod
    def of(cls, server: ServerState, services: Services) -> "Connections":
        """Return the connections of `server`."""
        if server not in cls._by_server:
            cls._by_server[server] = cls(server, services)
        return cls._by_server[server]

    def add(self, connection: "LimitedProtocol") -> None:
        """Add a new connection, and close one if there are too many."""
        self._put(connection, self.fresh)
        if len(self.all) > self._limit:
            self._make_room(connection)
        if not self._sweeping:
            self._sweeping = True
            connection.loop.call_later(self._interval_s, self._sweep, connection.loop)

    def use(self, connection: "LimitedProtocol") -> bool:
        """Mark a connection as in use by a request. Returns True if there is capacity to answer it."""
        self.remove(connection)
        return len(self.all) - len(self.fresh) - len(self.idle) <= self._limit - SPARE_CONNECTIONS

    def rest(self, connection: "LimitedProtocol") -> None:
        """Mark a connection as idle, so that it may be closed to make room."""
        self.remove(connection)
        self._put(connection, self.idle)

    def remove(self, connection: "LimitedProtocol") -> None:
        """Remove a connection from the waiting ones: it is in use, or closed."""
        if connection.queue is not None:
            connection.queue.pop(connection, None)
            connection.queue = None

    def _put(self, connection: "LimitedProtocol", queue: Queue) -> None:
        queue[connection] = None
        connection.queue = queue

    def _make_room(self, newest: "LimitedProtocol") -> None:
        """Close the fresh connection that has waited longest; if there is none, an idle one, or else the newest."""
        victim = newest
        if len(self.fresh) > 1:
            victim, _ = self.fresh.popitem(last=False)
        elif self.idle:
            victim, _ = self.idle.popitem(last=False)
        self.metrics.connection_closed("full")
        victim.transport.abort()

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        self._sweeping = bool(self.all)
        if self._sweeping:
            loop.call_later(self._interval_s, self._sweep, loop)
        now = loop.time()
        for connection in list(self.all):
            if isinstance(connection, LimitedProtocol):  # The WebSocket protocol has its own timers.
                connection.check(now)


class LimitedProtocol(HttpToolsProtocol):
    """The protocol of one connection, in place of uvicorn's own."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.queue: Queue | None = None  # A waiting connection is in one of the queues.
        self._connections = Connections.of(server_state, app_state["services"])
        self._since = 0.0  # The current wait began at this time.
        # Bytes are counted from the end of the last head or piece of a body; fewer if these came together.
        self._size = 0
        self._in_body = False
        self._received = 0  # Bytes of the body are counted from `_since`.
        self._unsent, self._unsent_since = 0, 0.0
        self._room = True
        self._refusal = _MALFORMED  # An error in the parser is answered with this.
        self._refused = False
        self._answering: RequestResponseCycle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Count the connection."""
        super().connection_made(transport)
        self.transport = BatchedWrites(transport, self.loop)  # type: ignore[assignment]
        self._since = self.loop.time()
        self._connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop counting the connection, and tell the endpoint, even if other requests are queued behind its own."""
        self._connections.remove(self)
        self._disconnect()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse the data as uvicorn does, except for the refusals."""
        if self._refused:
            return
        if not self._size and not self._in_body:
            self._since = self.loop.time()
        self._size += len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            if self._should_upgrade():
                self.handle_websocket_upgrade()
            else:
                self._unsupported_upgrade_warning()
            return
        except httptools.HttpParserError:
            self._refuse(*self._refusal)
            return
        if self._size and (self._size > MAX_HEAD or (self.headers and len(self.headers) > MAX_FIELDS)):
            self._refuse(*_TOO_LARGE)

    def on_headers_complete(self) -> None:
        """Begin the request, or queue it behind another one."""
        if len(self.headers) > MAX_FIELDS or (self._size > MAX_HEAD and self._head_size() > MAX_HEAD):
            self._stop_parsing(*_TOO_LARGE)
        if len(self.pipeline) >= MAX_PIPELINED:
            self._stop_parsing(
                "malformed-http", f"More than {MAX_PIPELINED} pipelined requests are waiting for a response."
            )
        self._since = self.loop.time()
        self._size = self._received = 0
        self._room = self._connections.use(self) or self._is_probe()
        self.app = self.config.loaded_app if self._room else _unavailable
        super().on_headers_complete()
        if not self.pipeline:
            self._answering = self.cycle
        self._in_body = True
        if not self.parser.should_upgrade():
            self.headers = []  # Otherwise uvicorn adds trailers to the headers of a running request.

    def on_body(self, body: bytes) -> None:
        """Count the bytes."""
        self._size = 0
        self._received += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Expect the next request."""
        self._size = 0
        self._in_body = False
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Begin the next queued request, or wait for one, as uvicorn does, but without a timer for the wait."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self._since = self.loop.time()
        self.flow.resume_reading()
        if self.pipeline:
            self._answering, app = self.pipeline.pop()
            self._start_asgi_task(self._answering, app)
        else:
            self._connections.rest(self)

    def handle_websocket_upgrade(self) -> None:
        """Hand the connection over to the protocol of WebSockets."""
        if not self._room:
            self._refuse(*_FULL)
            return
        if isinstance(self.transport, BatchedWrites):
            self.transport = self.transport.bare
        super().handle_websocket_upgrade()
        protocol: Any = self.transport.get_protocol()
        if not protocol.handshake_initiated:  # Its library rejected the head, and would wait forever.
            self.transport.close()

    def check(self, now: float) -> None:
        """Close the connection if it has been waiting for its client for too long."""
        if self._is_stalled(now):
            self._connections.metrics.connection_closed("stalled")
            self.transport.abort()
        elif self.flow.read_paused:  # The client cannot be late while we do not read.
            self._since, self._received = now, 0
        elif not self.transport.is_closing():
            self._check_reading(now - self._since)

    def _check_reading(self, waited_s: float) -> None:
        limits = self._connections
        if self._refused:
            if waited_s > LINGER_S:
                self.transport.abort()
        elif not self._is_answered():
            if self._in_body and waited_s > limits.body_timeout_s:
                self._check_pace(waited_s)
        elif self._size or self._in_body:
            if waited_s > limits.head_timeout_s:
                self._refuse("request-timeout", f"The request was not complete after {limits.head_timeout_s:g} s.")
        elif waited_s > (self.timeout_keep_alive if self.cycle else limits.head_timeout_s):
            limits.metrics.connection_closed("silent")
            self.transport.close()

    def _check_pace(self, waited_s: float) -> None:
        if self._received < waited_s * MIN_BODY_RATE:
            self._refuse("request-timeout", f"Only {self._received} bytes of the body arrived in {waited_s:.0f} s.")
        else:
            self._since, self._received = self._since + waited_s, 0

    def _is_answered(self) -> bool:
        """Return True if every request read so far has its complete answer."""
        return self.cycle is None or self.cycle.response_complete

    def _is_stalled(self, now: float) -> bool:
        """Return True if the client has not read anything of its answer for a while."""
        unsent = self.transport.get_write_buffer_size()
        if unsent != self._unsent:
            self._unsent, self._unsent_since = unsent, now
        return unsent > 0 and now - self._unsent_since > self._connections.body_timeout_s

    def _is_probe(self) -> bool:
        return self.url.partition(b"?")[0] in _PROBES

    def _head_size(self) -> int:
        return len(self.url) + sum(len(name) + len(value) for name, value in self.headers)

    def _stop_parsing(self, slug: str, detail: str) -> None:
        self._refusal = slug, detail
        raise ValueError(detail)

    def _disconnect(self) -> None:
        """Tell the endpoint that its client is gone, and drop queued requests."""
        self.pipeline.clear()
        if self._answering and not self._answering.response_complete:
            self._answering.disconnected = True
            self._answering.message_event.set()

    def _refuse(self, slug: str, detail: str) -> None:
        """Answer with a problem, and close the connection once the client has had time to read it."""
        self._connections.metrics.connection_closed(slug)
        response_started = self._answering is not None and self._answering.response_started
        cut = response_started and not self._is_answered()  # The client would take a problem for a part of that answer.
        self._disconnect()
        self._refused, self._since = True, self.loop.time()
        self._connections.rest(self)
        self.flow.resume_reading()
        if cut or (self._in_body and self._is_answered()):
            self.transport.close()
            return
        status, headers, body = _problem(slug, detail)
        lines = [b"%b: %b\r\n" % field for field in self.server_state.default_headers + headers]
        self.transport.write(b"".join([STATUS_LINE[status], *lines, b"\r\n", body]))
        self.transport.write_eof()


def _problem(slug: str, detail: str) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    """Return the status, headers and body of an answer after which the connection is closed."""
    content = problem(slug, detail)
    body = orjson.dumps(content)
    headers = [
        (b"content-type", b"application/problem+json"),
        (b"content-length", b"%d" % len(body)),
        (b"cache-control", b"no-store"),
        (b"connection", b"close"),
    ]
    if content["status"] == 503:
        headers.append((b"retry-after", b"%d" % RETRY_AFTER_S))
    return content["status"], headers, body


async def _unavailable(scope: Scope, receive: Receive, send: Send) -> None:
    scope["state"]["services"].metrics.connection_closed(_FULL[0])
    status, headers, body = _problem(*_FULL)
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
