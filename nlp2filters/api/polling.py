"""The older polling API: `POST /embedding/echo`, then `GET /embedding/result/{id}` until it has a `result`."""

import uuid

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from nlp2filters.api.body import read_json
from nlp2filters.api.responses import JSON
from nlp2filters.api.state import state
from nlp2filters.api.submission import Echo, checked
from nlp2filters.core import jobs
from nlp2filters.errors import JobNotFound
from nlp2filters.store import now_ms


async def echo(request: Request) -> Response:
    """Embed a text and give it back."""
    asked = checked(Echo, await read_json(request))
    app = state(request)
    job = jobs.create(f"job_{uuid.uuid4().hex}", "echo", app.owner, now_ms(), deadline_s=app.settings.deadline_s)
    await app.store.create(job, orjson.dumps(asked.model_dump()), max_backlog=app.settings.max_backlog)
    return JSON({"job_id": job.id}, status_code=202)


async def result(request: Request) -> Response:
    """The text once it has been embedded; until then the status."""
    job_id = request.path_params["job_id"]
    try:
        job, found = await state(request).store.load(job_id, "result")
    except JobNotFound as exc:
        return JSON({"error": str(exc)}, status_code=404)
    if "result" in found:
        return JSON({"result": found["result"]["text"]})
    if job.error:
        return JSON({"error": job.error["detail"]})
    return JSON({"status": job.status})


async def health(request: Request) -> Response:
    """The process is alive."""
    return JSON({"status": "ok"})


routes = [
    Route("/embedding/echo", echo, methods=["POST"]),
    Route("/embedding/result/{job_id}", result),
    Route("/health", health),
]
