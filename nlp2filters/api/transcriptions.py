"""Transcribe an uploaded recording, and turn the question in it into a filter if the request asks for that."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import orjson
from starlette.datastructures import FormData, UploadFile
from starlette.responses import Response

from nlp2filters.api import admission, jobs
from nlp2filters.api.body import declared_size, media_type_of, pieces, read_form, without
from nlp2filters.api.preparation import Member, Preparation, check_webhook, new_job, stored_request
from nlp2filters.api.routes import IDEMPOTENCY_KEY, PREFER, Call, Operation
from nlp2filters.api.text_options import read_options
from nlp2filters.core import schemas
from nlp2filters.core.expected_names import names_to_expect
from nlp2filters.core.kinds import AUDIO, TRANSCRIPTIONS_PATH
from nlp2filters.core.spoken import QuestionRequest, TranscriptionOptions, TranscriptionRequest
from nlp2filters.errors import InvalidRequest, NoWorker, Violation
from nlp2filters.storage.blobs.store import Blob
from nlp2filters.storage.store import Store

MAX_RECORDING_BYTES = 25 << 20
# The other fields of the form, and its boundaries.
MAX_FORM_BYTES = 1 << 20
# An hour of speech has about 9,000 words; the result has them as text and twice as subtitles.
MAX_RESULT_BYTES = 1_000_000
RESULT_BYTES_PER_BYTE = 0.2


@dataclass(frozen=True, slots=True)
class Upload:
    """The form of a request: its file, which the parser keeps on disk if it is large, and its options."""

    file: UploadFile
    size: int
    options: TranscriptionOptions


async def transcribe(call: Call) -> Response:
    """Transcribe a recording of up to 25 MB: wav, mp3, m4a, ogg, flac, webm, or the sound of a video.

    The job's result has the text, its language, its segments with times, and subtitles (`srt`, `vtt`). The events
    `transcript` have the text of each part of a long recording as soon as there is one. With `then`, what is said
    becomes a filter: the same job goes on as one of a text would, and its result has the filter and the `transcript`.
    `Prefer` and `Idempotency-Key` work as for a text.
    """
    await require_worker(call.services.store)
    media_type_of(call.request, "multipart/form-data")
    declared_size(call.request, MAX_RECORDING_BYTES + MAX_FORM_BYTES)
    async with read_form(call.request, max_bytes=MAX_RECORDING_BYTES + MAX_FORM_BYTES) as form:
        return await _submit(call, _upload(form))


async def require_worker(store: Store) -> None:
    """Refuse recordings that nobody would transcribe.

    Raises:
        NoWorker: no audio worker is alive.
    """
    if not (await store.stats.workers())[AUDIO]:
        raise NoWorker(AUDIO)


async def _submit(call: Call, upload: Upload) -> Response:
    services, owner, options = call.services, call.caller.owner, upload.options
    digest = hashlib.file_digest(upload.file.file, "sha256").hexdigest()  # type: ignore[arg-type]
    await upload.file.seek(0)
    if key := call.idempotency_key:
        about = orjson.dumps([digest, options.model_dump(mode="json")], option=orjson.OPT_SORT_KEYS)
        fingerprint = hashlib.sha256(TRANSCRIPTIONS_PATH.encode() + b"\n" + about).hexdigest()
        call = replace(call, idempotency_key=replace(key, fingerprint=fingerprint))
        if job_id := await admission.replayed_id(services.store, owner, call.idempotency_key):
            return await jobs.replay(call, job_id)
    limits, headers = await admission.admit(services, call.caller)
    job, request = await member(call, options, Blob(digest, upload.size))
    await admission.check_cost(services, call.caller, [job])
    max_bytes = admission.blob_limit(services, call.caller)
    await services.blobs.store(owner, pieces(upload.file), size=upload.size, max_bytes=max_bytes)
    return await jobs.create(call, job, request, limits, headers)


async def member(call: Call, options: TranscriptionOptions, blob: Blob) -> Member:
    """Create the job and the request that it stores. The blob need not be stored yet.

    Raises:
        InvalidInput, CatalogNotFound: `then` has faults, with pointers that begin with `/then`.
    """
    about: dict[str, Any] = {"blob": blob.digest, "size": blob.size, "word_times": options.word_times}
    preparation = Preparation(call.services, call.caller, call.headers)
    about |= {"language": options.language, "words": await _names(preparation, options)}
    about |= {name: getattr(options, name) for name in ("webhook", "metadata", "deadline_seconds")}
    derived = int(min(MAX_RESULT_BYTES, RESULT_BYTES_PER_BYTE * blob.size))
    if options.webhook:
        await check_webhook(call.services.settings, call.headers, options.webhook.url)
    if options.then is None:
        recording = TranscriptionRequest(**about, api_key=call.caller.key_id)
        job = new_job(call.services.settings, call.caller.owner, recording)
        request = stored_request(recording)
    else:
        names = options.then.model_fields_set | about.keys()
        question = QuestionRequest.model_construct(names, **{**dict(options.then), **about})
        try:
            job, request = await preparation.prepare(question)
        except InvalidRequest as exc:
            raise exc.prefixed("/then") from exc
    return job, replace(request, derived=request.derived + derived)


async def _names(preparation: Preparation, options: TranscriptionOptions) -> list[str]:
    """Return the names to expect: those of the request, or of a catalog, by default that of the question.

    Raises:
        InvalidInput, CatalogNotFound: there is no such catalog, or it has faults.
    """
    if isinstance(options.words, list):
        return options.words
    then = options.then
    if options.words:
        return names_to_expect(await preparation.catalog(options.words.catalog))
    if not then:
        return []
    try:
        source = (await preparation.refined(then.refines)).catalog if then.refines else then.catalog
        return names_to_expect(await preparation.catalog(source)) if source else []
    except InvalidRequest as exc:
        raise exc.prefixed("/then") from exc


def _upload(form: FormData) -> Upload:
    """Check the form.

    Raises:
        InvalidRequest: it has no file, or its options have faults.
    """
    file = form.get("file")
    if not isinstance(file, UploadFile) or not file.size:
        raise InvalidRequest(
            [Violation("/file", "The form has no file, or an empty one. Send the recording as `file`.")]
        )
    return Upload(file, file.size, read_options(without(form, "file"), TranscriptionOptions))


_FORM: Mapping[str, Any] = {
    "multipart/form-data": {
        "schema": {
            "type": "object",
            "properties": {
                "file": {"type": "string", "format": "binary", "description": "The recording."},
                "language": {"type": "string", "description": "What is spoken: `en`, `es`; else it is found out."},
                "words": {
                    "type": "string",
                    "description": 'Names that may occur, separated by commas or as JSON, or `{"catalog": "cars"}`.',
                },
                "word_times": {"type": "boolean", "description": "Give the times of single words, too."},
                "then": {
                    "type": "string",
                    "contentMediaType": "application/json",
                    "description": '`{"catalog": "cars", "dialects": ["sql"], …}`, as for `POST /v1/jobs`.',
                },
                "webhook": {"type": "string", "description": "An https URL, called when the job has ended."},
                "metadata": {"type": "string", "contentMediaType": "application/json"},
                "deadline_seconds": {"type": "integer", "minimum": 1, "maximum": 86_400},
            },
            "required": ["file"],
        }
    }
}

operations = [
    Operation(
        "POST",
        TRANSCRIPTIONS_PATH,
        transcribe,
        "jobs:write",
        {202: schemas.Job, 200: schemas.FinishedJob},
        body=_FORM,
        params=(PREFER, IDEMPOTENCY_KEY),
        problems=(
            "no-worker",
            "catalog-not-found",
            "invalid-catalog",
            "invalid-filter",
            "outcome-unknown",
            *jobs.KEY_PROBLEMS,
            *jobs.LIMIT_PROBLEMS,
        ),
        headers=jobs.CREATED_HEADERS,
    ),
]
