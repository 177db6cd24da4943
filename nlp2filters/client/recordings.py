"""The form that sends a recording."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

from nlp2filters.client import forms
from nlp2filters.client.forms import FileInput
from nlp2filters.client.requests import Call
from nlp2filters.core.kinds import TRANSCRIPTIONS_PATH


class RecordingOptions(TypedDict, total=False):
    """The options of a transcription.

    `language` (ISO 639) is what is spoken; else it is found out. `words` are names that may occur, or
    `{"catalog": name}`: those of a catalog. With `word_times`, single words have times, too.
    """

    language: str
    words: Sequence[str] | Mapping[str, str]
    word_times: bool


def upload(recording: FileInput, options: RecordingOptions, then: Mapping[str, Any] | None = None) -> Call:
    """Build the call that uploads a recording: a path, an open binary file, or its content."""
    fields: dict[str, str] = {}
    for name, value in {**options, **({} if then is None else {"then": then})}.items():
        fields[name] = value if isinstance(value, str) else json.dumps(value)
    return forms.upload(TRANSCRIPTIONS_PATH, "file", recording, fields)
