"""Input and output files of commands."""

from pathlib import Path

from nlp2filters.errors import SourceError, UnwritableFile


def read(path: Path) -> bytes:
    """Read a file.

    Raises:
        SourceError: the file does not exist, or may not be read.
    """
    try:
        return path.read_bytes()
    except OSError as exc:
        raise SourceError(f"{path}: {exc.strerror}.") from exc


def write(path: Path, content: bytes) -> None:
    """Write a file.

    Raises:
        UnwritableFile: the folder does not exist, the file may not be written, or the disk is full.
    """
    try:
        path.write_bytes(content)
    except OSError as exc:
        raise UnwritableFile(f"{path}: {exc.strerror}.") from exc
