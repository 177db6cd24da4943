"""Catalog endpoints, for packaged catalogs and for the owner's own."""

import asyncio
import io
import re
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from nlp2filters import demo, row_readers
from nlp2filters.api import admission, headers
from nlp2filters.api.auth import caller
from nlp2filters.api.body import read_body, read_json
from nlp2filters.api.responses import JSON
from nlp2filters.api.routes import Operation, Param
from nlp2filters.api.state import state
from nlp2filters.clock import now_ms
from nlp2filters.core import catalog as catalogs
from nlp2filters.core import schemas
from nlp2filters.core.catalog import Catalog
from nlp2filters.core.infer import infer
from nlp2filters.core.linking import embeddable
from nlp2filters.errors import (
    CatalogNotFound,
    Fault,
    InvalidCatalog,
    InvalidRequest,
    MalformedJSON,
    UnreadableSource,
)
from nlp2filters.row_readers import Row
from nlp2filters.storage.vector_index import AT_ONCE

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
MAX_FAULTS = 100
_CSV, _JSON_LINES = "text/csv", "application/x-ndjson"


async def listing(request: Request) -> Response:
    """List the catalogs that a job can name: first the packaged ones, then the caller's own."""
    stored = await state(request).catalogs.listing(caller(request).owner)
    return JSON({"catalogs": [*map(_packaged, demo.NAMES), *map(_summary, stored)]})


async def show(request: Request) -> Response:
    """Show a complete catalog."""
    name = request.path_params["name"]
    if name in demo.NAMES:
        return JSON(catalogs.to_json(demo.catalog(name)))
    try:
        stored = await state(request).catalogs.get(caller(request).owner, name)
    except CatalogNotFound as exc:
        raise CatalogNotFound(name, demo.NAMES) from exc
    etag = f'"{stored.digest}"'
    if headers.matches(request, etag):
        return Response(status_code=304, headers={"ETag": etag})
    return JSON(stored.to_json(), headers={"ETag": etag})


async def put(request: Request) -> Response:
    """Store a catalog under the name in the URL. Jobs submitted earlier keep using the previous version."""
    name = _own_name(request.path_params["name"])
    data = await read_json(request)
    if isinstance(data, dict):
        data = {"name": name, **data}
        if data["name"] != name:
            raise InvalidCatalog([Fault("/name", f"The address says {name!r}: leave it out, or say the same.")])
    catalog, names = await asyncio.to_thread(_parse, data)
    app, who = state(request), caller(request)
    await app.backpressure.check()
    most = app.backpressure.owner_bytes(app.settings.max_owner_bytes) if who.limited else 0
    digest, new = await app.catalogs.put(who.owner, catalog, now_ms(), max_bytes=most)
    if len(names) > AT_ONCE:
        await app.indexes.request(names)
    answer = {"Location": f"/v1/catalogs/{name}", "ETag": f'"{digest}"'}
    return JSON(catalogs.to_json(catalog), status_code=201 if new else 200, headers=answer)


def _parse(data: object) -> tuple[Catalog, tuple[str, ...]]:
    """Parse the catalog. Returns it with the names that are embedded."""
    catalog = admission.read_catalog(data)
    return catalog, tuple(embeddable(catalog))


async def delete(request: Request) -> Response:
    """Delete a catalog. Jobs submitted earlier keep using it."""
    await state(request).catalogs.delete(caller(request).owner, _own_name(request.path_params["name"]))
    return Response(status_code=204)


async def infer_from_rows(request: Request) -> Response:
    """Infer a catalog from example rows, for you to review, edit and store: nothing is stored yet.

    Send the rows as CSV with a header line, as JSON Lines, or as a JSON list of objects. `?name=` sets the catalog's
    name, and `?currency=` (ISO 4217) the currency of amounts without one.
    """
    name = _own_name(request.query_params.get("name", "inferred"))
    currency = request.query_params.get("currency")
    if currency is not None and not re.fullmatch("[A-Z]{3}", currency, re.ASCII):
        raise InvalidRequest([Fault("/query/currency", "Expected a code of ISO 4217, such as EUR.")])
    content = await read_body(request, _CSV, _JSON_LINES, "application/json")
    media_type = request.headers["content-type"].partition(";")[0].strip().lower()
    catalog = await asyncio.to_thread(_infer, name, media_type, content, currency)
    return JSON(catalogs.to_json(catalog))


def _infer(name: str, media_type: str, content: bytes, currency: str | None) -> Catalog:
    rows = _rows(media_type, content)
    if not rows:
        raise InvalidRequest([Fault("", "There are no rows.")])
    for index, row in enumerate(rows):
        if not row:
            raise InvalidRequest([Fault(f"/{index}", "Expected an object with a member per column.")])
    return infer(name, rows, currency=currency)


def _rows(media_type: str, content: bytes) -> list[Row]:
    """Read the rows as the command line reads them from a file, including lists and nested objects."""
    try:
        if media_type == _CSV:
            return list(row_readers.csv_rows(io.BytesIO(content)))
        if media_type == _JSON_LINES:
            return list(row_readers.json_lines(io.BytesIO(content)))
        rows = orjson.loads(content)
    except (UnicodeDecodeError, UnreadableSource, orjson.JSONDecodeError) as exc:
        raise MalformedJSON(str(exc)) from exc
    if not isinstance(rows, list):
        raise InvalidRequest([Fault("", "Expected a list of objects.")])
    if faults := [
        Fault(f"/{index}", "Expected an object.") for index, row in enumerate(rows) if not isinstance(row, dict)
    ]:
        raise InvalidRequest(faults[:MAX_FAULTS])
    return [row_readers.flatten(row) for row in rows]


def _own_name(name: str) -> str:
    if name in demo.NAMES:
        raise InvalidRequest([Fault("/path/name", f"{name!r} is a packaged catalog: choose another name.")])
    if not _NAME.fullmatch(name):
        detail = "Expected 1 to 64 letters, digits, dots, dashes or underscores, the first a letter or digit."
        raise InvalidRequest([Fault("/path/name", detail)])
    return name


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
    shown = {name: stored[name] for name in ("name", "title", "description", "fields", "examples")}
    return {**shown, "packaged": False, "url": f"/v1/catalogs/{stored['name']}"}


_PROBLEMS = ("invalid-catalog",)
_QUERY_NAME = Param(name="name", place="query", description="Name of the catalog.")
_CURRENCY = Param(
    name="currency",
    place="query",
    description="What amounts are in, by ISO 4217.",
    schema={"type": "string", "pattern": "^[A-Z]{3}$"},
)
_ROWS = {
    _CSV: {"schema": {"type": "string"}},
    _JSON_LINES: {"schema": {"type": "string"}},
    "application/json": {"schema": {"type": "array", "items": {"type": "object"}}},
}

operations = [
    Operation("GET", "/v1/catalogs", listing, "jobs:read", {200: schemas.Catalogs}, tag="catalogs"),
    Operation(
        "POST",
        "/v1/catalogs/infer",
        infer_from_rows,
        "jobs:read",
        {200: schemas.CatalogDocument},
        body=_ROWS,
        params=(_QUERY_NAME, _CURRENCY),
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
