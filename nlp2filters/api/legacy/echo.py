"""The older polling API: `POST /embedding/echo`, then `GET /embedding/result/{id}` until it has a `result`."""

import orjson
from starlette.requests import Request
from starlette.responses import Response

from nlp2filters.api import admission
from nlp2filters.api.auth import caller
from nlp2filters.api.body import read_json
from nlp2filters.api.lookup import owned
from nlp2filters.api.responses import JSON
from nlp2filters.api.routes import Operation
from nlp2filters.api.state import state
from nlp2filters.api.submission import Echo, checked
from nlp2filters.clock import now_ms
from nlp2filters.core import jobs, schemas
from nlp2filters.errors import JobNotFound


async def echo(request: Request) -> Response:
    """Embed a text and return it."""
    asked = checked(Echo, await read_json(request))
    limits, rate = await admission.admit(request)
    app, owner = state(request), caller(request).owner
    job = jobs.create(admission.new_id("job"), "echo", owner, now_ms(), deadline_s=app.settings.deadline_s)
    await app.store.jobs.create(job, orjson.dumps(asked.model_dump()), limits=limits)
    return JSON({"job_id": job.id}, status_code=202, headers=rate)


async def result(request: Request) -> Response:
    """Show the text once it has been embedded; until then, the status."""
    job_id = request.path_params["job_id"]
    try:
        job, found = await state(request).store.jobs.load(job_id, "result")
        owned(request, job)
    except JobNotFound as exc:
        return JSON({"error": str(exc)}, status_code=404)
    if "result" in found:
        return JSON({"result": found["result"].get("text")})
    if job.error:
        return JSON({"error": job.error["detail"]})
    return JSON({"status": job.status})


async def health(request: Request) -> Response:
    """Check that the process is alive."""
    return JSON({"status": "ok"})


operations = [
    Operation(
        "POST",
        "/embedding/echo",
        echo,
        "jobs:write",
        {202: schemas.EchoJob},
        body=Echo,
        problems=("too-many-requests", "too-many-pending", "too-many-bytes", "overloaded"),
        tag="older",
    ),
    Operation(
        "GET",
        "/embedding/result/{job_id}",
        result,
        "jobs:read",
        {200: schemas.EchoResult},
        problems=("job-not-found",),
        tag="older",
    ),
    Operation("GET", "/health", health, None, {200: schemas.Health}, tag="older"),
]
