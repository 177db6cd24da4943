"""What goes through the pipes between a worker and its children: pickled objects, each after its length."""

import pickle
from dataclasses import dataclass
from typing import Any, BinaryIO

LENGTH_BYTES = 8


@dataclass(frozen=True, slots=True)
class TooComplex:
    """The answer to a call that ran out of its budget."""

    detail: str


@dataclass(frozen=True, slots=True)
class Failure:
    """The answer to a call that failed otherwise: the traceback."""

    traceback: str


def pack(content: Any) -> tuple[bytes, bytes]:
    """The length and the content."""
    body = pickle.dumps(content, protocol=pickle.HIGHEST_PROTOCOL)
    return len(body).to_bytes(LENGTH_BYTES, "big"), body


def unpack(body: bytes) -> Any:
    """The content. Both ends are this program's."""
    return pickle.loads(body)  # noqa: S301


def write(stream: BinaryIO, content: Any) -> None:
    """Write an object and flush."""
    for part in pack(content):
        stream.write(part)
    stream.flush()


def read(stream: BinaryIO) -> Any:
    """The next object; None at the end."""
    length = stream.read(LENGTH_BYTES)
    return unpack(stream.read(int.from_bytes(length, "big"))) if length else None
