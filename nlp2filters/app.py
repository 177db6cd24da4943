"""The web process, which `nlp2filters web` runs."""

import asyncio
import gc
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypedDict

from async_lru import alru_cache
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from nlp2filters import logs, tracing
from nlp2filters.api import (
    analyses,
    answers,
    batches,
    catalogs,
    code_search,
    compilation,
    demo_rows,
    dialects,
    event_streams,
    inference,
    jobs,
    mcp,
    monitoring,
    openapi,
    operator,
    owners,
    pages,
    responses,
    rows,
    stream_tokens,
    transcriptions,
    webhook_deliveries,
)
from nlp2filters.api.http_protocol import affordable_connections
from nlp2filters.api.legacy import echo, send
from nlp2filters.api.metrics import Metrics
from nlp2filters.api.middleware import REQUEST_ID, AccessLog, SecurityHeaders, Tracing
from nlp2filters.api.open_streams import Streams
from nlp2filters.api.responses import JSON
from nlp2filters.api.routes import routes
from nlp2filters.api.services import Services
from nlp2filters.core import kinds
from nlp2filters.errors import NLP2FiltersError
from nlp2filters.settings import Settings
from nlp2filters.storage.api_keys import ApiKeys, StreamTokens
from nlp2filters.storage.blobs.store import open_blobs
from nlp2filters.storage.catalogs import Catalogs
from nlp2filters.storage.connection import connect, warn_about_config
from nlp2filters.storage.errors import StorageError
from nlp2filters.storage.index_requests import IndexRequests
from nlp2filters.storage.rate_limits import Backpressure
from nlp2filters.storage.redis_keys import Keys
from nlp2filters.storage.store import Store
from nlp2filters.storage.streams import Events

OPERATIONS = [
    *jobs.operations,
    *answers.operations,
    *event_streams.operations,
    *batches.operations,
    *webhook_deliveries.operations,
    *inference.operations,
    *rows.operations,
    *analyses.operations,
    *code_search.operations,
    *transcriptions.operations,
    *catalogs.operations,
    *compilation.operations,
    *demo_rows.operations,
    *dialects.operations,
    *stream_tokens.operations,
    *monitoring.operations,
    *operator.operations,
    *owners.operations,
    *echo.operations,
    *send.operations,
]
_ALLOWED_HEADERS = ("Authorization", "Content-Type", "Idempotency-Key", "If-None-Match", "Last-Event-ID", "Prefer")


# New objects, and collections of the younger generation, after which the garbage collector looks at a generation.
COLLECT_AFTER = (10_000, 20, 50)


class _Lifespan(TypedDict):
    services: Services


def create_app(settings: Settings | None = None) -> Starlette:
    """Create the application. Without `settings`, it reads the environment."""
    settings = settings or Settings.read(os.environ)
    logs.configure(settings.log_level, settings.log_format, "web")
    kinds.load(settings.extra_kinds)

    @alru_cache
    async def document() -> bytes:
        return bytes(JSON(await asyncio.to_thread(openapi.document, OPERATIONS)).body)

    async def openapi_document(request: Request) -> Response:
        """Serve the OpenAPI 3.1 document. The first request takes some tenths of a second to make it."""
        return Response(await document(), media_type=JSON.media_type)

    async def itself(scope: Scope, receive: Receive, send: Send) -> None:
        await application(scope, receive, send)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[_Lifespan]:
        keys = Keys(settings.key_prefix)
        redis = connect(settings)
        await warn_about_config(redis)
        catalog_ttl_ms = 1000 * (settings.deadline_s + 2 * settings.retention_s)
        api_keys = ApiKeys(redis, keys)
        async with (
            Events(redis, keys) as events,
            Streams(api_keys, settings.max_streams) as streams,
            open_blobs(settings, redis, keys) as blobs,
        ):
            services = Services(
                settings,
                Store(redis, keys, retention_s=settings.retention_s),
                events,
                api_keys,
                StreamTokens(redis, keys),
                Catalogs(redis, keys, kept_ms=catalog_ttl_ms, retention_ms=1000 * settings.retention_s),
                IndexRequests(redis, keys),
                blobs,
                Backpressure(redis, settings.max_memory_share),
                Metrics(),
                streams,
                affordable_connections(settings),
            )
            with tracing.recording("web", os.environ):
                _collect_seldom()
                yield {"services": services}
        await redis.aclose()

    application = Starlette(
        routes=[
            *routes(OPERATIONS),
            *event_streams.socket_routes,
            Route("/openapi.json", openapi_document),
            Route(mcp.PATH, mcp.Endpoint(itself)),
            *pages.routes,
        ],
        middleware=[
            Middleware(Tracing),
            Middleware(AccessLog),
            Middleware(SecurityHeaders),
            Middleware(
                CORSMiddleware,
                allow_origins=settings.cors_origins,
                allow_methods=["GET", "POST", "PUT", "DELETE"],
                allow_headers=[*_ALLOWED_HEADERS, REQUEST_ID],
                expose_headers=[*openapi.HEADERS, REQUEST_ID],
            ),
        ],
        exception_handlers={
            NLP2FiltersError: responses.on_error,
            StorageError: responses.on_redis_error,
            HTTPException: responses.on_http_exception,
            ClientDisconnect: responses.on_disconnect,
            Exception: responses.on_crash,
        },
        lifespan=lifespan,
    )
    return application


def _collect_seldom() -> None:
    """Let the garbage collector pass over all that there is once the process is ready, and look at the rest less often.

    Otherwise, it stops all requests for tens of milliseconds now and then, to look at modules.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT_AFTER)
