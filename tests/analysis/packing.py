"""Archives for tests, the hostile ones included."""

import io
import tarfile
import zipfile
from collections.abc import Callable, Iterable, Mapping
from io import BytesIO

from nlp2filters.analysis.archives import ArchiveLimits, Member, read_archive
from nlp2filters.analysis.selection import Selection
from nlp2filters.analysis.sources import SkippedFile, SourceFile


def tar(files: Mapping[str, bytes], mode: str = "w:gz", extra: Iterable[tarfile.TarInfo] = ()) -> BytesIO:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode=mode) as archive:  # type: ignore[call-overload]
        for path, content in files.items():
            info = tarfile.TarInfo(path)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        for info in extra:
            archive.addfile(info)
    stream.seek(0)
    return stream


def zipped(files: Mapping[str, bytes], change: Callable[[zipfile.ZipInfo], None] = lambda info: None) -> BytesIO:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in files.items():
            info = zipfile.ZipInfo(path)
            change(info)
            archive.writestr(info, content, zipfile.ZIP_DEFLATED)
    stream.seek(0)
    return stream


def read(stream: BytesIO, limits: ArchiveLimits | None = None) -> tuple[dict[str, bytes], dict[str, str]]:
    """The contents of an archive's files by path, and the reasons of those skipped."""
    contents, reasons = {}, {}
    for entry in read_archive(stream, limits or ArchiveLimits()):
        if isinstance(entry, Member):
            contents[entry.path] = entry.content
        else:
            reasons[entry.path] = entry.reason
    return contents, reasons


def choose(
    files: Mapping[str, bytes], include: Iterable[str] = (), exclude: Iterable[str] = ()
) -> tuple[dict[str, SourceFile], dict[str, str]]:
    """The files that are analysed by path, and the reasons of those skipped."""
    members = (Member(path, content) for path, content in files.items())
    chosen, reasons = {}, {}
    for entry in Selection(tuple(include), tuple(exclude)).choose(members):
        if isinstance(entry, SkippedFile):
            reasons[entry.path] = entry.reason
        else:
            chosen[entry.path] = entry
    return chosen, reasons


def source(path: str, text: str) -> SourceFile:
    return SourceFile.of(path, text.encode())
