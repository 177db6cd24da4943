"""The endpoint for stream tokens, for clients that cannot send a header."""

from starlette.responses import Response

from nlp2filters.api import lookup
from nlp2filters.api.responses import JSON
from nlp2filters.api.routes import Call, Operation
from nlp2filters.clock import now_ms
from nlp2filters.core import jobs, schemas
from nlp2filters.core.requests import StreamTokenRequest
from nlp2filters.storage.api_keys import TOKEN_S


async def create(call: Call, body: StreamTokenRequest) -> Response:
    """Create a token for the events of a job or batch: valid for ten minutes, as `?token=` of `/events` and `/ws`."""
    services, owner = call.services, call.caller.owner
    if body.job_id:
        await lookup.job(services.store, owner, body.job_id)
    if body.batch_id:
        await lookup.batch(services.store, owner, body.batch_id)
    token = await services.tokens.create(call.caller, body.job_id or body.batch_id or "")
    return JSON({"token": token, "expires_at": jobs.timestamp(now_ms() + 1000 * TOKEN_S)}, status_code=201)


operations = [
    Operation(
        "POST",
        "/v1/stream-tokens",
        create,
        "jobs:read",
        {201: schemas.StreamToken},
        body=StreamTokenRequest,
        problems=("job-not-found", "batch-not-found", "outcome-unknown"),
        tag="streams",
    )
]
