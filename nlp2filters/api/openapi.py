"""Generate `/openapi.json` from the table of operations."""

import re
from collections.abc import Mapping, Sequence
from inspect import cleandoc, getdoc
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from nlp2filters import __version__
from nlp2filters.api.routes import Media, OneOf, Operation
from nlp2filters.core import schemas
from nlp2filters.core.problems import PROBLEMS
from nlp2filters.storage.api_keys import SCOPES

_REF = "#/components/schemas/{model}"
HEADERS = {
    "Allow": "The methods that the address takes.",
    "ETag": "The version of what is sent, for `If-None-Match`.",
    "Idempotency-Replayed": "`true`: made by an earlier request with the same key.",
    "Location": "Where what was made is.",
    "Preference-Applied": "What of `Prefer` was granted.",
    "RateLimit": "Submissions left in this minute, `r`, and seconds to the next, `t`.",
    "RateLimit-Policy": "Submissions `q` in `w` seconds.",
    "Retry-After": "Seconds after which to ask again.",
    "WWW-Authenticate": "How to show who is calling.",
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
_PATH_PARAMETERS = {
    "job_id": "The job's id.",
    "batch_id": "The batch's id.",
    "name": "The catalog's name.",
    "slug": "The problem's name.",
}


def document(operations: Sequence[Operation]) -> dict[str, Any]:
    """Build the complete description in OpenAPI 3.1."""
    models = {model for operation in operations for model in _models(operation)}
    models |= {schemas.Problem, schemas.JobEnded, schemas.BatchEnded}
    ordered = sorted(models, key=lambda model: model.__name__)
    _, definitions = models_json_schema([(model, "validation") for model in ordered], ref_template=_REF)
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "NLP2Filters",
            "version": __version__,
            "summary": "Plain language in, validated search filters out.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "security": [{"key": []}, {}],
        "paths": paths,
        "webhooks": {
            "job": {"post": _webhook("A job has ended.", schemas.JobEnded)},
            "batch": {"post": _webhook("A batch has ended.", schemas.BatchEnded)},
        },
        "components": {
            "schemas": definitions["$defs"],
            "securitySchemes": {
                "key": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "Made by `nlp2filters keys create`. Scopes: "
                    + "; ".join(f"`{scope}`: {meaning}" for scope, meaning in SCOPES.items())
                    + ". While no key was ever made, callers on the same machine need none.",
                }
            },
        },
    }


def _models(operation: Operation) -> set[type[BaseModel]]:
    models: set[type[BaseModel]] = set()
    for media in (*operation.answers.values(), operation.body):
        if isinstance(media, OneOf):
            models.update(media.models())
        elif isinstance(media, type):
            models.add(media)
    return models


def _operation(operation: Operation) -> dict[str, Any]:
    text = cleandoc(getdoc(operation.endpoint) or "").partition("\n\nRaises:")[0]
    summary, _, rest = text.partition("\n\n")
    described: dict[str, Any] = {
        "operationId": _operation_id(operation),
        "tags": [operation.tag],
        "summary": " ".join(summary.split()),
        "parameters": [*_path_parameters(operation.path), *map(_parameter, operation.params)],
        "responses": _responses(operation),
    }
    if rest:
        described["description"] = rest
    if operation.scope is None:
        described["security"] = []
    if operation.body is not None:
        described["requestBody"] = {"required": True, "content": _body(operation.body)}
    return described


def _operation_id(operation: Operation) -> str:
    words = re.findall(r"[a-z0-9]+", operation.path.removeprefix("/v1").replace("_id", ""))
    return "_".join([operation.method.lower(), *words])


def _body(body: type[BaseModel] | OneOf | Mapping[str, Any]) -> Mapping[str, Any]:
    return {"application/json": {"schema": _schema(body)}} if isinstance(body, type | OneOf) else body


def _parameter(param: Any) -> dict[str, Any]:
    return {"name": param.name, "in": param.place, "description": param.description, "schema": dict(param.schema)}


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
    found: dict[str, Any] = {}
    for status, answer in operation.answers.items():
        headers = _headers(operation.headers.get(status, ()))
        found[str(status)] = {"description": _REASONS[status], **headers, **_content(answer)}
    slugs = list(operation.problems)
    if operation.scope:
        slugs += _KEY_PROBLEMS
        slugs += _WRITE_PROBLEMS if operation.scope.endswith(":write") else ()
    if operation.body is not None:
        slugs += _BODY_PROBLEMS
    if operation.params or operation.path.count("{"):
        slugs.append("invalid-request")
    by_status: dict[int, list[str]] = {}
    for slug in dict.fromkeys(slugs):
        by_status.setdefault(PROBLEMS[slug].status, []).append(slug)
    for status, names in sorted(by_status.items()):
        content = {"application/problem+json": {"schema": _ref(schemas.Problem)}}
        if operation.tag == "older" and status == 404:
            content = {"application/json": {"schema": {"type": "object"}}}
        described = "; ".join(f"[{name}](/problems/{name})" for name in names)
        found[str(status)] = {
            "description": described,
            **_headers(_PROBLEM_HEADERS.get(status, ())),
            "content": content,
        }
    return found


def _headers(names: Sequence[str]) -> dict[str, Any]:
    described = {name: {"description": HEADERS[name], "schema": {"type": "string"}} for name in names}
    return {"headers": described} if described else {}


def _content(answer: Media) -> dict[str, Any]:
    if answer is None:
        return {}
    if isinstance(answer, str):
        return {"content": {answer: {"schema": {"type": "string"}}}}
    return {"content": {getattr(answer, "media_type", "application/json"): {"schema": _schema(answer)}}}


def _schema(media: type[BaseModel] | OneOf) -> dict[str, Any]:
    if isinstance(media, type):
        return _ref(media)
    first, *others = [_ref(model) for model in media.models()]
    return {"anyOf": [first, *others]} if others else first


def _ref(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": _REF.format(model=model.__name__)}


def _webhook(summary: str, model: type[BaseModel]) -> dict[str, Any]:
    names = ("webhook-id", "webhook-timestamp", "webhook-signature")
    parameters = [{"name": name, "in": "header", "required": True, "schema": {"type": "string"}} for name in names]
    return {
        "summary": summary,
        "parameters": parameters,
        "requestBody": {"content": {"application/json": {"schema": _ref(model)}}},
        "responses": {"2XX": {"description": "Taken."}, "410": {"description": "No more of these."}},
    }


_REASONS = {
    200: "Done.",
    201: "Made.",
    202: "Accepted: it goes on in the background.",
    204: "Done; nothing more to say.",
    304: "Not changed.",
    503: "Not now.",
}
