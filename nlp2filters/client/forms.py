"""Forms that bring a file."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import BinaryIO, TypeAlias

import httpx

from nlp2filters.client.requests import Call
from nlp2filters.client.resource import idempotency_headers

FileInput: TypeAlias = str | Path | BinaryIO | bytes


def upload(
    path: str,
    name: str,
    file: FileInput,
    fields: Mapping[str, str | Sequence[str]],
    idempotency_key: str | None = None,
) -> Call:
    """Build the call that posts a form to `path`: a file (its path, an open binary file, or its content) and fields."""
    form = httpx.Request("POST", "http://form", data=dict(fields), files={name: (name, _content(file))})
    headers = {"Content-Type": form.headers["content-type"], **idempotency_headers(idempotency_key)}
    return Call("POST", path, content=form.read(), headers=headers)


def _content(file: FileInput) -> bytes:
    match file:
        case bytes():
            return file
        case str() | Path():
            return Path(file).read_bytes()
    return file.read()
