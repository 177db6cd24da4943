"""Infer a catalog from a table: a small one at once, any other as a job of the kind `inference`."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from typing import Any

from starlette.datastructures import ImmutableMultiDict, QueryParams
from starlette.responses import Response

from nlp2filters.api import jobs, on_demand, uploads
from nlp2filters.api.body import MAX_BYTES, declared_size, limit_body, media_type_of
from nlp2filters.api.catalogs import check_name
from nlp2filters.api.responses import JSON
from nlp2filters.api.routes import Call, OneOf, Operation
from nlp2filters.api.text_options import read_options
from nlp2filters.api.uploads import Upload, query_param, submit
from nlp2filters.core import media_types, schemas
from nlp2filters.core.kinds import INFERENCE_PATH
from nlp2filters.core.media_types import PLAIN, SUFFIXES
from nlp2filters.core.requests import InferenceOptions
from nlp2filters.errors import Forbidden, InvalidRequest, Violation

MAX_TABLE_BYTES = 32 << 20
# A catalog lists the most frequent values of its columns, so it is much smaller than a large table.
MAX_CATALOG_BYTES = 200_000
JOB_SCOPE = "jobs:write"


async def infer(call: Call) -> Response:
    """Infer a catalog from a table of up to 32 MiB, for you to review, edit and store. Nothing is stored yet.

    Send the table as CSV with a header line, as JSON Lines, as a JSON list of objects, as Parquet, as an SQLite file or
    as a workbook.
    CSV, JSON Lines and JSON of up to 1 MiB are answered at once, with the catalog, or with `?explain=true` also with
    the reasons: what was seen, decided and refused in each column. Anything else, and everything with `Prefer:
    respond-async`, becomes a job, whose result has both; this needs a key with the scope `jobs:write`.
    `webhook`, `metadata`, `deadline_seconds` and `Idempotency-Key` apply to the job, as for any other.
    """
    options, explain = _options(call.query), _explains(call.query)
    media_type = media_type_of(call.request, *SUFFIXES)
    may_be_plain = media_type in PLAIN
    if media_type != media_types.JSON:
        media_type = call.headers["content-type"]  # It may have a charset.
    size = declared_size(call.request, MAX_TABLE_BYTES)
    content: AsyncIterator[bytes] = limit_body(call.request, MAX_TABLE_BYTES).stream()
    may_be_small = may_be_plain and (size is None or size <= MAX_BYTES) and not call.preferences.respond_async
    if may_be_small:
        head, complete = await _head(content)
        if complete:
            inferred = await asyncio.to_thread(on_demand.infer_table, head, media_type, options)
            explained = {name: inferred[name] for name in ("catalog", "columns", "table")}
            return JSON(explained if explain else inferred["catalog"])
        content = _joined(head, content)
    if not call.caller.may(JOB_SCOPE):
        raise Forbidden(JOB_SCOPE)
    # The answer is a job in any case, and clients tell it from a catalog by its status.
    call = replace(call, preferences=replace(call.preferences, wait_s=0))
    result_bytes = partial(min, MAX_CATALOG_BYTES)
    return await submit(call, Upload("inference", options, media_type, content, size, result_bytes))


def _options(query: QueryParams) -> InferenceOptions:
    members = [(name, value) for name, value in query.multi_items() if name in InferenceOptions.model_fields]
    try:
        options = read_options(ImmutableMultiDict(members), InferenceOptions)
    except InvalidRequest as exc:
        raise exc.prefixed("/query") from exc
    check_name(options.name)
    return options


def _explains(query: QueryParams) -> bool:
    match query.get("explain", "false"):
        case "true" | "false" as explain:
            return explain == "true"
    raise InvalidRequest([Violation("/query/explain", "Expected true or false.")])


async def _head(content: AsyncIterator[bytes]) -> tuple[bytes, bool]:
    """Read as much as a small table may have. Returns it, and True if there is no more."""
    head = bytearray()
    async for piece in content:
        head += piece
        if len(head) > MAX_BYTES:
            return bytes(head), False
    return bytes(head), True


async def _joined(head: bytes, content: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield head
    del head
    async for piece in content:
        yield piece


_PARAMS = (
    query_param("name", "The name of the catalog."),
    query_param(
        "currency",
        "The currency of amounts without one, as an ISO 4217 code.",
        {"type": "string", "pattern": "^[A-Z]{3}$"},
    ),
    query_param(
        "date_order",
        "What comes first in dates such as 03/04/2024, if no cell of the table tells.",
        {"enum": ["day", "month"]},
    ),
    query_param(
        "explain",
        "`true`: answer at once with the catalog and the reasons for each of its fields, as a job's result has them.",
        {"type": "boolean", "default": False},
    ),
    query_param("table", "The table of an SQLite file, or the sheet of a workbook."),
    *uploads.PARAMS,
)
_BINARY: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}
_BODY: dict[str, dict[str, Any]] = {
    media_type: {"schema": {"type": "string"}} if media_type in PLAIN else _BINARY for media_type in SUFFIXES
}
_BODY[media_types.JSON] = {"schema": {"type": "array", "items": {"type": "object"}}}

operations = [
    Operation(
        "POST",
        INFERENCE_PATH,
        infer,
        "jobs:read",
        {200: OneOf(lambda: [schemas.CatalogDocument, schemas.InferredCatalog]), 202: schemas.Job},
        body=_BODY,
        params=_PARAMS,
        problems=("invalid-catalog", "outcome-unknown", *jobs.KEY_PROBLEMS, *jobs.LIMIT_PROBLEMS),
        headers={202: jobs.CREATED_HEADERS[202]},
        tag="catalogs",
    ),
]
