"""Whether the service is up, for people and for load balancers."""

import asyncio
from typing import Any

from redis.exceptions import RedisError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from nlp2filters import __version__
from nlp2filters.api.responses import JSON
from nlp2filters.api.state import State, state
from nlp2filters.queue import FUNCTIONS
from nlp2filters.store import now_ms

READY_TIMEOUT_S = 2.0


async def healthz(request: Request) -> Response:
    """The process is alive."""
    return JSON({"status": "ok", "version": __version__})


async def readyz(request: Request) -> Response:
    """Jobs can be accepted: Redis answers. `?workers=true` asks too that every queue has a worker."""
    try:
        async with asyncio.timeout(READY_TIMEOUT_S):
            workers = await _workers(state(request))
    except (RedisError, OSError, TimeoutError):
        return JSON({"status": "unavailable", "redis": False, "workers": {}}, status_code=503)
    ready = all(workers.values()) or request.query_params.get("workers") != "true"
    body: dict[str, Any] = {"status": "ready" if ready else "starting", "redis": True, "workers": workers}
    return JSON(body, status_code=200 if ready else 503)


async def _workers(app: State) -> dict[str, int]:
    """How many workers each queue has."""
    async with app.store.redis.pipeline(transaction=False) as pipe:
        for stage in FUNCTIONS:
            pipe.zcount(app.store.keys.workers(stage), now_ms(), "+inf")
        return dict(zip(FUNCTIONS, await pipe.execute(), strict=True))


routes = [Route("/healthz", healthz), Route("/readyz", readyz)]
