"""The dialects endpoint."""

from starlette.responses import Response

from nlp2filters.api.responses import JSON
from nlp2filters.api.routes import Call, Operation
from nlp2filters.core import schemas
from nlp2filters.core.dialects import DIALECTS


async def list_dialects(call: Call) -> Response:
    """List the query languages that a filter can be compiled to."""
    return JSON({"dialects": [{"name": dialect.name, "title": dialect.title} for dialect in DIALECTS.values()]})


operations = [
    Operation("GET", "/v1/dialects", list_dialects, "jobs:read", {200: schemas.Dialects}, tag="catalogs"),
]
