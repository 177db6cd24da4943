"""The catalogs of the API."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from nlp2filters import demo
from nlp2filters.api.responses import JSON
from nlp2filters.core import catalog as catalogs


async def listing(request: Request) -> Response:
    """The catalogs that can be named in a job."""
    return JSON({"catalogs": [_summary(name) for name in demo.NAMES]})


async def show(request: Request) -> Response:
    """One catalog, whole."""
    return JSON(catalogs.to_json(demo.catalog(request.path_params["name"])))


def _summary(name: str) -> dict[str, Any]:
    catalog = demo.catalog(name)
    return {
        "name": catalog.name,
        "title": catalog.title,
        "description": catalog.description,
        "fields": len(catalog.fields),
        "examples": list(catalog.examples),
        "url": f"/v1/catalogs/{name}",
    }


routes = [Route("/v1/catalogs", listing), Route("/v1/catalogs/{name}", show)]
