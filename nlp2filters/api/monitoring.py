"""Health checks and metrics, for people, load balancers and monitoring."""

import asyncio
from typing import Any

from starlette.responses import Response

from nlp2filters import __version__
from nlp2filters.api.metrics import MEDIA_TYPE
from nlp2filters.api.provider_states import provider_states
from nlp2filters.api.responses import JSON
from nlp2filters.api.routes import Call, Operation, Param
from nlp2filters.core import schemas
from nlp2filters.storage.errors import StorageError

READY_TIMEOUT_S = 2.0


async def healthz(call: Call) -> Response:
    """Check that the process is alive."""
    return JSON({"status": "ok", "version": __version__})


async def readyz(call: Call) -> Response:
    """Check that jobs can be accepted: Redis answers. With `?workers=true`, every queue must also have a worker."""
    try:
        async with asyncio.timeout(READY_TIMEOUT_S):
            workers = await call.services.store.stats.workers()
            providers = await provider_states(call.services.store)
    except (StorageError, OSError, TimeoutError):
        return JSON({"status": "unavailable", "redis": False, "workers": {}}, status_code=503)
    ready = all(workers.values()) or call.query.get("workers") != "true"
    body: dict[str, Any] = {
        "status": "ready" if ready else "starting",
        "redis": True,
        "workers": workers,
        "providers": providers,
    }
    return JSON(body, status_code=200 if ready else 503)


async def metrics(call: Call) -> Response:
    """Show metrics in Prometheus's text format: of this web process, and of the queues that all processes share."""
    app = call.services
    content = await app.metrics.render(app.store, len(app.streams))
    return Response(content, media_type=MEDIA_TYPE)


operations = [
    Operation("GET", "/healthz", healthz, None, {200: schemas.Health}, tag="service"),
    Operation(
        "GET",
        "/readyz",
        readyz,
        None,
        {200: schemas.Readiness, 503: schemas.Readiness},
        params=(
            Param(name="workers", location="query", description="With `true`, every queue must also have a worker."),
        ),
        tag="service",
    ),
    Operation("GET", "/metrics", metrics, "admin", {200: MEDIA_TYPE}, tag="service"),
]
