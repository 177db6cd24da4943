"""Reading archives of strangers: tar, tar.gz, tar.bz2, tar.xz, zip and wheels.

Nothing is written to disk. Members are read one after the other, and what is unpacked is counted while it comes, so
that a bomb ends at the limit. Links, devices and paths that lead out of the archive are skipped.
"""

import bz2
import gzip
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO, BinaryIO, cast

from nlp2filters.analysis.sources import SkippedFile
from nlp2filters.errors import ArchiveRefused

MIB = 1024 * 1024
# The bytes of a tar file for each member besides its content: the header and the padding.
TAR_OVERHEAD = 2 * tarfile.BLOCKSIZE
MAX_PATH_LENGTH = 500
_DECOMPRESSORS: Mapping[bytes, Callable[[BinaryIO], IO[bytes]]] = {
    b"\x1f\x8b": lambda stream: cast(IO[bytes], gzip.GzipFile(fileobj=stream)),
    b"BZh": bz2.BZ2File,
    b"\xfd7zXZ": lzma.LZMAFile,
}
_ZIP_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
# Archives are hostile input, and the readers raise a good many errors of their own.
_READ_ERRORS = (
    *(tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError),
    *(EOFError, OSError, ValueError, NotImplementedError),
)


@dataclass(frozen=True, slots=True)
class ArchiveLimits:
    """Limits of an archive: bytes and files unpacked, and the bytes of one file, above which it is skipped."""

    unpacked_bytes: int = 200 * MIB
    files: int = 20_000
    file_bytes: int = 2 * MIB
    pdf_bytes: int = 20 * MIB

    def of(self, path: str) -> int:
        """Return the limit of a file's bytes. PDF documents have fonts and pictures besides their text."""
        return self.pdf_bytes if path.lower().endswith(".pdf") else self.file_bytes


@dataclass(frozen=True, slots=True)
class Member:
    """A file of an archive."""

    path: str
    content: bytes


def read_archive(stream: BinaryIO, limits: ArchiveLimits) -> Iterator[Member | SkippedFile]:
    """Yield the files of an archive, each read whole or skipped with the reason.

    Raises:
        ArchiveRefused: it is no archive, broken, or larger than the limits.
    """
    try:
        yield from _zip(stream, limits) if zipfile.is_zipfile(stream) else _tar(stream, limits)
    except _READ_ERRORS as exc:
        raise ArchiveRefused(f"The archive cannot be read: {exc or type(exc).__name__}. Pack it anew.") from exc


def _zip(stream: BinaryIO, limits: ArchiveLimits) -> Iterator[Member | SkippedFile]:
    counter = _Counter(limits)
    stream.seek(0)
    with zipfile.ZipFile(stream) as archive:
        for info in archive.infolist():
            if info.is_dir():
                continue
            counter.add_file()
            is_link = (info.external_attr >> 16) & 0o170000 == 0o120000
            if info.flag_bits & 1:
                yield SkippedFile(_normal(info.filename), "It is encrypted.")
            elif reason := _unsafe(info.filename, is_link=is_link):
                yield SkippedFile(_normal(info.filename), reason)
            elif info.compress_type not in _ZIP_METHODS:
                yield SkippedFile(_normal(info.filename), "Its compression is not one that is read.")
            else:
                with archive.open(info) as member:
                    yield counter.read(info.filename, member)


def _tar(stream: BinaryIO, limits: ArchiveLimits) -> Iterator[Member | SkippedFile]:
    counter = _Counter(limits)
    unpacked = _LimitedReader(_decompressed(stream), limits)
    # As a stream, so that a header that claims to be huge is read in small pieces, and all of them are counted.
    with tarfile.open(fileobj=unpacked, mode="r|") as archive:  # type: ignore[call-overload]
        for info in archive:
            if info.isdir():
                continue
            counter.add_file()
            is_file = info.isfile() and not info.issparse()
            if reason := _unsafe(info.name, is_link=info.issym() or info.islnk(), is_file=is_file):
                yield SkippedFile(_normal(info.name), reason)
            elif (member := archive.extractfile(info)) is not None:
                yield counter.read(info.name, member)


def _decompressed(stream: BinaryIO) -> IO[bytes]:
    stream.seek(0)
    start = stream.read(8)
    stream.seek(0)
    for magic, decompressor in _DECOMPRESSORS.items():
        if start.startswith(magic):
            return decompressor(stream)
    return stream


@dataclass
class _LimitedReader:
    """A stream that refuses to give more than an archive within the limits can have, whatever its headers claim."""

    stream: IO[bytes]
    limits: ArchiveLimits
    size: int = 0

    def read(self, size: int) -> bytes:
        """Read up to `size` bytes."""
        content = self.stream.read(size)
        self.size += len(content)
        if self.size > self.limits.unpacked_bytes + self.limits.files * TAR_OVERHEAD:
            raise _too_large(self.limits)
        return content


@dataclass
class _Counter:
    """The files and bytes unpacked so far."""

    limits: ArchiveLimits
    files: int = 0
    unpacked_bytes: int = 0

    def add_file(self) -> None:
        self.files += 1
        if self.files > self.limits.files:
            raise ArchiveRefused(f"The archive has more than {self.limits.files:,} files. Leave some out.")

    def read(self, path: str, member: IO[bytes]) -> Member | SkippedFile:
        room = self.limits.unpacked_bytes - self.unpacked_bytes
        limit = self.limits.of(path)
        content = member.read(min(limit, room) + 1)
        self.unpacked_bytes += len(content)
        if len(content) > room:
            raise _too_large(self.limits)
        if len(content) > limit:
            self._pass_over(member)
            return SkippedFile(_normal(path), f"It is larger than {limit // MIB} MiB.")
        return Member(_normal(path), content)

    def _pass_over(self, member: IO[bytes]) -> None:
        """Count the rest of a file, which the reader unpacks to get to the next one."""
        while block := member.read(MIB):
            self.unpacked_bytes += len(block)
            if self.unpacked_bytes > self.limits.unpacked_bytes:
                raise _too_large(self.limits)


def _too_large(limits: ArchiveLimits) -> ArchiveRefused:
    size = limits.unpacked_bytes // MIB
    return ArchiveRefused(f"The archive unpacks to more than {size} MiB. Leave some files out.")


def _unsafe(path: str, *, is_link: bool, is_file: bool = True) -> str | None:
    """Return the reason not to read a member."""
    if is_link:
        return "It is a link."
    if not is_file:
        return "It is no regular file."
    if len(path) > MAX_PATH_LENGTH:
        return f"Its path is longer than {MAX_PATH_LENGTH} characters."
    pure = PurePosixPath(path.replace("\\", "/"))
    if pure.is_absolute() or ".." in pure.parts or "\0" in path or ":" in (pure.parts or ("",))[0]:
        return "Its path leads out of the archive."
    return None


def _normal(path: str) -> str:
    """Return a path in one form, and as it may be shown: archives may hold names that are no Unicode."""
    return str(PurePosixPath(path.replace("\\", "/"))).encode(errors="replace").decode()[:MAX_PATH_LENGTH]
