"""The form that sends a recording."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias, TypedDict

import httpx

from nlp2filters.client.requests import Call
from nlp2filters.client.resource import idempotency_headers
from nlp2filters.core.kinds import TRANSCRIPTIONS_PATH

RecordingInput: TypeAlias = str | Path | BinaryIO | bytes


class RecordingOptions(TypedDict, total=False):
    """The options of a transcription.

    `language` (ISO 639) is what is spoken; else it is found out. `words` are names that may occur, or
    `{"catalog": name}`: those of a catalog. With `word_times`, single words have times, too.
    """

    language: str
    words: Sequence[str] | Mapping[str, str]
    word_times: bool


def upload(recording: RecordingInput, options: RecordingOptions, then: Mapping[str, Any] | None = None) -> Call:
    """Build the call that uploads a recording: a path, an open binary file, or its content."""
    fields: dict[str, str] = {}
    for name, value in {**options, **({} if then is None else {"then": then})}.items():
        fields[name] = value if isinstance(value, str) else json.dumps(value)
    form = httpx.Request("POST", "http://form", data=fields, files={"file": ("recording", _content(recording))})
    headers = {"Content-Type": form.headers["content-type"], **idempotency_headers()}
    return Call("POST", TRANSCRIPTIONS_PATH, content=form.read(), headers=headers)


def _content(recording: RecordingInput) -> bytes:
    match recording:
        case bytes():
            return recording
        case str() | Path():
            return Path(recording).read_bytes()
    return recording.read()
