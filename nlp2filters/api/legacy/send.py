"""The older callback API: `POST /send` takes a file of texts and a callback, to which the results are posted."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass

import orjson
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from nlp2filters.api import admission
from nlp2filters.api.batches import prepare_members
from nlp2filters.api.body import MAX_BYTES, limit_body
from nlp2filters.api.preparation import Preparation, check_webhook, new_id
from nlp2filters.api.responses import JSON
from nlp2filters.api.routes import Call, Operation
from nlp2filters.clock import now_ms
from nlp2filters.core.batches import Batch
from nlp2filters.core.requests import BatchRequest, BatchSubmission, validate
from nlp2filters.errors import InvalidInput, InvalidRequest, Violation

_TEXT_COLUMNS = ("text", "query", "sentence")


@dataclass(frozen=True, slots=True)
class Form:
    """The content of the form."""

    texts: list[str]
    callback: str
    catalog: str


async def send(call: Call) -> Response:
    """Submit a file of texts (plain text, CSV, JSON or JSON Lines: one text per line), with a callback URL.

    The response is 204 at once. Later the callback receives `{"success": true, "data": [result, …]}` in the order of
    the texts, or `{"success": false, "error": "…"}`. The response to an unusable request is 404 with the reason.
    """
    services, owner = call.services, call.caller.owner
    try:
        form = await _read(call.request, services.settings.default_catalog)
        requests = _batch_requests(form)
        check_webhook(services.settings, call.headers, form.callback, signed=False)
        batch_id = new_id("batch")
        members = await prepare_members(Preparation(services, call.caller, call.headers), batch_id, requests)
    except InvalidInput as exc:
        return JSON({"error": str(exc)}, status_code=404)
    limits, rate_headers = await admission.admit(services, call.caller, len(requests))
    await admission.check_cost(services, call.caller, [job for job, _ in members])
    names = tuple((job.custom_id or "", job.id) for job, _ in members)
    batch = Batch(batch_id, owner, now_ms(), names, notify="send")
    request = orjson.dumps({"webhook": {"url": form.callback}})
    await services.store.batches.create(batch, members, request, limits=limits)
    return Response(status_code=204, headers=rate_headers)


def _batch_requests(form: Form) -> list[BatchRequest]:
    requests = [
        {"custom_id": str(index), "catalog": form.catalog, "text": text} for index, text in enumerate(form.texts)
    ]
    return validate(BatchSubmission, {"requests": requests}).requests


async def _read(request: Request, default_catalog: str) -> Form:
    """Read the form.

    Raises:
        InvalidRequest: the form is incomplete.
        PayloadTooLarge: it is larger than 1 MiB; the rest is not read.
    """
    if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        raise InvalidRequest([Violation("", "Send multipart/form-data with `file` and `callback`.")])
    try:
        async with limit_body(request).form(max_files=1, max_fields=10, max_part_size=MAX_BYTES) as data:
            return await _form(data, default_catalog)
    except HTTPException as exc:  # Starlette raises it for a malformed form.
        raise InvalidRequest([Violation("", f"The form is malformed: {exc.detail}")]) from exc


async def _form(data: FormData, default_catalog: str) -> Form:
    file, callback, catalog = data.get("file"), data.get("callback"), data.get("catalog", default_catalog)
    if not isinstance(file, UploadFile):
        raise InvalidRequest([Violation("/file", "The form has no file.")])
    if not isinstance(callback, str) or not callback:
        raise InvalidRequest([Violation("/callback", "The form has no callback.")])
    try:
        text = (await file.read()).decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        raise InvalidRequest([Violation("/file", f"The file is not UTF-8: {exc}")]) from exc
    texts = [one.strip() for one in _texts(text, file.filename or "", file.content_type or "") if one.strip()]
    if not texts:
        raise InvalidRequest([Violation("/file", "The file contains no text.")])
    return Form(texts, callback, str(catalog))


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
        problems=("not-found", "too-many-requests", "too-many-pending", "too-many-bytes", "overloaded"),
        tag="older",
    )
]
