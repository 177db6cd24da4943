"""The table of operations. A row has an operation's endpoint, required scope and OpenAPI description."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from nlp2filters.api.auth import authenticate

Endpoint: TypeAlias = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class OneOf:
    """A body that has one of several models; `models` lists them when the API is described."""

    models: Callable[[], Sequence[type[BaseModel]]]


Media: TypeAlias = type[BaseModel] | OneOf | str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Param:
    """A header or query parameter."""

    name: str
    place: str
    description: str
    schema: Mapping[str, Any] = field(default_factory=lambda: {"type": "string"})


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path.

    The description is the docstring of `endpoint`. The caller's key needs `scope`; None admits anybody. `answers` are
    the successful answers by status: a model (which may name its `media_type`), a media type without a model, or None
    for no body. `headers` are the names of their headers. `problems` are slugs of `core/problems.py`, without those
    that every operation may answer with. `body` is the request body: a model, or OpenAPI content by media type.
    """

    method: str
    path: str
    endpoint: Endpoint
    scope: str | None
    answers: Mapping[int, Media]
    body: type[BaseModel] | OneOf | Mapping[str, Any] | None = None
    params: Sequence[Param] = ()
    problems: Sequence[str] = ()
    headers: Mapping[int, Sequence[str]] = field(default_factory=dict)
    tag: str = "jobs"


def routes(operations: Sequence[Operation]) -> list[Route]:
    """Build one route per path, so that the answer to an unsupported method lists the supported ones."""
    paths: defaultdict[str, dict[str, Operation]] = defaultdict(dict)
    for operation in operations:
        paths[operation.path][operation.method] = operation
    return [Route(path, _dispatch(methods), methods=list(methods)) for path, methods in paths.items()]


def _dispatch(methods: Mapping[str, Operation]) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        operation = methods["GET" if request.method == "HEAD" else request.method]
        if operation.scope:
            await authenticate(request, operation.scope)
        return await operation.endpoint(request)

    return endpoint
