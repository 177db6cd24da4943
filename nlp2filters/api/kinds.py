"""Accept requests of every kind of job: a row says how a kind's request is checked and becomes a job."""

from collections.abc import Awaitable, Callable, Mapping
from functools import cache
from typing import Any, TypeAlias

from pydantic import BaseModel, create_model

from nlp2filters.api.preparation import Member, Preparation, check_webhook, new_job, stored_request
from nlp2filters.api.routes import Call, OneOf
from nlp2filters.core import schemas
from nlp2filters.core.kinds import DEFAULT, JOBS_PATH, KINDS, accepted_at, result_models
from nlp2filters.core.requests import JobRequest

Prepare: TypeAlias = Callable[[Call, Any], Awaitable[Member]]


async def prepare(call: Call, body: Any) -> Member:
    """Check a request, and create the caller's job and the request that it stores. Nothing is written."""
    return await PREPARE.get(body.kind, _prepare)(call, body)


async def _prepare(call: Call, body: JobRequest) -> Member:
    """Create a job from a request that its model has checked completely."""
    settings = call.services.settings
    if body.webhook:
        await check_webhook(settings, call.headers, body.webhook.url)
    return new_job(settings, call.caller.owner, body), stored_request(body)


async def _prepare_filters(call: Call, body: Any) -> Member:
    return await Preparation(call.services, call.caller, call.headers).prepare(body)


# The kinds whose requests take more to check than their model.
PREPARE: Mapping[str, Prepare] = {"filters": _prepare_filters}


def _request_models() -> list[type[BaseModel]]:
    return [kind.request() for kind in accepted_at(JOBS_PATH).values()]


def _select_model(data: object) -> type[BaseModel]:
    """Return the model of the kind that a body names. That of the default kind refuses kinds that are not accepted."""
    kinds = accepted_at(JOBS_PATH)
    name = data.get("kind") if isinstance(data, dict) else None
    return kinds[name if isinstance(name, str) and name in kinds else DEFAULT].request()


def _finished_models() -> list[type[BaseModel]]:
    return [_finished(kind.name, kind.result) for kind in KINDS.values()]


@cache
def _finished(kind: str, result: type[BaseModel]) -> type[BaseModel]:
    """Return the model of a finished job with the result of its kind."""
    if result is schemas.Result:
        return schemas.FinishedJob
    fields: dict[str, Any] = {"result": (result | None, ...)}
    return create_model(f"Finished{kind.title().replace('_', '')}Job", __base__=schemas.FinishedJob, **fields)


REQUEST = OneOf(_request_models, _select_model)
RESULT = OneOf(result_models)
FINISHED = OneOf(_finished_models)
