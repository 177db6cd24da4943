"""The older callback API: `POST /send` takes texts, a PDF file or a recording, and a callback for the results."""

import asyncio
import csv
import hashlib
import io
import mimetypes
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import orjson
from starlette.datastructures import UploadFile
from starlette.responses import Response

from nlp2filters.api import admission, transcriptions
from nlp2filters.api.batches import prepare_members
from nlp2filters.api.body import MAX_BYTES, pieces, read_form
from nlp2filters.api.legacy.pdf_files import UnreadablePDF, read_text
from nlp2filters.api.preparation import Member, Preparation, check_webhook, new_id
from nlp2filters.api.responses import JSON
from nlp2filters.api.routes import Call, Operation
from nlp2filters.clock import now_ms
from nlp2filters.core import jobs
from nlp2filters.core.batches import Batch
from nlp2filters.core.jobs import Job
from nlp2filters.core.problems import problem
from nlp2filters.core.requests import BatchRequest, BatchSubmission, validate
from nlp2filters.core.spoken import TranscriptionOptions
from nlp2filters.errors import IllegalTransition, InvalidInput, InvalidRequest, PayloadTooLarge, Violation
from nlp2filters.storage.blobs.store import Blob
from nlp2filters.storage.commits import EventDraft
from nlp2filters.storage.store import Store

NO_RESULT = EventDraft("done", {"result": None})
# Files of these types are accepted, but the callback only learns why they are not read.
_UNREADABLE = {"image": "Pictures are not read. Send a text or a recording."}
_PDF = "application/pdf"
# Not every system knows these.
_SUFFIXES = dict.fromkeys((".wav", ".mp3", ".m4a", ".ogg", ".oga", ".opus", ".flac", ".webm"), "audio/*")
_TEXT_COLUMNS = ("text", "query", "sentence")


@dataclass(frozen=True, slots=True)
class Form:
    """The content of the form, and the media type of its file."""

    file: UploadFile
    media_type: str
    callback: str
    catalog: str
    format: str


async def send(call: Call) -> Response:
    """Submit a file of texts (plain text, CSV, JSON, JSON Lines, PDF: one per line) or a recording, and a callback URL.

    The response is 204 at once. Later the callback receives `{"success": true, "data": [result, …]}` in the order of
    the texts, with `{"error": "…"}` for one that failed, or `{"success": false, "error": "…"}`. For a recording, `data`
    is the transcript, a string; with `format=text`, it is a string for texts, too: their explanations, a line each.
    The response to an unusable request is 404 with the reason. Pictures, and PDF files that are encrypted, broken or
    scanned, are accepted, but the callback only learns why they are not read.
    """
    try:
        async with _form(call) as form:
            return await _send(call, form)
    except InvalidInput as exc:
        return JSON({"error": str(exc)}, status_code=404)


async def _send(call: Call, form: Form) -> Response:
    services, owner, batch_id = call.services, call.caller.owner, new_id("batch")
    await check_webhook(services.settings, call.headers, form.callback, signed=False)
    refusal, texts = _UNREADABLE.get(form.media_type.partition("/")[0]), []
    if not refusal and not _is_sound(form.media_type):
        try:
            texts = await _read_texts(form)
        except UnreadablePDF as exc:
            refusal = str(exc)
    if texts:
        requests = _batch_requests(form, texts)
        members = await prepare_members(Preparation(services, call.caller, call.headers), batch_id, requests)
    else:
        members = [await _recording(call, form, batch_id, is_kept=refusal is None)]
    limits, rate_headers = await admission.admit(services, call.caller, len(members))
    await admission.check_cost(services, call.caller, [job for job, _ in members])
    if not refusal and _is_sound(form.media_type):
        max_bytes = admission.blob_limit(services, call.caller)
        await services.blobs.store(owner, pieces(form.file), size=form.file.size, max_bytes=max_bytes)
    names = tuple((job.custom_id or "", job.id) for job, _ in members)
    batch = Batch(batch_id, owner, now_ms(), names, notify="send")
    request = orjson.dumps({"webhook": {"url": form.callback}, "format": form.format})
    await services.store.batches.create(batch, members, request, limits=limits)
    if refusal:
        await _fail(services.store, members[0][0], refusal)
    return Response(status_code=204, headers=rate_headers)


async def _recording(call: Call, form: Form, batch_id: str, *, is_kept: bool) -> Member:
    """Return the job that transcribes the file. For one that is not kept, the job is about to fail."""
    if is_kept:
        await transcriptions.require_worker(call.services.store)
    digest = await asyncio.to_thread(_digest, form.file)
    await form.file.seek(0)
    blob = Blob(digest, form.file.size or 0)
    job, request = await transcriptions.member(call, TranscriptionOptions(), blob)
    return replace(job, batch_id=batch_id, custom_id="0"), request


async def _fail(store: Store, job: Job, detail: str) -> None:
    """End a job that was created only to tell its callback that the file is not read."""
    error = problem("unsupported-media-type", detail)
    with suppress(IllegalTransition):
        await store.jobs.apply(job, lambda job: jobs.abandon(job, error, now_ms()), events=[NO_RESULT])


def _digest(file: UploadFile) -> str:
    return hashlib.file_digest(file.file, "sha256").hexdigest()  # type: ignore[arg-type]


def _is_sound(media_type: str) -> bool:
    return media_type.partition("/")[0] in ("audio", "video")


def _batch_requests(form: Form, texts: list[str]) -> list[BatchRequest]:
    requests = [{"custom_id": str(index), "catalog": form.catalog, "text": text} for index, text in enumerate(texts)]
    return validate(BatchSubmission, {"requests": requests}).requests


@asynccontextmanager
async def _form(call: Call) -> AsyncIterator[Form]:
    """Read the form.

    Raises:
        InvalidRequest: it is incomplete.
        PayloadTooLarge: it is larger than 25 MB; the rest is not read.
    """
    if not call.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        raise InvalidRequest([Violation("", "Send multipart/form-data with `file` and `callback`.")])
    max_bytes = transcriptions.MAX_RECORDING_BYTES + MAX_BYTES
    async with read_form(call.request, max_bytes=max_bytes) as data:
        file, callback = data.get("file"), data.get("callback")
        catalog = data.get("catalog", call.services.settings.default_catalog)
        form = data.get("format", "json")
        if not isinstance(file, UploadFile):
            raise InvalidRequest([Violation("/file", "The form has no file.")])
        if not isinstance(callback, str) or not callback:
            raise InvalidRequest([Violation("/callback", "The form has no callback.")])
        if form not in ("json", "text"):
            raise InvalidRequest([Violation("/format", "Expected `json` or `text`.")])
        yield Form(file, _media_type(file), callback, str(catalog), form)


def _media_type(file: UploadFile) -> str:
    """Return the type that the client has named, or else that of the file's suffix."""
    media_type = (file.content_type or "").partition(";")[0].strip().lower()
    if media_type not in ("", "application/octet-stream"):
        return media_type
    suffix = Path(file.filename or "").suffix.lower()
    return _SUFFIXES.get(suffix) or mimetypes.guess_type(f"file{suffix}")[0] or "text/plain"


async def _read_texts(form: Form) -> list[str]:
    """Read the texts of the file.

    Raises:
        InvalidRequest: it is not UTF-8, or has no text.
        PayloadTooLarge: it has more than 1 MiB, and is no PDF file.
        UnreadablePDF: it is a PDF file without text that can be read.
    """
    if form.media_type == _PDF:
        return _stripped((await read_text(await form.file.read())).splitlines())
    if (form.file.size or 0) > MAX_BYTES:
        raise PayloadTooLarge(MAX_BYTES)
    try:
        text = (await form.file.read()).decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        raise InvalidRequest([Violation("/file", f"The file is not UTF-8: {exc}")]) from exc
    texts = _stripped(_texts(text, form.file.filename or "", form.media_type))
    if not texts:
        raise InvalidRequest([Violation("/file", "The file contains no text.")])
    return texts


def _stripped(lines: Iterable[str]) -> list[str]:
    return [stripped for line in lines if (stripped := line.strip())]


def _texts(text: str, name: str, media_type: str) -> Iterator[str]:
    """Read one text per line; from CSV and JSON (whatever the file's name), read only the text column or member."""
    if text.lstrip().startswith(("[", "{", '"')) or name.endswith((".json", ".jsonl")):
        yield from _json(text)
    elif name.endswith(".csv") or media_type.partition(";")[0] == "text/csv":
        yield from _csv(text)
    else:
        yield from text.splitlines()


def _json(content: str) -> Iterator[str]:
    try:
        data = orjson.loads(content)
    except orjson.JSONDecodeError:
        try:
            data = [orjson.loads(line) for line in content.splitlines() if line.strip()]
        except orjson.JSONDecodeError as exc:
            raise InvalidRequest([Violation("/file", f"The file is not valid JSON: {exc}")]) from exc
    for item in data if isinstance(data, list) else [data]:
        text = next((item[name] for name in _TEXT_COLUMNS if name in item), None) if isinstance(item, dict) else item
        if not isinstance(text, str):
            raise InvalidRequest([Violation("/file", "Expected strings, or objects with a member `text`.")])
        yield text


def _csv(text: str) -> Iterator[str]:
    """Read the column `text`, `query` or `sentence`; without such a header, the first column of every line."""
    rows = [row for row in csv.reader(io.StringIO(text)) if row]
    header = [name.strip().lower() for name in rows[0]] if rows else []
    column = next((header.index(name) for name in _TEXT_COLUMNS if name in header), None)
    for row in rows[1:] if column is not None else rows:
        yield row[column or 0] if len(row) > (column or 0) else ""


_FORM = {
    "multipart/form-data": {
        "schema": {
            "type": "object",
            "properties": {
                "file": {"type": "string", "format": "binary"},
                "callback": {"type": "string", "format": "uri"},
                "catalog": {"type": "string"},
                "format": {"enum": ["json", "text"]},
            },
            "required": ["file", "callback"],
        }
    }
}

operations = [
    Operation(
        "POST",
        "/send",
        send,
        "jobs:write",
        {204: None},
        body=_FORM,
        problems=(
            "not-found",
            "payload-too-large",
            "no-worker",
            "too-many-requests",
            "too-many-pending",
            "too-many-bytes",
            "overloaded",
        ),
        tag="older",
    )
]
