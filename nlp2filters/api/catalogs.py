"""Catalog endpoints, for packaged catalogs and for the owner's own."""

import asyncio
import re
from typing import Any

from starlette.responses import Response

from nlp2filters import demo
from nlp2filters.api import on_demand
from nlp2filters.api.body import read_json
from nlp2filters.api.headers import etag_matches
from nlp2filters.api.responses import JSON
from nlp2filters.api.routes import Call, Operation
from nlp2filters.clock import now_ms
from nlp2filters.core import catalog as catalogs
from nlp2filters.core import schemas
from nlp2filters.core.catalog import Catalog
from nlp2filters.core.requests import parse_catalog
from nlp2filters.errors import (
    CatalogNotFound,
    InvalidCatalog,
    InvalidRequest,
    Violation,
)
from nlp2filters.storage.index_requests import AT_ONCE, IndexUser

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)


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
    check_name(name)
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
        await services.indexes.request(names, user=IndexUser(caller.owner))
    headers = {"Location": f"/v1/catalogs/{name}", "ETag": f'"{digest}"'}
    return JSON(catalogs.to_json(catalog), status_code=201 if new else 200, headers=headers)


def _parse(data: object) -> tuple[Catalog, tuple[str, ...]]:
    """Parse the catalog. Returns it with the names that are embedded."""
    catalog = parse_catalog(data)
    return catalog, on_demand.embedded_names(catalog)


async def delete(call: Call, name: str) -> Response:
    """Delete a catalog. Jobs submitted earlier keep using it."""
    check_name(name)
    await call.services.catalogs.delete(call.caller.owner, name)
    return Response(status_code=204)


def check_name(name: str) -> None:
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
operations = [
    Operation("GET", "/v1/catalogs", list_catalogs, "jobs:read", {200: schemas.Catalogs}, tag="catalogs"),
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
