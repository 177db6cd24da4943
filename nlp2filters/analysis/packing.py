"""Packing files into an archive."""

import gzip
import io
import tarfile
from collections.abc import Iterable
from typing import BinaryIO

# Source code shrinks to a quarter by the quickest level already.
COMPRESSION_LEVEL = 1


def pack(files: Iterable[tuple[str, bytes]], target: BinaryIO) -> None:
    """Write files, given as paths and contents, to `target` as a tar.gz. The same files give the same bytes."""
    with (
        gzip.GzipFile("", "wb", COMPRESSION_LEVEL, target, mtime=0) as compressed,
        tarfile.open(fileobj=compressed, mode="w|", format=tarfile.PAX_FORMAT) as archive,
    ):
        for path, content in files:
            info = tarfile.TarInfo(path)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
