"""Sessions of `/mcp` by the SDK, which takes half a second to load."""

from typing import Any

import httpx
from mcp.server.mcpserver import Context
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from nlp2filters.client import AsyncClient
from nlp2filters.mcp_tools import create_server

# They tell who calls, and for which site.
PASSED_ON = (b"authorization", b"host", b"origin")
MAX_BODY = 1_048_576


def sessions(app: ASGIApp) -> StreamableHTTPSessionManager:
    """Return new sessions, for one request, with tools that call `app` as the caller of the request does."""

    def client(context: "Context[Any, Request]") -> AsyncClient:
        request = context.request_context.request
        assert request
        return AsyncClient(transport=httpx.ASGITransport(_as_caller(app, request.scope)))

    server = create_server(client)
    # `authenticate` has looked at `Host` and `Origin`.
    security = TransportSecuritySettings(enable_dns_rebinding_protection=False)
    server.streamable_http_app(
        json_response=True, stateless_http=True, max_request_body_size=MAX_BODY, transport_security=security
    )
    return server.session_manager


def _as_caller(app: ASGIApp, outer: Scope) -> ASGIApp:
    """Return the app for requests that come from the caller of another one."""
    passed_on = [header for header in outer["headers"] if header[0] in PASSED_ON]
    same = {name: outer[name] for name in ("client", "server", "state")}

    async def called(scope: Scope, receive: Receive, send: Send) -> None:
        headers = [header for header in scope["headers"] if header[0] not in PASSED_ON]
        await app({**scope, **same, "headers": headers + passed_on}, receive, send)

    return called
