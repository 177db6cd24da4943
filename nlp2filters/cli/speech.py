"""Transcribe a recording in this process, without a service."""

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nlp2filters import demo
from nlp2filters.core.expected_names import names_to_expect
from nlp2filters.core.requests import parse_catalog
from nlp2filters.core.transcripts import Transcript, join, to_json, to_srt, to_vtt
from nlp2filters.errors import ModelUnavailable, SourceError
from nlp2filters.settings import Settings

try:
    from nlp2filters.audio.decoding import decode
    from nlp2filters.worker.recordings import open_transcriber, part_finder
except ModuleNotFoundError as exc:
    raise ModelUnavailable("To transcribe recordings: pip install 'nlp2filters[audio]'.") from exc

__all__ = ["names_of", "to_json", "to_srt", "to_vtt", "transcribe"]


def names_of(catalog: str | dict[str, Any] | None) -> list[str]:
    """Return the names that people may say about a catalog. Those of a catalog that only a service has are unknown."""
    if isinstance(catalog, dict):
        return names_to_expect(parse_catalog(catalog))
    return names_to_expect(demo.catalog(catalog)) if catalog in demo.NAMES else []


async def transcribe(
    file: Path, settings: Settings, language: str | None = None, names: Sequence[str] = (), *, words: bool = False
) -> tuple[Transcript, float]:
    """Transcribe the recording in a file, by the speech API if there is one.

    Returns the transcript, and the recording's length in seconds.

    Without an API, the speech model is fetched if it is not on this machine.

    Raises:
        SourceError: the file does not exist, or may not be read.
        RecordingRefused: it is no recording.
        ModelUnavailable: no source has the speech model.
        ProviderError: the speech API gave no usable answer.
    """
    with tempfile.TemporaryDirectory(prefix="nlp2filters-") as folder:
        try:
            with file.open("rb") as source, (Path(folder) / "samples").open("wb") as target:
                recording = decode(source, target, max_seconds=settings.max_recording_s)
        except OSError as exc:
            raise SourceError(f"{file}: {exc.strerror}.") from exc
        find_parts, parts = part_finder(settings), []
        async with open_transcriber(settings, progress=sys.stderr.isatty()) as transcriber:
            for part in find_parts(recording):
                samples = recording.read(part.start_s, part.end_s)
                parts.append(
                    (part.start_s, await transcriber.transcribe(samples, language=language, names=names, words=words))
                )
    return join(parts), recording.seconds
