"""The least that a route can do which accepts something: read JSON, wait for one command of Redis, answer."""

import os

from redis.asyncio import Redis
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

REDIS = Redis.from_url(os.environ["REDIS_URL"])


async def accept(request: Request) -> JSONResponse:
    """Count the request."""
    body = await request.json()
    return JSONResponse({"number": await REDIS.incr("requests"), "catalog": body["catalog"]}, 202)


async def ready(request: Request) -> JSONResponse:
    """Say that the process runs."""
    return JSONResponse({})


app = Starlette(routes=[Route("/", accept, methods=["POST"]), Route("/", ready)])
