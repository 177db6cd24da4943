"""Middleware for every response: security headers, a request id, one log line, and a span."""

import logging
import re
import time
import uuid
from urllib.parse import urlsplit, urlunsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from nlp2filters import logs, tracing

REQUEST_ID = "X-Request-ID"
_METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS")
# Monitoring calls these all the time: they are no spans, and log lines for debugging only.
_MONITORING = ("/healthz", "/readyz", "/metrics")
_CLIENT_ID = re.compile(r"[A-Za-z0-9._-]{8,200}", re.ASCII)
_log = logging.getLogger(__name__)

_PAGE_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
# The icons of the reference are in its style sheet.
REFERENCE_CSP = _PAGE_CSP.replace("img-src 'self'", "img-src 'self' data:")
# The page records questions; no other page, and nothing in a frame, uses a device by this service.
_PAGE_PERMISSIONS = "microphone=(self), camera=(), geolocation=()"
_API_CSP = "default-src 'none'; frame-ancestors 'none'"


class SecurityHeaders:
    """Response headers that keep browsers from doing more than the page needs. Answers of the API are never cached."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                page = headers.get("content-type", "").startswith("text/html")
                headers.setdefault("content-security-policy", _PAGE_CSP if page else _API_CSP)
                if page:
                    headers.setdefault("permissions-policy", _PAGE_PERMISSIONS)
                headers.setdefault("x-content-type-options", "nosniff")
                headers.setdefault("x-frame-options", "DENY")
                headers.setdefault("referrer-policy", "no-referrer")
                if message["status"] == 307:  # Starlette redirects for an extra or missing slash at the end.
                    headers["location"] = _relative(headers["location"])
                if scope["scheme"] == "https":
                    headers.setdefault("strict-transport-security", "max-age=31536000")
                if not scope["path"].startswith("/static/"):
                    headers.setdefault("cache-control", "no-store")
            await send(message)

        await self.app(scope, receive, with_headers)


def _route(scope: Scope) -> str:
    """Return the path pattern of the request's route, as a label that takes only a limited number of values."""
    path: str = getattr(scope.get("route"), "path", "unknown")
    return path


def _method(scope: Scope) -> str:
    """Return the method if some route might accept it, otherwise "other"."""
    return scope["method"] if scope["method"] in _METHODS else "other"


def _job_id(scope: Scope) -> str | None:
    """Return the job that the request is about, or that it has created."""
    job_id: str | None = scope.get("path_params", {}).get("job_id") or scope.get("state", {}).get("job_id")
    return job_id


def _relative(location: str) -> str:
    """Remove scheme and host from the address, as they may come from a forged `Host`."""
    parts = urlsplit(location)
    return urlunsplit(("", "", "/" + parts.path.lstrip("/"), parts.query, ""))


def _request_id(scope: Scope) -> str:
    """Return the id that the client, or a router in front of us, gave the request; otherwise a new one."""
    client_id = Headers(scope=scope).get(REQUEST_ID, "")
    return client_id if _CLIENT_ID.fullmatch(client_id) else uuid.uuid4().hex


class AccessLog:
    """A log line per request when its answer is complete: method, path without the query, status and duration.

    The request's id is in all lines logged meanwhile, in the answer, and in `request.state.request_id`.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        status, began = 0, time.monotonic()
        request_id = scope["state"]["request_id"] = _request_id(scope)

        async def send_and_log(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[REQUEST_ID] = request_id
                scope["state"]["services"].metrics.answered(
                    _method(scope), _route(scope), status, time.monotonic() - began
                )
            await send(message)

        with logs.about(request_id=request_id):
            try:
                await self.app(scope, receive, send_and_log)
            except Exception:
                status = 500
                raise
            finally:
                about = {"job_id": job_id} if (job_id := _job_id(scope)) else {}
                duration_ms = round(1000 * (time.monotonic() - began), 1)
                line = {"method": scope["method"], "path": scope["path"], "status": status, "duration_ms": duration_ms}
                level = logging.DEBUG if scope["path"] in _MONITORING else logging.INFO
                _log.log(level, "request", extra={**line, **about})


class Tracing:
    """A span per request, in the trace that the caller's `traceparent` names, by the conventions for HTTP servers.

    It has no query, header or body. https://opentelemetry.io/docs/specs/semconv/http/http-spans/
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in _MONITORING or not tracing.is_on():
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        parent = {name: ",".join(values) for name in tracing.HEADERS if (values := headers.getlist(name))}
        about = {"http.request.method": _method(scope), "url.scheme": scope["scheme"], "url.path": scope["path"]}

        async def send_and_note(message: Message) -> None:
            if message["type"] == "http.response.start":
                status: int = message["status"]
                span.set({"http.response.status_code": status})
                if status >= 500:
                    span.fail(str(status))
            await send(message)

        with tracing.span(_method(scope), "SERVER", about, parent=parent or None) as span:
            try:
                await self.app(scope, receive, send_and_note)
            finally:
                if "route" in scope:
                    span.rename(f"{_method(scope)} {_route(scope)}")
                    span.set({"http.route": _route(scope)})
                if job_id := _job_id(scope):
                    span.set({tracing.JOB_ID: job_id})
