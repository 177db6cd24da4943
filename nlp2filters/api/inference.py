"""Infer a catalog from a table: a small one at once, any other as a job of the kind `inference`."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import Any

import orjson
from starlette.datastructures import QueryParams
from starlette.responses import Response

from nlp2filters.api import admission, jobs
from nlp2filters.api.body import MAX_BYTES, declared_size, limit_body, media_type_of
from nlp2filters.api.catalogs import check_name
from nlp2filters.api.preparation import check_webhook, new_id
from nlp2filters.api.responses import JSON
from nlp2filters.api.routes import IDEMPOTENCY_KEY, PREFER, Call, OneOf, Operation, Param
from nlp2filters.clock import now_ms
from nlp2filters.core import media_types, schemas
from nlp2filters.core.jobs import Job
from nlp2filters.core.jobs import create as create_job
from nlp2filters.core.kinds import INFERENCE_PATH
from nlp2filters.core.media_types import PLAIN, SUFFIXES
from nlp2filters.core.requests import InferenceOptions, InferenceRequest, validate
from nlp2filters.errors import Forbidden, InvalidRequest, Violation
from nlp2filters.storage.blobs.store import Blob
from nlp2filters.storage.idempotency import IdempotencyKey
from nlp2filters.storage.request_parts import JOB_BYTES
from nlp2filters.storage.request_parts import Request as StoredRequest
from nlp2filters.table_inference import TableOptions, infer_table

MAX_TABLE_BYTES = 32 << 20
# A catalog lists the most frequent values of its columns, so it is much smaller than a large table.
MAX_CATALOG_BYTES = 200_000
JOB_SCOPE = "jobs:write"


async def infer(call: Call) -> Response:
    """Infer a catalog from a table of up to 32 MiB, for you to review, edit and store. Nothing is stored yet.

    Send the table as CSV with a header line, as JSON Lines, as a JSON list of objects, as Parquet, as an SQLite file or
    as a workbook.
    CSV, JSON Lines and JSON of up to 1 MiB are answered at once, with the catalog, or with `?explain=true` also with
    the reasons: what was seen, decided and refused in each column. Anything else, and everything with `Prefer:
    respond-async`, becomes a job, whose result has both; this needs a key with the scope `jobs:write`.
    `webhook`, `metadata`, `deadline_seconds` and `Idempotency-Key` apply to the job, as for any other.
    """
    options, explain = _options(call.query), _explains(call.query)
    media_type = media_type_of(call.request, *SUFFIXES)
    may_be_plain = media_type in PLAIN
    if media_type != media_types.JSON:
        media_type = call.headers["content-type"]  # It may have a charset.
    size = declared_size(call.request, MAX_TABLE_BYTES)
    content: AsyncIterator[bytes] = limit_body(call.request, MAX_TABLE_BYTES).stream()
    may_be_small = may_be_plain and (size is None or size <= MAX_BYTES) and not call.preferences.respond_async
    if may_be_small:
        head, complete = await _head(content)
        if complete:
            table_options = TableOptions(options.name, options.currency, options.date_order, options.table)
            inferred = await asyncio.to_thread(infer_table, head, media_type, table_options)
            explained = {name: inferred[name] for name in ("catalog", "columns", "table")}
            return JSON(explained if explain else inferred["catalog"])
        content = _joined(head, content)
    if not call.caller.may(JOB_SCOPE):
        raise Forbidden(JOB_SCOPE)
    # The answer is a job in any case, and clients tell it from a catalog by its status.
    call = replace(call, preferences=replace(call.preferences, wait_s=0))
    return await _submit(call, options, media_type, content, size)


async def _submit(
    call: Call, options: InferenceOptions, media_type: str, content: AsyncIterator[bytes], size: int | None
) -> Response:
    """Store the table, and create the job that reads it."""
    services, owner, key = call.services, call.caller.owner, call.idempotency_key
    if key and await services.store.idempotency_keys.exists(owner, key):
        key = _key_about(key, options, media_type, await _digest(content))
        if job_id := await admission.replayed_id(services.store, owner, key):
            return await jobs.replay(call, job_id)
    limits, headers = await admission.admit(services, call.caller)
    if options.webhook:
        check_webhook(services.settings, call.headers, options.webhook.url)
    max_bytes = admission.blob_limit(services, call.caller)
    blob = await services.blobs.store(owner, content, size=size, max_bytes=max_bytes)
    if key:
        call = replace(call, idempotency_key=_key_about(key, options, media_type, blob.digest))
    return await jobs.create(call, *_member(call, options, media_type, blob), limits, headers)


def _member(call: Call, options: InferenceOptions, media_type: str, blob: Blob) -> tuple[Job, StoredRequest]:
    """Return the job and the request that it stores."""
    webhook = options.webhook
    job = create_job(
        new_id("job"),
        "inference",
        call.caller.owner,
        now_ms(),
        deadline_s=options.deadline_seconds or call.services.settings.deadline_s,
        metadata=options.metadata,
        notify=tuple(webhook.events) if webhook else (),
        webhook=webhook.url if webhook else None,
    )
    request = InferenceRequest(**dict(options), media_type=media_type, blob=blob.digest, size=blob.size)
    body = orjson.dumps(request.model_dump(mode="json", exclude={"metadata"}))
    # The result is in the job's record and in its last event.
    return job, StoredRequest(body, derived=JOB_BYTES + 2 * min(blob.size, MAX_CATALOG_BYTES))


def _options(query: QueryParams) -> InferenceOptions:
    """Read the options in the query.

    Raises:
        InvalidRequest: its pointers begin with `/query`.
    """
    members: dict[str, Any] = {name: value for name, value in query.items() if name in InferenceOptions.model_fields}
    if url := members.get("webhook"):
        members["webhook"] = {"url": url}
    for name in {"metadata", "deadline_seconds"} & set(members):
        try:
            members[name] = orjson.loads(members[name])
        except orjson.JSONDecodeError as exc:
            raise InvalidRequest([Violation(f"/query/{name}", f"Expected JSON: {exc}.")]) from exc
    try:
        options = validate(InferenceOptions, members)
    except InvalidRequest as exc:
        raise exc.prefixed("/query") from exc
    check_name(options.name)
    return options


def _explains(query: QueryParams) -> bool:
    match query.get("explain", "false"):
        case "true" | "false" as explain:
            return explain == "true"
    raise InvalidRequest([Violation("/query/explain", "Expected true or false.")])


async def _head(content: AsyncIterator[bytes]) -> tuple[bytes, bool]:
    """Read as much as a small table may have. Returns it, and True if there is no more."""
    head = bytearray()
    async for piece in content:
        head += piece
        if len(head) > MAX_BYTES:
            return bytes(head), False
    return bytes(head), True


async def _joined(head: bytes, content: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield head
    del head
    async for piece in content:
        yield piece


async def _digest(content: AsyncIterator[bytes]) -> str:
    hashed = hashlib.sha256()
    async for piece in content:
        hashed.update(piece)
    return hashed.hexdigest()


def _key_about(key: IdempotencyKey, options: InferenceOptions, media_type: str, digest: str) -> IdempotencyKey:
    """Return the key with the fingerprint of the request: its options, and the digest of the table."""
    about = {**options.model_dump(mode="json"), "media_type": media_type, "blob": digest}
    content = INFERENCE_PATH.encode() + b"\n" + orjson.dumps(about, option=orjson.OPT_SORT_KEYS)
    return replace(key, fingerprint=hashlib.sha256(content).hexdigest())


def _param(name: str, description: str, schema: Mapping[str, Any] | None = None) -> Param:
    return Param(name=name, location="query", description=description, schema=schema or {"type": "string"})


_PARAMS = (
    _param("name", "The name of the catalog."),
    _param(
        "currency",
        "The currency of amounts without one, as an ISO 4217 code.",
        {"type": "string", "pattern": "^[A-Z]{3}$"},
    ),
    _param(
        "date_order",
        "What comes first in dates such as 03/04/2024, if no cell of the table tells.",
        {"enum": ["day", "month"]},
    ),
    _param(
        "explain",
        "`true`: answer at once with the catalog and the reasons for each of its fields, as a job's result has them.",
        {"type": "boolean", "default": False},
    ),
    _param("table", "The table of an SQLite file, or the sheet of a workbook."),
    _param("webhook", "An https URL, called with a signature when the job has ended."),
    _param("metadata", "A JSON object of strings, stored with the job and returned with it."),
    _param(
        "deadline_seconds",
        "The job expires if no worker has started it within this time.",
        {"type": "integer", "minimum": 1, "maximum": 86_400},
    ),
    PREFER,
    IDEMPOTENCY_KEY,
)
_BINARY: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}
_BODY: dict[str, dict[str, Any]] = {
    media_type: {"schema": {"type": "string"}} if media_type in PLAIN else _BINARY for media_type in SUFFIXES
}
_BODY[media_types.JSON] = {"schema": {"type": "array", "items": {"type": "object"}}}

operations = [
    Operation(
        "POST",
        INFERENCE_PATH,
        infer,
        "jobs:read",
        {200: OneOf(lambda: [schemas.CatalogDocument, schemas.InferredCatalog]), 202: schemas.Job},
        body=_BODY,
        params=_PARAMS,
        problems=("invalid-catalog", "outcome-unknown", *jobs.KEY_PROBLEMS, *jobs.LIMIT_PROBLEMS),
        headers={202: jobs.CREATED_HEADERS[202]},
        tag="catalogs",
    ),
]
