"""Jobs whose request is a file: it is streamed into the blob store, from which a worker reads it."""

import hashlib
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

import orjson
from starlette.responses import Response

from nlp2filters.api import admission, jobs
from nlp2filters.api.preparation import check_webhook, new_job, stored_request
from nlp2filters.api.routes import IDEMPOTENCY_KEY, PREFER, Call, Param
from nlp2filters.core.jobs import Job
from nlp2filters.core.kinds import KINDS
from nlp2filters.core.requests import JobOptions, UploadRequest
from nlp2filters.storage.blobs.store import Blob
from nlp2filters.storage.idempotency import IdempotencyKey
from nlp2filters.storage.request_parts import JOB_BYTES
from nlp2filters.storage.request_parts import Request as StoredRequest


def query_param(name: str, description: str, schema: Mapping[str, Any] | None = None) -> Param:
    """Describe an option in the query: a string, unless its schema says otherwise."""
    return Param(name=name, location="query", description=description, schema=schema or {"type": "string"})


# The parameters that all uploads have.
PARAMS = (
    query_param("webhook", "An https URL, called with a signature when the job has ended."),
    query_param("metadata", "A JSON object of strings, stored with the job and returned with it."),
    query_param(
        "deadline_seconds",
        "The job expires if no worker has started it within this time.",
        {"type": "integer", "minimum": 1, "maximum": 86_400},
    ),
    PREFER,
    IDEMPOTENCY_KEY,
)


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that a request brings, with the request's options.

    `kind` is that of the job. `size` is None if it is not known beforehand. `result_bytes` estimates from the size how
    much the job's result adds to its record. A `quick` job calls no LLM.
    """

    kind: str
    options: JobOptions
    media_type: str
    content: AsyncIterator[bytes]
    size: int | None
    result_bytes: Callable[[int], int]
    quick: bool = False


async def submit(call: Call, upload: Upload) -> Response:
    """Store the file, and create the job that reads it."""
    services, owner, key = call.services, call.caller.owner, call.idempotency_key
    if key and await services.store.idempotency_keys.exists(owner, key):
        key = _key_about(key, upload, await _digest(upload.content))
        if job_id := await admission.replayed_id(services.store, owner, key):
            return await jobs.replay(call, job_id)
    limits, headers = await admission.admit(services, call.caller)
    if upload.options.webhook:
        await check_webhook(services.settings, call.headers, upload.options.webhook.url)
    max_bytes = admission.blob_limit(services, call.caller)
    blob = await services.blobs.store(owner, upload.content, size=upload.size, max_bytes=max_bytes)
    if key:
        call = replace(call, idempotency_key=_key_about(key, upload, blob.digest))
    return await jobs.create(call, *_member(call, upload, blob), limits, headers)


def _member(call: Call, upload: Upload, blob: Blob) -> tuple[Job, StoredRequest]:
    """Return the job and the request that it stores."""
    members = {**dict(upload.options), "media_type": upload.media_type, "blob": blob.digest, "size": blob.size}
    request = cast(type[UploadRequest], KINDS[upload.kind].request())(**members)
    # The result is in the job's record and in its last event.
    derived = JOB_BYTES + 2 * upload.result_bytes(blob.size)
    job = new_job(call.services.settings, call.caller.owner, request, quick=upload.quick)
    return job, replace(stored_request(request, call.caller.key_id), derived=derived)


async def _digest(content: AsyncIterator[bytes]) -> str:
    hashed = hashlib.sha256()
    async for piece in content:
        hashed.update(piece)
    return hashed.hexdigest()


def _key_about(key: IdempotencyKey, upload: Upload, digest: str) -> IdempotencyKey:
    """Return the key with the fingerprint of the request: its options, and the digest of the file."""
    about = {**upload.options.model_dump(mode="json"), "media_type": upload.media_type, "blob": digest}
    path = KINDS[upload.kind].path
    content = path.encode() + b"\n" + orjson.dumps(about, option=orjson.OPT_SORT_KEYS)
    return replace(key, fingerprint=hashlib.sha256(content).hexdigest())
