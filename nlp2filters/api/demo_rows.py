"""Search the rows that come with the packaged catalogs, at once: by a filter of the caller's."""

import asyncio
from typing import Any

from starlette.responses import Response

from nlp2filters import demo
from nlp2filters.api import admission
from nlp2filters.api.query import int_param
from nlp2filters.api.responses import JSON
from nlp2filters.api.routes import Call, Operation, Param
from nlp2filters.clock import now_ms
from nlp2filters.core import schemas
from nlp2filters.core.compilation import FilterRequest
from nlp2filters.core.dialects import Options
from nlp2filters.core.dialects.lowering import Unknown
from nlp2filters.core.interpretation import Interpretation
from nlp2filters.demo import table
from nlp2filters.errors import NoDemoData

MAX_ROWS = 200
LIMIT = Param(
    name="limit",
    location="query",
    description="The maximum number of rows, at most 200.",
    schema={"type": "integer", "minimum": 0},
)


async def search(call: Call, body: FilterRequest) -> Response:
    """Search the demo data with a filter.

    The filter is as for `POST /v1/compile`, and counts as one text against the caller's rate. The words for a full-text
    search are not applied. Returns the first matching rows, and the numbers of matching rows and of all rows.
    """
    _, headers = await admission.admit(call.services, call.caller)
    name = body.catalog
    if not isinstance(name, str) or name not in demo.NAMES:
        raise NoDemoData(name if isinstance(name, str) else None)
    size = int_param(call.query, "limit", default=50, maximum=MAX_ROWS)
    return JSON(await asyncio.to_thread(_search, name, body, size), headers=headers)


def _search(name: str, body: FilterRequest, size: int) -> dict[str, Any]:
    return select(name, body.interpretation(demo.catalog(name), body.time(now_ms())), "exclude", size)


def select(name: str, reading: Interpretation, unknown: Unknown, size: int) -> dict[str, Any]:
    """Search the rows of a packaged catalog with a checked reading. Returns at most `size` of them, and the counts."""
    size = min(size, reading.limit) if reading.limit else size
    count, rows = table.select(name, reading, Options(unknown=unknown), size)
    return {"count": min(count, reading.limit or count), "total": len(demo.rows(name)), "rows": rows}


operations = [
    Operation(
        "POST",
        "/v1/demo-rows",
        search,
        "jobs:read",
        {200: schemas.Rows},
        body=FilterRequest,
        params=(LIMIT,),
        problems=("invalid-filter", "not-found", "too-many-requests", "overloaded"),
        headers={200: ("RateLimit", "RateLimit-Policy")},
        tag="catalogs",
    ),
]
