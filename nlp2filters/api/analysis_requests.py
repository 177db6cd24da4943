"""The three forms of a request to analyse code: an archive as the body, an archive in a form, or files as JSON."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any, BinaryIO

from starlette.datastructures import UploadFile

from nlp2filters.analysis.packing import pack
from nlp2filters.api.body import (
    READ_BYTES,
    declared_size,
    decode_json,
    limit_body,
    media_type_of,
    pieces,
    read_form,
    without,
)
from nlp2filters.api.preparation import check_strategy
from nlp2filters.api.routes import Call, OneOf
from nlp2filters.api.text_options import read_options
from nlp2filters.api.uploads import Upload
from nlp2filters.core.analyses import AnalysisForm, AnalysisOptions, FilesByPath, ListedFiles
from nlp2filters.core.requests import validate
from nlp2filters.errors import InvalidRequest, Violation

MAX_ARCHIVE_BYTES = 32 << 20
# The other fields of the form, and its boundaries.
MAX_FORM_BYTES = 1 << 20
# The essence of a report has quotes of at most so many bytes together.
MAX_RESULT_BYTES = 50_000
ARCHIVES = ("application/gzip", "application/x-tar", "application/zip", "application/octet-stream")
FORM, JSON = "multipart/form-data", "application/json"
# The media type in which files of a JSON body are stored.
PACKED = "application/gzip"
FILES = OneOf(lambda: [FilesByPath, ListedFiles])
BODY: dict[str, Any] = {
    **{name: {"schema": {"type": "string", "format": "binary"}} for name in ARCHIVES},
    FORM: {"schema": AnalysisForm},
    JSON: {"schema": FILES},
}


@asynccontextmanager
async def read_upload(call: Call) -> AsyncIterator[Upload]:
    """Read a request's options, and open its archive; large content is kept on disk until the end of the context.

    Raises:
        UnsupportedMediaType, PayloadTooLarge, MalformedJSON: the body cannot be read.
        InvalidRequest: there are faults in it, or in the query.
    """
    media_type = media_type_of(call.request, *ARCHIVES, FORM, JSON)
    if media_type == FORM:
        async with _form(call) as upload:
            yield upload
    elif media_type == JSON:
        async with _files(call) as upload:
            yield upload
    else:
        yield _archive(call, media_type)


def _archive(call: Call, media_type: str) -> Upload:
    """Open an archive that is the body. Its options are in the query."""
    try:
        options = read_options(call.query, AnalysisOptions)
        check_strategy(call.services.settings, options.strategy)
    except InvalidRequest as exc:
        raise exc.prefixed("/query") from exc
    size = declared_size(call.request, MAX_ARCHIVE_BYTES)
    return _upload(call, options, media_type, limit_body(call.request, MAX_ARCHIVE_BYTES).stream(), size)


@asynccontextmanager
async def _form(call: Call) -> AsyncIterator[Upload]:
    """Open the archive of a form, whose other fields are the options."""
    _refuse_query(call, "fields of the form")
    declared_size(call.request, MAX_ARCHIVE_BYTES + MAX_FORM_BYTES)
    async with read_form(call.request, max_bytes=MAX_ARCHIVE_BYTES + MAX_FORM_BYTES) as form:
        archive = form.get("archive")
        if not isinstance(archive, UploadFile):
            raise InvalidRequest([Violation("/archive", "The form has no file of this name. Send the archive as one.")])
        options = read_options(without(form, "archive"), AnalysisOptions)
        check_strategy(call.services.settings, options.strategy)
        yield _upload(call, options, ARCHIVES[-1], pieces(archive), archive.size)


@asynccontextmanager
async def _files(call: Call) -> AsyncIterator[Upload]:
    """Pack the files of a JSON body, whose other members are the options."""
    _refuse_query(call, "members of the body")
    declared_size(call.request, MAX_ARCHIVE_BYTES)
    with tempfile.TemporaryFile() as body, tempfile.TemporaryFile() as archive:
        async for piece in limit_body(call.request, MAX_ARCHIVE_BYTES).stream():
            await asyncio.to_thread(body.write, piece)
        # Such a body takes several times its size while it is decoded, so a process decodes one after the other.
        loop = asyncio.get_running_loop()
        options = await loop.run_in_executor(call.services.large_bodies, _pack, body, archive)
        check_strategy(call.services.settings, options.strategy)
        yield _upload(call, options, PACKED, _content(archive), archive.tell())


def _pack(body: BinaryIO, archive: BinaryIO) -> AnalysisOptions:
    """Write the files of a JSON body to an archive, and return the options."""
    body.seek(0)
    data = decode_json(body.read())
    files = data.get("files") if isinstance(data, dict) else None
    model: type[ListedFiles] | type[FilesByPath] = ListedFiles if isinstance(files, list) else FilesByPath
    request = validate(model, data)
    pack(_contents(request), archive)
    return AnalysisOptions(**{name: getattr(request, name) for name in AnalysisOptions.model_fields})


def _contents(request: FilesByPath | ListedFiles) -> Iterable[tuple[str, bytes]]:
    if isinstance(request, FilesByPath):
        return ((path, content.encode()) for path, content in request.files.items())
    return ((file.path, file.content.encode()) for file in request.files)


async def _content(file: BinaryIO) -> AsyncIterator[bytes]:
    """Yield the content of a file on disk."""
    file.seek(0)
    while piece := await asyncio.to_thread(file.read, READ_BYTES):
        yield piece


def _upload(
    call: Call, options: AnalysisOptions, media_type: str, content: AsyncIterator[bytes], size: int | None
) -> Upload:
    quick = options.strategy == "builtin" or not call.services.settings.llms
    return Upload("analysis", options, media_type, content, size, lambda _: MAX_RESULT_BYTES, quick)


def _refuse_query(call: Call, place: str) -> None:
    """Refuse options in the query of a request that has a place of its own for them."""
    if call.query:
        raise InvalidRequest([Violation(f"/query/{name}", f"Send it as one of the {place}.") for name in call.query])
