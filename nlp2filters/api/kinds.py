"""Accept requests of every kind of job: a row says how a kind's request is checked and becomes a job."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

import orjson
from pydantic import BaseModel
from starlette.requests import Request

from nlp2filters.api import admission
from nlp2filters.api.auth import caller
from nlp2filters.api.preparing import Member, Preparation
from nlp2filters.api.state import state
from nlp2filters.core import jobs
from nlp2filters.core.kinds import DEFAULT, JOBS_PATH, accepted_at
from nlp2filters.core.requests import JobRequest, validate
from nlp2filters.storage import request_parts
from nlp2filters.storage.store import now_ms

Prepare: TypeAlias = Callable[[Request, Any], Awaitable[Member]]


def read(data: object) -> Any:
    """Validate a body that was posted to `/v1/jobs` as a request of the kind that it names.

    Raises:
        InvalidRequest: it has faults. A kind that is not accepted there is one of them.
    """
    accepted = accepted_at(JOBS_PATH)
    name = data.get("kind") if isinstance(data, dict) else None
    kind = accepted[name if isinstance(name, str) and name in accepted else DEFAULT]
    return validate(kind.request(), data)


def request_models() -> list[type[BaseModel]]:
    """Return the models of the bodies that may be posted to `/v1/jobs`."""
    return [kind.request() for kind in accepted_at(JOBS_PATH).values()]


async def prepare(request: Request, body: Any) -> Member:
    """Check a request, and create the caller's job and the request that it stores. Nothing is written."""
    return await PREPARE.get(body.kind, _prepare)(request, body)


async def _prepare(request: Request, body: JobRequest) -> Member:
    """Create a job from a request that its model has checked completely."""
    if body.webhook:
        admission.check_webhook(request, body.webhook.url)
    job = jobs.create(
        admission.new_id("job"),
        body.kind,
        caller(request).owner,
        now_ms(),
        deadline_s=body.deadline_seconds or state(request).settings.deadline_s,
        metadata=body.metadata,
        notify=admission.notified(body.webhook),
        webhook=body.webhook.url if body.webhook else None,
    )
    return job, request_parts.Request(orjson.dumps(body.model_dump(mode="json", exclude={"metadata"})))


# The kinds whose requests take more to check than their model.
PREPARE: Mapping[str, Prepare] = {
    "filters": lambda request, body: Preparation(request).prepare(body),
}
