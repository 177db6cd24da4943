"""Input and output files of commands."""

from pathlib import Path
from typing import Any

import orjson

from nlp2filters.errors import InvalidCatalog, SourceError, UnwritableFile, Violation


def read(path: Path) -> bytes:
    """Read a file.

    Raises:
        SourceError: the file does not exist, or may not be read.
    """
    try:
        return path.read_bytes()
    except OSError as exc:
        raise SourceError(f"{path}: {exc.strerror}.") from exc


def read_catalog(name_or_file: str) -> Any:
    """Read the catalog file if it exists or its name ends with `.json`; otherwise, return the catalog's name."""
    path = Path(name_or_file)
    if path.suffix != ".json" and not path.is_file():
        return name_or_file
    try:
        return orjson.loads(read(path))
    except orjson.JSONDecodeError as exc:
        raise InvalidCatalog([Violation("", f"{path} is not JSON: {exc}.")]) from exc


def write(path: Path, content: bytes) -> None:
    """Write a file.

    Raises:
        UnwritableFile: the folder does not exist, the file may not be written, or the disk is full.
    """
    try:
        path.write_bytes(content)
    except OSError as exc:
        raise UnwritableFile(f"{path}: {exc.strerror}.") from exc
