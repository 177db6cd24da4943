"""Files that commands are given."""

from pathlib import Path

from nlp2filters.errors import UnreadableSource


def read(path: Path) -> bytes:
    """The file's content.

    Raises:
        UnreadableSource: there is none, or it may not be read.
    """
    try:
        return path.read_bytes()
    except OSError as exc:
        raise UnreadableSource(f"{path}: {exc.strerror}.") from exc
