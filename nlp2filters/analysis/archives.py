"""Reading archives of strangers: tar, tar.gz, tar.bz2, tar.xz, zip and wheels.

Nothing is written to disk. Members are read one after the other, and what is unpacked is counted while it comes, so
that a bomb ends at the limit. Links, devices and paths that lead out of the archive are skipped.
"""

import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO, BinaryIO

from nlp2filters.analysis.sources import SkippedFile
from nlp2filters.errors import ArchiveRefused

MIB = 1024 * 1024
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
                yield SkippedFile(_shown(info.filename), "It is encrypted.")
            elif reason := _unsafe(info.filename, is_link=is_link):
                yield SkippedFile(_shown(info.filename), reason)
            else:
                with archive.open(info) as member:
                    yield counter.read(info.filename, member)


def _tar(stream: BinaryIO, limits: ArchiveLimits) -> Iterator[Member | SkippedFile]:
    counter = _Counter(limits)
    stream.seek(0)
    with tarfile.open(fileobj=stream, mode="r:*") as archive:
        for info in archive:
            if info.isdir():
                continue
            counter.add_file()
            if reason := _unsafe(info.name, is_link=info.issym() or info.islnk(), is_file=info.isfile()):
                yield SkippedFile(_shown(info.name), reason)
            elif (member := archive.extractfile(info)) is not None:
                yield counter.read(info.name, member)


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
        content = member.read(min(self.limits.file_bytes, room) + 1)
        self.unpacked_bytes += len(content)
        if len(content) > room:
            size = self.limits.unpacked_bytes // MIB
            raise ArchiveRefused(f"The archive unpacks to more than {size} MiB. Leave some files out.")
        if len(content) > self.limits.file_bytes:
            self._pass_over(member)
            return SkippedFile(path, f"It is larger than {self.limits.file_bytes // MIB} MiB.")
        return Member(_normal(path), content)

    def _pass_over(self, member: IO[bytes]) -> None:
        """Count the rest of a file, which the reader unpacks to get to the next one."""
        while block := member.read(MIB):
            self.unpacked_bytes += len(block)
            if self.unpacked_bytes > self.limits.unpacked_bytes:
                size = self.limits.unpacked_bytes // MIB
                raise ArchiveRefused(f"The archive unpacks to more than {size} MiB. Leave some files out.")


def _unsafe(path: str, *, is_link: bool, is_file: bool = True) -> str | None:
    """Return the reason not to read a member."""
    if is_link:
        return "It is a link."
    if not is_file:
        return "It is no regular file."
    pure = PurePosixPath(path.replace("\\", "/"))
    if pure.is_absolute() or ".." in pure.parts or "\0" in path or ":" in (pure.parts or ("",))[0]:
        return "Its path leads out of the archive."
    return None


def _normal(path: str) -> str:
    return str(PurePosixPath(path.replace("\\", "/")))


def _shown(path: str) -> str:
    """Return a path as it may be shown, whatever is in it."""
    return path.encode("utf-8", errors="replace").decode()[:500]
