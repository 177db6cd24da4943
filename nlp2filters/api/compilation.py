"""Compile and explain filters that callers have: at once, without a job."""

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

from starlette.responses import Response

from nlp2filters.api import admission
from nlp2filters.api.preparation import Preparation
from nlp2filters.api.responses import JSON
from nlp2filters.api.routes import Call, Operation
from nlp2filters.clock import now_ms
from nlp2filters.core import compilation, schemas
from nlp2filters.core.catalog import Catalog
from nlp2filters.core.compilation import CompileRequest, ExplainRequest, FilterRequest

Body = TypeVar("Body", bound=FilterRequest)


async def compile_filter(call: Call, body: CompileRequest) -> Response:
    """Compile a filter to query languages, at once.

    The filter is CQL2-JSON, or CQL2-text in a string; that of a job's result can be sent as it is. It is checked
    against the catalog, whose scope is added, and counts as one text against the caller's rate.
    """
    return await _answer(call, body, compilation.compile_request)


async def explain_filter(call: Call, body: ExplainRequest) -> Response:
    """Say in an English sentence what a filter selects."""
    return await _answer(call, body, compilation.explain_request)


async def _answer(call: Call, body: Body, work: Callable[[Body, Catalog, int], dict[str, Any]]) -> Response:
    _, headers = await admission.admit(call.services, call.caller)
    catalog = await Preparation(call.services, call.caller, call.headers).catalog(body.catalog)
    return JSON(await asyncio.to_thread(work, body, catalog, now_ms()), headers=headers)


_PROBLEMS = ("invalid-filter", "invalid-catalog", "catalog-not-found", "too-many-requests", "overloaded")
_HEADERS = {200: ("RateLimit", "RateLimit-Policy")}
operations = [
    Operation(
        "POST",
        "/v1/compile",
        compile_filter,
        "jobs:read",
        {200: schemas.Compiled},
        body=CompileRequest,
        problems=_PROBLEMS,
        headers=_HEADERS,
        tag="catalogs",
    ),
    Operation(
        "POST",
        "/v1/explain",
        explain_filter,
        "jobs:read",
        {200: schemas.Explained},
        body=ExplainRequest,
        problems=_PROBLEMS,
        headers=_HEADERS,
        tag="catalogs",
    ),
]
