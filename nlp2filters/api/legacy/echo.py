"""The older polling API: `POST /embedding/echo`, then `GET /embedding/result/{id}` until it has a `result`."""

import orjson
from starlette.responses import Response

from nlp2filters.api import admission, lookup
from nlp2filters.api.body import read_json
from nlp2filters.api.preparation import new_id
from nlp2filters.api.responses import JSON
from nlp2filters.api.routes import Call, Operation
from nlp2filters.clock import now_ms
from nlp2filters.core import jobs, schemas
from nlp2filters.core.requests import Echo, validate
from nlp2filters.errors import InvalidRequest, JobNotFound, MalformedJSON, PayloadTooLarge, UnsupportedMediaType


async def echo(call: Call) -> Response:
    """Pass a text through both queues. The response to an unusable request is `{"error"}`, as older pages read it."""
    try:
        body = validate(Echo, await read_json(call.request))
    except (InvalidRequest, MalformedJSON, UnsupportedMediaType, PayloadTooLarge) as exc:
        return JSON({"error": str(exc)}, status_code=400)
    services, owner = call.services, call.caller.owner
    limits, rate_headers = await admission.admit(services, call.caller)
    job = jobs.create(new_id("job"), "echo", owner, now_ms(), deadline_s=services.settings.deadline_s, quick=True)
    await services.store.jobs.create(job, orjson.dumps(body.model_dump()), limits=limits)
    return JSON({"job_id": job.id}, status_code=202, headers=rate_headers)


async def result(call: Call, job_id: str) -> Response:
    """Return the text once it has passed both queues, and until then the job's status."""
    try:
        job, fields = await lookup.job_with(call.services.store, call.caller.owner, job_id, "result")
    except JobNotFound as exc:
        return JSON({"error": str(exc)}, status_code=404)
    if "result" in fields:
        return JSON({"result": fields["result"].get("text")})
    if job.error:
        return JSON({"error": job.error["detail"]})
    return JSON({"status": job.status})


async def health(call: Call) -> Response:
    """Check that the process is alive."""
    return JSON({"status": "ok"})


operations = [
    Operation(
        "POST",
        "/embedding/echo",
        echo,
        "jobs:write",
        {202: schemas.EchoJob},
        body={"application/json": {"schema": Echo.model_json_schema()}},
        problems=("malformed-json", "too-many-requests", "too-many-pending", "too-many-bytes", "overloaded"),
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
