"""Catalog endpoints, for packaged catalogs and for the owner's own."""

import asyncio
import re
from typing import Any

import orjson
from starlette.responses import Response

from nlp2filters import demo
from nlp2filters.api.body import read_body, read_json
from nlp2filters.api.headers import etag_matches
from nlp2filters.api.responses import JSON
from nlp2filters.api.routes import Call, OneOf, Operation, Param
from nlp2filters.clock import now_ms
from nlp2filters.core import catalog as catalogs
from nlp2filters.core import schemas
from nlp2filters.core.catalog import Catalog
from nlp2filters.core.infer import DateOrder, Inference, infer
from nlp2filters.core.linking import embeddable
from nlp2filters.core.requests import parse_catalog
from nlp2filters.data import Row, flatten, open_source
from nlp2filters.errors import (
    CatalogNotFound,
    InvalidCatalog,
    InvalidRequest,
    MalformedJSON,
    SourceError,
    Violation,
)
from nlp2filters.storage.vector_index import AT_ONCE

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
MAX_VIOLATIONS = 100
_CSV, _JSON_LINES = "text/csv", "application/x-ndjson"


async def list_catalogs(call: Call) -> Response:
    """List the catalogs that a job can name: first the packaged ones, then the caller's own."""
    stored = await call.services.catalogs.listing(call.caller.owner)
    return JSON({"catalogs": [*map(_packaged, demo.NAMES), *map(_summary, stored)]})


async def show(call: Call, name: str) -> Response:
    """Return a complete catalog."""
    if name in demo.NAMES:
        return JSON(catalogs.to_json(demo.catalog(name)))
    try:
        stored = await call.services.catalogs.get(call.caller.owner, name)
    except CatalogNotFound as exc:
        raise CatalogNotFound(name, demo.NAMES) from exc
    etag = f'"{stored.digest}"'
    if etag_matches(call.headers, etag):
        return Response(status_code=304, headers={"ETag": etag})
    return JSON(stored.to_json(), headers={"ETag": etag})


async def put(call: Call, name: str) -> Response:
    """Store a catalog under the name in the URL. Jobs submitted earlier keep using the previous version."""
    _check_name(name)
    data = await read_json(call.request)
    if isinstance(data, dict):
        data = {"name": name, **data}
        if data["name"] != name:
            raise InvalidCatalog([Violation("/name", f"The URL has the name {name!r}. Omit `name`, or send the same.")])
    catalog, names = await asyncio.to_thread(_parse, data)
    services, caller = call.services, call.caller
    await services.backpressure.check()
    max_bytes = services.backpressure.owner_bytes(services.settings.max_owner_bytes) if caller.limited else 0
    digest, new = await services.catalogs.put(caller.owner, catalog, now_ms(), max_bytes=max_bytes)
    if len(names) > AT_ONCE:
        await services.indexes.request(names)
    headers = {"Location": f"/v1/catalogs/{name}", "ETag": f'"{digest}"'}
    return JSON(catalogs.to_json(catalog), status_code=201 if new else 200, headers=headers)


def _parse(data: object) -> tuple[Catalog, tuple[str, ...]]:
    """Parse the catalog. Returns it with the names that are embedded."""
    catalog = parse_catalog(data)
    return catalog, tuple(embeddable(catalog))


async def delete(call: Call, name: str) -> Response:
    """Delete a catalog. Jobs submitted earlier keep using it."""
    _check_name(name)
    await call.services.catalogs.delete(call.caller.owner, name)
    return Response(status_code=204)


async def infer_from_rows(call: Call) -> Response:
    """Infer a catalog from example rows, for you to review, edit and store. Nothing is stored yet.

    Send the rows as CSV with a header line, as JSON Lines, or as a JSON list of objects. `?name=` sets the catalog's
    name, `?currency=` (ISO 4217) the currency of amounts without one, and `?date_order=` what comes first in dates such
    as 03/04/2024. With `?explain=true`, the answer has the catalog as `catalog`, and as `columns` the reasons: what was
    seen, decided and refused in each column.
    """
    name = call.query.get("name", "inferred")
    _check_name(name)
    currency = call.query.get("currency")
    if currency is not None and not re.fullmatch("[A-Z]{3}", currency, re.ASCII):
        raise InvalidRequest([Violation("/query/currency", "Expected an ISO 4217 code, such as EUR.")])
    date_order, explain = _date_order(call), _explains(call)
    content = await read_body(call.request, _CSV, _JSON_LINES, "application/json")
    media_type = call.headers["content-type"].partition(";")[0].strip().lower()
    inference = await asyncio.to_thread(_infer, name, media_type, content, currency, date_order)
    catalog = catalogs.to_json(inference.catalog)
    if not explain:
        return JSON(catalog)
    return JSON({"catalog": catalog, "columns": [column.to_json() for column in inference.columns]})


def _date_order(call: Call) -> DateOrder | None:
    match call.query.get("date_order"):
        case None | "day" | "month" as order:
            return order
    raise InvalidRequest([Violation("/query/date_order", "Expected day or month.")])


def _explains(call: Call) -> bool:
    match call.query.get("explain", "false"):
        case "true" | "false" as explain:
            return explain == "true"
    raise InvalidRequest([Violation("/query/explain", "Expected true or false.")])


def _infer(name: str, media_type: str, content: bytes, currency: str | None, date_order: DateOrder | None) -> Inference:
    rows = _rows(media_type, content)
    if not rows:
        raise InvalidRequest([Violation("", "There are no rows.")])
    for index, row in enumerate(rows):
        if not row:
            raise InvalidRequest([Violation(f"/{index}", "Expected an object with one member per column.")])
    return infer(name, rows, currency=currency, date_order=date_order)


def _rows(media_type: str, content: bytes) -> list[Row]:
    """Read the rows as the command line reads them from a file, including lists and nested objects."""
    try:
        if media_type != "application/json":
            with open_source(content, media_type) as source:
                return list(source.rows)
        rows = orjson.loads(content)
    except (SourceError, orjson.JSONDecodeError) as exc:
        raise MalformedJSON(str(exc)) from exc
    if not isinstance(rows, list):
        raise InvalidRequest([Violation("", "Expected a list of objects.")])
    if violations := [
        Violation(f"/{index}", "Expected an object.") for index, row in enumerate(rows) if not isinstance(row, dict)
    ]:
        raise InvalidRequest(violations[:MAX_VIOLATIONS])
    return [flatten(row) for row in rows]


def _check_name(name: str) -> None:
    """Refuse a name that an owner's catalog cannot have.

    Raises:
        InvalidRequest: the pointer is `/path/name`.
    """
    if name in demo.NAMES:
        raise InvalidRequest(
            [Violation("/path/name", f"{name!r} is the name of a packaged catalog. Choose another one.")]
        )
    if not _NAME.fullmatch(name):
        detail = "Expected 1 to 64 letters, digits, dots, dashes or underscores, beginning with a letter or digit."
        raise InvalidRequest([Violation("/path/name", detail)])


def _packaged(name: str) -> dict[str, Any]:
    catalog = demo.catalog(name)
    return {
        "name": catalog.name,
        "title": catalog.title,
        "description": catalog.description,
        "fields": len(catalog.fields),
        "examples": list(catalog.examples),
        "packaged": True,
        "url": f"/v1/catalogs/{name}",
    }


def _summary(stored: dict[str, Any]) -> dict[str, Any]:
    members = {name: stored[name] for name in ("name", "title", "description", "fields", "examples")}
    return {**members, "packaged": False, "url": f"/v1/catalogs/{stored['name']}"}


_PROBLEMS = ("invalid-catalog",)
_QUERY_NAME = Param(name="name", location="query", description="The name of the catalog.")
_CURRENCY = Param(
    name="currency",
    location="query",
    description="The currency of amounts without one, as an ISO 4217 code.",
    schema={"type": "string", "pattern": "^[A-Z]{3}$"},
)
_DATE_ORDER = Param(
    name="date_order",
    location="query",
    description="What comes first in dates such as 03/04/2024, if no cell of the table tells.",
    schema={"enum": ["day", "month"]},
)
_EXPLAIN = Param(
    name="explain",
    location="query",
    description="`true`: answer with the catalog and the reasons for each of its fields.",
    schema={"type": "boolean", "default": False},
)
_ROWS = {
    _CSV: {"schema": {"type": "string"}},
    _JSON_LINES: {"schema": {"type": "string"}},
    "application/json": {"schema": {"type": "array", "items": {"type": "object"}}},
}

operations = [
    Operation("GET", "/v1/catalogs", list_catalogs, "jobs:read", {200: schemas.Catalogs}, tag="catalogs"),
    Operation(
        "POST",
        "/v1/catalogs/infer",
        infer_from_rows,
        "jobs:read",
        {200: OneOf(lambda: [schemas.CatalogDocument, schemas.InferredCatalog])},
        body=_ROWS,
        params=(_QUERY_NAME, _CURRENCY, _DATE_ORDER, _EXPLAIN),
        problems=_PROBLEMS,
        tag="catalogs",
    ),
    Operation(
        "GET",
        "/v1/catalogs/{name}",
        show,
        "jobs:read",
        {200: schemas.CatalogDocument, 304: None},
        problems=("catalog-not-found",),
        headers={200: ("ETag",), 304: ("ETag",)},
        tag="catalogs",
    ),
    Operation(
        "PUT",
        "/v1/catalogs/{name}",
        put,
        "catalogs:write",
        {201: schemas.CatalogDocument, 200: schemas.CatalogDocument},
        body=schemas.CatalogDocument,
        problems=(*_PROBLEMS, "too-many-catalogs", "too-many-bytes", "overloaded"),
        headers={201: ("ETag", "Location"), 200: ("ETag", "Location")},
        tag="catalogs",
    ),
    Operation(
        "DELETE",
        "/v1/catalogs/{name}",
        delete,
        "catalogs:write",
        {204: None},
        problems=("catalog-not-found",),
        tag="catalogs",
    ),
]
