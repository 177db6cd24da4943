"""Reading a folder of the user's own, under the same limits as an archive."""

import os
from collections.abc import Iterator
from pathlib import Path

from nlp2filters.analysis.archives import MIB, ArchiveLimits, Member
from nlp2filters.analysis.selection import NEVER
from nlp2filters.analysis.sources import SkippedFile
from nlp2filters.errors import ArchiveRefused

_NEVER = {name.rstrip("/") for name in NEVER}


def read_folder(root: Path, limits: ArchiveLimits) -> Iterator[Member | SkippedFile]:
    """Yield the files below a folder in the order of their paths, each read whole or skipped with the reason.

    Version control, dependencies and caches are passed over without a word.

    Raises:
        ArchiveRefused: it has more files or bytes than the limits allow.
    """
    count, total = 0, 0
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(set(folders) - _NEVER)
        for name in sorted(set(names) - _NEVER):
            entry = _read(Path(folder) / name, root, limits)
            count += 1
            total += len(entry.content) if isinstance(entry, Member) else 0
            if count > limits.files or total > limits.unpacked_bytes:
                raise ArchiveRefused(
                    f"{root} has more than {limits.files:,} files or {limits.unpacked_bytes // MIB} MiB. "
                    "Name a folder in it."
                )
            yield entry


def _read(file: Path, root: Path, limits: ArchiveLimits) -> Member | SkippedFile:
    path = file.relative_to(root).as_posix().encode(errors="replace").decode()
    if file.is_symlink():
        return SkippedFile(path, "It is a link.")
    if not file.is_file():
        return SkippedFile(path, "It is no regular file.")
    try:
        if file.stat().st_size > (limit := limits.of(path)):
            return SkippedFile(path, f"It is larger than {limit // MIB} MiB.")
        return Member(path, file.read_bytes())
    except OSError as exc:
        return SkippedFile(path, f"It cannot be read: {exc.strerror}.")
