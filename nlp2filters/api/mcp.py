"""`/mcp`: tools for language models by Streamable HTTP, each used by the caller of the request.

A tool calls this service's own API within the process, with the headers of that request: keys, limits and records are
the same as for any other call.
"""

import asyncio

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from nlp2filters.api import on_demand
from nlp2filters.api.auth import authenticate
from nlp2filters.api.services import services

PATH = "/mcp"


class Endpoint:
    """The endpoint, whose tools call `app`. It keeps nothing between requests."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request: an ASGI application."""
        request = Request(scope, receive)
        await authenticate(services(request), request, "jobs:read")
        sessions = await asyncio.to_thread(on_demand.mcp_sessions, self._app)
        async with sessions.run():
            await sessions.handle_request(scope, receive, send)
