"""`/mcp`: tools for language models by Streamable HTTP, each used by the caller of the request.

A tool calls this service's own API within the process, with the headers of that request: keys, limits and records are
the same as for any other call. The SDK, which takes half a second to load, is loaded by the first request.
"""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import httpx
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from nlp2filters.api.auth import authenticate
from nlp2filters.api.services import services
from nlp2filters.client import AsyncClient

if TYPE_CHECKING:
    from mcp.server.mcpserver import Context
    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

PATH = "/mcp"
# They tell who calls, and for which site.
PASSED_ON = (b"authorization", b"host", b"origin")
MAX_BODY = 1_048_576


class Endpoint:
    """The endpoint, whose tools call `app`. It keeps nothing between requests."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request: an ASGI application."""
        request = Request(scope, receive)
        await authenticate(services(request), request, "jobs:read")
        sessions = (await asyncio.to_thread(self._load))()
        async with sessions.run():
            await sessions.handle_request(scope, receive, send)

    def _load(self) -> Callable[[], "StreamableHTTPSessionManager"]:
        """Load the SDK, and return what makes its sessions."""
        from mcp.server.transport_security import TransportSecuritySettings

        from nlp2filters.mcp_tools import create_server

        # `authenticate` has looked at `Host` and `Origin`.
        security = TransportSecuritySettings(enable_dns_rebinding_protection=False)

        def sessions() -> "StreamableHTTPSessionManager":
            server = create_server(self._client)
            server.streamable_http_app(
                json_response=True, stateless_http=True, max_request_body_size=MAX_BODY, transport_security=security
            )
            return server.session_manager

        return sessions

    def _client(self, context: "Context[Any, Request]") -> AsyncClient:
        """Return a client that calls the app as the caller of the request does."""
        request = context.request_context.request
        assert request
        outer: Scope = request.scope
        passed_on = [header for header in outer["headers"] if header[0] in PASSED_ON]

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            headers = [header for header in scope["headers"] if header[0] not in PASSED_ON]
            same = {name: outer[name] for name in ("client", "server", "state")}
            await self._app({**scope, **same, "headers": headers + passed_on}, receive, send)

        return AsyncClient(transport=httpx.ASGITransport(app))
