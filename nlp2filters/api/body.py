"""Read a request's JSON body. Its media type, its size (while it streams) and its depth are checked."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

import orjson
from starlette.datastructures import FormData, ImmutableMultiDict, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import Message

from nlp2filters.errors import InvalidRequest, MalformedJSON, PayloadTooLarge, UnsupportedMediaType, Violation

MAX_BYTES = 1 << 20
MAX_DEPTH = 32
MAX_FIELDS = 200
READ_BYTES = 1 << 18


async def read_json(request: Request) -> Any:
    """Read and decode the body.

    Raises:
        UnsupportedMediaType: it is not declared as JSON.
        PayloadTooLarge: it is larger than 1 MiB; the rest is not read.
        MalformedJSON: it is not JSON, not UTF-8, or nested deeper than 32 levels.
    """
    return decode_json(await read_body(request, "application/json"))


def decode_json(body: bytes | bytearray) -> Any:
    """Decode a body.

    Raises:
        MalformedJSON: it is not JSON, not UTF-8, or nested deeper than 32 levels.
    """
    try:
        data = orjson.loads(body)
    except orjson.JSONDecodeError as exc:
        raise MalformedJSON(str(exc)) from exc
    if _depth_exceeds(data, MAX_DEPTH):
        raise MalformedJSON(f"nested deeper than {MAX_DEPTH} levels")
    return data


async def read_body(request: Request, *media_types: str) -> bytes:
    """Read the raw body, declared as one of the media types; for JSON, also as a type that ends with `+json`.

    Raises:
        UnsupportedMediaType: it is declared as another type.
        PayloadTooLarge: it is larger than 1 MiB; the rest is not read.
    """
    media_type_of(request, *media_types)
    return await limit_body(request).body()


def media_type_of(request: Request, *media_types: str) -> str:
    """Return that of the media types which the body is declared as; a type that ends with `+json` is JSON.

    Raises:
        UnsupportedMediaType: it is declared as another type.
    """
    declared = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    media_type = "application/json" if declared.endswith("+json") else declared
    if media_type not in media_types:
        raise UnsupportedMediaType(declared, " or ".join(media_types))
    return media_type


def declared_size(request: Request, max_bytes: int) -> int | None:
    """Return the `Content-Length`; None if the length is not known beforehand.

    Raises:
        PayloadTooLarge: it exceeds the maximum. Nothing was read.
    """
    size = request.headers.get("content-length", "")
    if not size.isascii() or not size.isdigit():
        return None
    if int(size) > max_bytes:
        raise PayloadTooLarge(max_bytes)
    return int(size)


def limit_body(request: Request, max_bytes: int = MAX_BYTES) -> Request:
    """Limit the request's body, by default to 1 MiB: reading beyond that raises `PayloadTooLarge`."""
    read = 0

    async def receive() -> Message:
        nonlocal read
        message = await request.receive()
        read += len(message.get("body", b""))
        if read > max_bytes:
            raise PayloadTooLarge(max_bytes)
        return message

    return Request(request.scope, receive)


@asynccontextmanager
async def read_form(request: Request, *, max_bytes: int = MAX_BYTES) -> AsyncIterator[FormData]:
    """Read a form with at most one file. A large file is kept on disk, until the end of the context.

    Raises:
        InvalidRequest: the form is malformed.
        PayloadTooLarge: it is larger than `max_bytes`; the rest is not read.
    """
    try:
        form = await limit_body(request, max_bytes).form(max_files=1, max_fields=MAX_FIELDS, max_part_size=MAX_BYTES)
    except (HTTPException, KeyError) as exc:  # Starlette raises a KeyError for a form without a boundary.
        reason = exc.detail if isinstance(exc, HTTPException) else "it has no boundary."
        raise InvalidRequest([Violation("", f"The form is malformed: {reason}")]) from exc
    try:
        yield form
    finally:
        await form.close()


def without(form: FormData, file: str) -> ImmutableMultiDict[str, Any]:
    """Return the fields of a form but for its file."""
    return ImmutableMultiDict([(name, value) for name, value in form.multi_items() if name != file])


async def pieces(file: UploadFile) -> AsyncIterator[bytes]:
    """Yield the content of an uploaded file."""
    while piece := await file.read(READ_BYTES):
        yield piece


def _depth_exceeds(data: Any, levels: int) -> bool:
    """Return True if arrays and objects are nested deeper than `levels`. Works level by level, without recursion."""
    layer = _containers([data])
    for _ in range(levels):
        if not layer:
            return False
        layer = _containers(child for item in layer for child in (item.values() if isinstance(item, dict) else item))
    return bool(layer)


def _containers(items: Iterable[Any]) -> list[dict[str, Any] | list[Any]]:
    return [item for item in items if isinstance(item, dict | list)]
