"""The endpoint for stream tokens, for clients that cannot send a header."""

from starlette.requests import Request
from starlette.responses import Response

from nlp2filters.api import lookup
from nlp2filters.api.auth import caller
from nlp2filters.api.body import read_json
from nlp2filters.api.responses import JSON
from nlp2filters.api.routes import Operation
from nlp2filters.api.state import state
from nlp2filters.api.submission import StreamTokenRequest, checked
from nlp2filters.clock import now_ms
from nlp2filters.core import jobs, schemas
from nlp2filters.errors import BatchNotFound
from nlp2filters.storage.api_keys import TOKEN_S


async def create(request: Request) -> Response:
    """Create a token for the events of a job or batch, valid ten minutes, as `?token=` for `/events` and `/ws`."""
    asked = checked(StreamTokenRequest, await read_json(request))
    app, maker = state(request), caller(request)
    if asked.job_id:
        lookup.owned(request, await app.store.jobs.get(asked.job_id))
    if asked.batch_id and (await app.store.batches.get(asked.batch_id))[0].owner != maker.owner:
        raise BatchNotFound(asked.batch_id)
    token = await app.tokens.create(maker, asked.job_id or asked.batch_id or "")
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
