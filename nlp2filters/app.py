"""The web process: `uvicorn nlp2filters.app:create_app --factory`."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypedDict

from redis.exceptions import RedisError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from nlp2filters import logs
from nlp2filters.api import catalogs, jobs, operations, polling, responses
from nlp2filters.api.middleware import AccessLog, SecurityHeaders
from nlp2filters.api.state import State
from nlp2filters.connection import connect, warn_of_settings
from nlp2filters.errors import NLP2FiltersError
from nlp2filters.events import Events
from nlp2filters.keys import Keys
from nlp2filters.settings import Settings
from nlp2filters.store import Store

STATIC = Path(__file__).parent.parent / "static"


class _Lifespan(TypedDict):
    app: State


def create_app(settings: Settings | None = None) -> Starlette:
    """Make the application. Without `settings` the environment is read."""
    settings = settings or Settings.read(os.environ)
    logs.configure(settings.log_level)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[_Lifespan]:
        keys = Keys(settings.key_prefix)
        redis = connect(settings)
        await warn_of_settings(redis)
        async with Events(redis, keys) as events:
            yield {"app": State(settings, Store(redis, keys, retention_s=settings.retention_s), events)}
        await redis.aclose()

    return Starlette(
        routes=[
            Route("/", page),
            *jobs.routes,
            *catalogs.routes,
            *polling.routes,
            *operations.routes,
            Mount("/static", StaticFiles(directory=STATIC)),
        ],
        middleware=[
            Middleware(AccessLog),
            Middleware(SecurityHeaders),
            Middleware(
                CORSMiddleware,
                allow_origins=settings.cors_origins,
                allow_methods=["GET", "POST"],
                allow_headers=["Content-Type", "Last-Event-ID"],
                expose_headers=["Location", "Retry-After"],
            ),
        ],
        exception_handlers={
            NLP2FiltersError: responses.on_error,
            RedisError: responses.on_redis_error,
            HTTPException: responses.on_http_exception,
            Exception: responses.on_crash,
        },
        lifespan=lifespan,
    )


async def page(request: Request) -> Response:
    """The page."""
    return FileResponse(STATIC / "index.html")
