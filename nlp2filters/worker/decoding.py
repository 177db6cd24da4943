"""Decoding a recording that somebody has uploaded: the function of a child process, and the call of it."""

from functools import partial
from pathlib import Path
from typing import Any

from nlp2filters.audio.decoding import Recording, decode, load_libraries
from nlp2filters.errors import RecordingRefused, UploadRefused
from nlp2filters.file_reading import process
from nlp2filters.file_reading.orders import Order, sealed

# Two hours take about 3 s; videos take more, as their pictures are skipped.
CPU_LIMIT_S = 60
# A limit of the address space, of which the libraries take 250 MB. Decoding an hour takes no more memory than a second.
MEMORY_LIMIT = 2**30


async def decoded(path: Path, target: Path, max_seconds: float) -> Recording:
    """Decode the recording at `path`, which is alone in its folder, into the file `target`, in a child process.

    Raises:
        RecordingRefused: it cannot be decoded, within the limits, or is longer than `max_seconds`.
        ParserFailed: the child ended for another reason.
    """
    read = partial(_decode, target=target, max_seconds=max_seconds)
    order = Order(path, read, "recording-refused", CPU_LIMIT_S, MEMORY_LIMIT)
    try:
        recording: Recording = await process.run(order)
    except UploadRefused as exc:
        raise RecordingRefused(str(exc)) from exc
    return recording


def _decode(path: Path, target: Path, max_seconds: float, report: Any) -> Recording:
    load_libraries()
    with path.open("rb") as source, target.open("wb") as samples, sealed():
        return decode(source, samples, max_seconds=max_seconds)
