"""Generate `/openapi.json` from the table of operations."""

import re
from collections.abc import Mapping, Sequence
from inspect import cleandoc, getdoc
from typing import Any

from pydantic import BaseModel, RootModel
from pydantic.json_schema import models_json_schema

from nlp2filters import __version__
from nlp2filters.api import examples
from nlp2filters.api.routes import Media, OneOf, Operation, Param
from nlp2filters.core import schemas
from nlp2filters.core.problems import PROBLEMS
from nlp2filters.storage.api_keys import SCOPES

_REF = "#/components/schemas/{model}"
HEADERS = {
    "Allow": "The methods that this URL supports.",
    "ETag": "The version of the response, for `If-None-Match`.",
    "Idempotency-Replayed": "`true` if an earlier request with the same key created it.",
    "Location": "The URL of the created resource.",
    "Preference-Applied": "The preferences in `Prefer` that were honoured.",
    "RateLimit": "`r`: the submissions left in this minute; `t`: the seconds until the next minute.",
    "RateLimit-Policy": "The limit: `q` submissions in `w` seconds.",
    "Retry-After": "The seconds to wait before the next request.",
    "WWW-Authenticate": "How to authenticate.",
}
_PROBLEM_HEADERS = {
    401: ("WWW-Authenticate",),
    405: ("Allow",),
    409: ("Retry-After",),
    429: ("Retry-After",),
    503: ("Retry-After",),
    504: ("Retry-After",),
}
_BODY_PROBLEMS = ("malformed-json", "unsupported-media-type", "payload-too-large", "invalid-request")
_KEY_PROBLEMS = ("unauthenticated", "forbidden", "store-unavailable")
_WRITE_PROBLEMS = ("outcome-unknown",)
TAGS = {
    "jobs": "Submit a text, code or a recording, follow the job, and take its result.",
    "batches": "Many texts at once.",
    "catalogs": "The fields that a search has; and filters without a job: compile them, or put them into words.",
    "streams": "Tokens for browsers, which cannot send a key with an `EventSource`.",
    "owner": "Everything that is kept of the owner of your key: see it, take it with you, delete it.",
    "service": "For those who run the service: is it alive, is it ready, and what is it doing?",
    "operator": "All that the service does, of all owners; with a key that has the scope `admin`.",
    "older": "The interfaces of the service that this one replaces. New programs use `POST /v1/jobs`.",
}
LICENSE = "MIT AND CC-BY-SA-4.0"
_DESCRIPTION = """Send a text and a **catalog** of the fields that a search has; get a validated filter for your search
engine.

    curl -H 'Prefer: wait=10' --json '{"catalog": "cars", "text": "8 cylinders, at most 3000 lbs"}' SERVICE/v1/jobs

`POST /v1/jobs` answers at once with a job. Wait for it with `Prefer: wait=N`, follow its events, ask again, or take a
webhook. Every error is a problem as of RFC 9457, whose `type` is the URL of a page that says what to do."""
_PATH_PARAMETERS = {
    "job_id": "The job's id.",
    "batch_id": "The batch's id.",
    "name": "The catalog's name.",
    "owner": "The owner's name.",
    "slug": "The problem's name.",
}


def document(operations: Sequence[Operation]) -> dict[str, Any]:
    """Build the complete OpenAPI 3.1 document."""
    models = {model for operation in operations for model in _models(operation)}
    models |= {schemas.Problem, schemas.JobEnded, schemas.BatchEnded}
    ordered = sorted(models, key=lambda model: model.__name__)
    _, definitions = models_json_schema([(model, "validation") for model in ordered], ref_template=_REF)
    components = definitions["$defs"]
    for model in models:
        if _name(model) != model.__name__:
            del components[model.__name__]
    for name, schema in components.items():
        schema["title"] = name  # Generators of clients name classes by titles.
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "NLP2Filters",
            "version": __version__,
            "summary": "Turns plain language into validated search filters.",
            "description": _DESCRIPTION,
            "license": {"name": "MIT; the tagger's weights CC BY-SA 4.0", "identifier": LICENSE},
            "contact": {"name": "Whoever runs this service"},
        },
        "servers": [{"url": "/", "description": "This service"}],
        "tags": [{"name": name, "description": description} for name, description in TAGS.items()],
        "security": [{"key": []}, {}],
        "paths": paths,
        "webhooks": {
            "job": {"post": _webhook("Report that a job has ended.", schemas.JobEnded)},
            "batch": {"post": _webhook("Report that a batch has ended.", schemas.BatchEnded)},
        },
        "components": {
            "schemas": components,
            "securitySchemes": {
                "key": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An API key, created by `nlp2filters keys create`. Scopes: "
                    + "; ".join(f"`{scope}`: {meaning}" for scope, meaning in SCOPES.items())
                    + ". Until the first key is created, callers on the same machine need none.",
                }
            },
        },
    }


def _models(operation: Operation) -> set[type[BaseModel]]:
    models: set[type[BaseModel]] = set()
    contents = operation.body.values() if isinstance(operation.body, Mapping) else [{"schema": operation.body}]
    for media in (*operation.responses.values(), *(content["schema"] for content in contents)):
        if isinstance(media, OneOf):
            models.update(media.models())
        elif isinstance(media, type):
            models.add(media)
    return models


def _operation(operation: Operation) -> dict[str, Any]:
    text = cleandoc(getdoc(operation.handler) or "").partition("\n\nRaises:")[0]
    summary, _, rest = text.partition("\n\n")
    description: dict[str, Any] = {
        "operationId": _operation_id(operation),
        "tags": [operation.tag],
        "summary": " ".join(summary.replace("`", "").split()),
        "description": rest or summary,
        "parameters": [*_path_parameters(operation.path), *map(_parameter, operation.params)],
        "responses": _responses(operation),
    }
    if operation.scope is None:
        description["security"] = []
    if operation.body is not None:
        content = {
            media_type: {**media, **examples.of_request(description["operationId"], media_type, media["schema"])}
            for media_type, media in _body(operation.body).items()
        }
        description["requestBody"] = {"required": True, "content": content}
    return description


def _operation_id(operation: Operation) -> str:
    words = re.findall(r"[a-z0-9]+", operation.path.removeprefix("/v1").replace("_id", ""))
    return "_".join([operation.method.lower(), *words])


def _body(body: type[BaseModel] | OneOf | Mapping[str, Any]) -> Mapping[str, Any]:
    if isinstance(body, type | OneOf):
        return {"application/json": {"schema": _schema(body)}}
    return {
        media_type: {**content, "schema": _schema(schema) if isinstance(schema, type | OneOf) else schema}
        for media_type, content in body.items()
        for schema in [content["schema"]]
    }


def _parameter(param: Param) -> dict[str, Any]:
    return {"name": param.name, "in": param.location, "description": param.description, "schema": dict(param.schema)}


def _path_parameters(path: str) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "description": _PATH_PARAMETERS[name],
            "schema": {"type": "string"},
        }
        for name in re.findall(r"{(\w+)}", path)
    ]


def _responses(operation: Operation) -> dict[str, Any]:
    responses = {
        str(status): {
            "description": _REASONS[status],
            **_headers(operation.headers.get(status, ())),
            **_content(media),
        }
        for status, media in operation.responses.items()
    }
    by_status: dict[int, list[str]] = {}
    for slug in dict.fromkeys(_problems(operation)):
        by_status.setdefault(PROBLEMS[slug].status, []).append(slug)
    return responses | {
        str(status): {
            "description": "; ".join(f"[{slug}](/problems/{slug})" for slug in slugs),
            **_headers(_PROBLEM_HEADERS.get(status, ())),
            "content": _problem_content(operation, status, slugs[0]),
        }
        for status, slugs in sorted(by_status.items())
    }


def _problems(operation: Operation) -> list[str]:
    """List the problems that the operation may answer with: its own, and those that every such operation may have."""
    slugs = list(operation.problems)
    if operation.scope:
        slugs += _KEY_PROBLEMS
        slugs += _WRITE_PROBLEMS if operation.scope.endswith(":write") else ()
    if operation.body is not None:
        slugs += _BODY_PROBLEMS
    if operation.params or "{" in operation.path:
        slugs.append("invalid-request")
    return slugs


def _problem_content(operation: Operation, status: int, slug: str) -> dict[str, Any]:
    problem = {"application/problem+json": {"schema": _ref(schemas.Problem), **examples.of_problem(slug)}}
    if operation.tag != "older" or status not in (400, 404):
        return problem
    # The older APIs have answers of their own to requests that they cannot use.
    own = {"application/json": {"schema": {"type": "object"}}}
    return own if status == 404 else own | problem


def _headers(names: Sequence[str]) -> dict[str, Any]:
    headers = {name: {"description": HEADERS[name], "schema": {"type": "string"}} for name in names}
    return {"headers": headers} if headers else {}


def _content(media: Media) -> dict[str, Any]:
    if media is None:
        return {}
    media_type = media if isinstance(media, str) else getattr(media, "media_type", "application/json")
    schema = _schema(media) if isinstance(media, type | OneOf) else {"type": "string", **_BINARY.get(media_type, {})}
    return {"content": {media_type: {"schema": schema, **examples.of_answer(media_type, schema)}}}


def _schema(media: type[BaseModel] | OneOf) -> dict[str, Any]:
    if isinstance(media, type):
        return _ref(media)
    first, *others = [_ref(model) for model in media.models()]
    return {"anyOf": [first, *others]} if others else first


def _ref(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": _REF.format(model=_name(model))}


def _name(model: type[BaseModel]) -> str:
    """Name the schema of a model. A root model has that of its root: generators refuse two classes of one title."""
    described: Any = model.model_fields["root"].annotation if issubclass(model, RootModel) else model
    return str(described.__name__)


def _webhook(summary: str, model: type[BaseModel]) -> dict[str, Any]:
    names = ("webhook-id", "webhook-timestamp", "webhook-signature")
    parameters = [{"name": name, "in": "header", "required": True, "schema": {"type": "string"}} for name in names]
    return {
        "summary": summary,
        "description": "It is signed as [Standard Webhooks](https://www.standardwebhooks.com) says.",
        "parameters": parameters,
        "requestBody": {
            "content": {"application/json": {"schema": _ref(model), **examples.of_answer("", _ref(model))}}
        },
        "responses": {
            "2XX": {"description": "The message was received."},
            "410": {"description": "The message is refused for good: it is not sent again."},
        },
    }


_BINARY = {"application/zip": {"format": "binary"}}
_REASONS = {
    200: "Success.",
    201: "Created.",
    202: "Accepted, to be completed in the background.",
    204: "Success, without a response body.",
    304: "Not modified since the version in `If-None-Match`.",
    503: "Not available at the moment.",
}
