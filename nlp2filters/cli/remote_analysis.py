"""Analysing code by a service: a folder is packed, uploaded, and the job followed to its end."""

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from nlp2filters.analysis.archives import MIB, ArchiveLimits, Member
from nlp2filters.analysis.folders import read_folder
from nlp2filters.analysis.packing import pack
from nlp2filters.analysis.selection import Selection
from nlp2filters.analysis.sources import SkippedFile
from nlp2filters.cli import watching
from nlp2filters.client import Client
from nlp2filters.errors import ArchiveRefused, SourceError

MAX_ARCHIVE_BYTES = 32 * MIB


def report(client: Client, path: Path, selection: Selection, options: Mapping[str, Any]) -> dict[str, Any]:
    """Let a service analyse a folder or an archive, and return the report.

    Of a folder, only those files are uploaded that `selection` chooses and that are text; the report has the others,
    too, with the reasons.

    Raises:
        SourceError, ArchiveRefused: it cannot be read, or is too large.
        JobFailed: the job ended without a result.
    """
    if path.is_dir():
        return _of_folder(client, path, selection, options)
    choice = {"include": selection.include, "exclude": selection.exclude, "gitignore": selection.gitignore}
    try:
        with path.open("rb") as archive:
            return _of_archive(client, archive, {**choice, **options})
    except OSError as exc:
        raise SourceError(f"{path}: {exc.strerror}.") from exc


def _of_folder(client: Client, folder: Path, selection: Selection, options: Mapping[str, Any]) -> dict[str, Any]:
    skipped: list[SkippedFile] = []

    def texts() -> Iterator[tuple[str, bytes]]:
        for entry in selection.select(read_folder(folder, ArchiveLimits())):
            if isinstance(entry, Member):
                yield entry.path, entry.content
            else:
                skipped.append(entry)

    with tempfile.TemporaryFile() as archive:
        pack(texts(), archive)
        archive.seek(0)
        uploaded = _of_archive(client, archive, {"gitignore": False, **options})
    files = [*uploaded["files"], *(entry.to_json() for entry in skipped)]
    return {**uploaded, "files": sorted(files, key=lambda file: str(file["path"]))}


def _of_archive(client: Client, archive: BinaryIO, options: Mapping[str, Any]) -> dict[str, Any]:
    content = archive.read(MAX_ARCHIVE_BYTES + 1)
    if len(content) > MAX_ARCHIVE_BYTES:
        size = MAX_ARCHIVE_BYTES // MIB
        raise ArchiveRefused(f"A service takes {size} MiB of packed code. Leave some out with --exclude.")
    job = client.analyses.submit(content, **options)
    watching.to_its_end(client, job)
    return client.analyses.report(job).model_dump(mode="json")
