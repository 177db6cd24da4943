"""The table of operations, and the door through which requests come in.

Everything that a handler may need of a request's surroundings is resolved here, once: the services, the caller, the
validated body and the idempotency key. Handlers pass them on as plain values.
"""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Concatenate, TypeAlias

from pydantic import BaseModel
from starlette.datastructures import Headers, QueryParams
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from nlp2filters.api.auth import UNIDENTIFIED, authenticate
from nlp2filters.api.body import read_json
from nlp2filters.api.headers import Preferences, idempotency_key, preferences
from nlp2filters.api.services import Services, services
from nlp2filters.core.requests import RequestBody, validate
from nlp2filters.storage.api_keys import Caller
from nlp2filters.storage.idempotency import IdempotencyKey


@dataclass(frozen=True, slots=True)
class Call:
    """A call of an operation by an authenticated caller.

    `idempotency_key` and `preferences` are empty unless the operation has the parameters `IDEMPOTENCY_KEY` and `PREFER`
    and the request sends them.
    """

    services: Services
    caller: Caller
    request: Request
    headers: Headers
    query: QueryParams
    idempotency_key: IdempotencyKey | None
    preferences: Preferences


Handler: TypeAlias = Callable[Concatenate[Call, ...], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class OneOf:
    """A body that has one of several models: `models` lists them, and `select` returns that of a request's body."""

    models: Callable[[], Sequence[type[BaseModel]]]
    select: Callable[[object], type[BaseModel]] | None = None


Media: TypeAlias = type[BaseModel] | OneOf | str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Param:
    """A header or query parameter. `location` is `header` or `query`."""

    name: str
    location: str
    description: str
    schema: Mapping[str, Any] = field(default_factory=lambda: {"type": "string"})


IDEMPOTENCY_KEY = Param(
    name="Idempotency-Key",
    location="header",
    description="Makes retries safe: for 24 h, the same key and body return what the first request created.",
)
PREFER = Param(
    name="Prefer",
    location="header",
    description="`wait=N`: wait up to N seconds for the job to end. `return=minimal`: omit the response body. "
    "`respond-async`: create a job even where the answer would come at once.",
)


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path.

    The description is the docstring of `handler`, which is called with a `Call`, the path's parameters by name, and as
    `body` the request's body if it has a model. The caller's key needs `scope`; None admits anybody. `responses` are
    the successful ones by status: a model (which may name its `media_type`), a media type without a model, or None for
    no body. `headers` are the names of their headers. `problems` are slugs of `core/problems.py`, without those that
    every operation may answer with. `body` is a model, one of several, or OpenAPI content by media type, in
    which a `schema` may be models, too; then the handler reads it.
    """

    method: str
    path: str
    handler: Handler
    scope: str | None
    responses: Mapping[int, Media]
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
    return [Route(path, _Endpoint(methods), methods=list(methods)) for path, methods in paths.items()]


class _Endpoint:
    """The operations of one path by method. Starlette wraps no application of ours, as it would wrap a function."""

    def __init__(self, operations: Mapping[str, Operation]) -> None:
        self._operations = operations

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self._respond(Request(scope, receive, send))
        await response(scope, receive, send)

    async def _respond(self, request: Request) -> Response:
        operation = self._operations["GET" if request.method == "HEAD" else request.method]
        shared = services(request)
        caller = await authenticate(shared, request, operation.scope) if operation.scope else UNIDENTIFIED
        arguments: dict[str, Any] = dict(request.path_params)
        if body := await _read_body(request, operation.body):
            arguments["body"] = body
        headers, params = request.headers, operation.params
        call = Call(
            shared,
            caller,
            request,
            headers,
            request.query_params,
            idempotency_key(headers, request.scope["path"], body) if IDEMPOTENCY_KEY in params else None,
            preferences(headers) if PREFER in params else Preferences(),
        )
        return await operation.handler(call, **arguments)


async def _read_body(request: Request, body: Media | Mapping[str, Any]) -> BaseModel | None:
    """Read and validate the body. Returns None if there is none, or if it is left to the handler to read it."""
    if isinstance(body, OneOf) and body.select:
        data = await read_json(request)
        return validate(body.select(data), data)
    if isinstance(body, type) and issubclass(body, RequestBody):
        return validate(body, await read_json(request))
    return None
