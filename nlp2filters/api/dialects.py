"""The dialects endpoint."""

from starlette.requests import Request
from starlette.responses import Response

from nlp2filters.api.responses import JSON
from nlp2filters.api.routes import Operation
from nlp2filters.core import schemas
from nlp2filters.core.dialects import DIALECTS


async def listing(request: Request) -> Response:
    """List the query languages that a filter can be compiled to."""
    return JSON({"dialects": [{"name": dialect.name, "title": dialect.title} for dialect in DIALECTS.values()]})


operations = [
    Operation("GET", "/v1/dialects", listing, "jobs:read", {200: schemas.Dialects}, tag="catalogs"),
]
