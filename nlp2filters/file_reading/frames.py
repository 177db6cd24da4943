"""The frames in the pipes between a process and its children: pickled objects, each preceded by its length."""

import pickle
from typing import Any, BinaryIO

LENGTH_BYTES = 8


def pack(content: Any) -> tuple[bytes, bytes]:
    """Encode an object. Returns its length and its content."""
    body = pickle.dumps(content, protocol=pickle.HIGHEST_PROTOCOL)
    return len(body).to_bytes(LENGTH_BYTES, "big"), body


def unpack(body: bytes) -> Any:
    """Decode an object. Unpickling is safe here, since both ends are this program."""
    return pickle.loads(body)  # noqa: S301


def write(stream: BinaryIO, content: Any) -> None:
    """Write an object and flush."""
    for part in pack(content):
        stream.write(part)
    stream.flush()


def read(stream: BinaryIO) -> Any:
    """Read the next object; None at the end."""
    length = stream.read(LENGTH_BYTES)
    return unpack(stream.read(int.from_bytes(length, "big"))) if length else None
