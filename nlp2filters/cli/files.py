"""Files that commands are given."""

from pathlib import Path

from nlp2filters.errors import UnreadableSource, UnwritableFile


def read(path: Path) -> bytes:
    """The file's content.

    Raises:
        UnreadableSource: there is none, or it may not be read.
    """
    try:
        return path.read_bytes()
    except OSError as exc:
        raise UnreadableSource(f"{path}: {exc.strerror}.") from exc


def write(path: Path, content: bytes) -> None:
    """Write a file.

    Raises:
        UnwritableFile: its folder does not exist, it may not be written, or the disk is full.
    """
    try:
        path.write_bytes(content)
    except OSError as exc:
        raise UnwritableFile(f"{path}: {exc.strerror}.") from exc
