"""Blobs in a folder, a file each. All processes must share it: on several machines, by a network file system."""

import asyncio
import hashlib
import os
import secrets
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, ParamSpec, TypeVar

from nlp2filters.errors import BlobGone, BlobStoreUnavailable
from nlp2filters.storage.blobs.backend import CHUNK_BYTES, StoredBlob

# An upload to which nothing was added for this long has lost its process.
UPLOAD_TTL_S = 600
UPLOADS = "uploads"

P = ParamSpec("P")
T = TypeVar("T")


class FolderUpload:
    """An upload to a file of its own, which the commit moves. A blob's time of modification is that of its renewal."""

    def __init__(self, root: Path, owner: str) -> None:
        self._root, self._owner = root, owner
        self._path = root / UPLOADS / secrets.token_hex(16)
        self._file: BinaryIO | None = None

    async def write(self, chunk: bytes) -> None:
        """See `Upload`."""
        await _in_thread(self._write, chunk)

    def _write(self, chunk: bytes) -> None:
        self._opened().write(chunk)

    def _opened(self) -> BinaryIO:
        if self._file is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._path.open("xb")
        return self._file

    async def commit(self, digest: str) -> bool:
        """See `Upload`."""
        return await _in_thread(self._commit, digest)

    def _commit(self, digest: str) -> bool:
        target = _path(self._root, self._owner, digest)
        with self._opened() as file:
            file.flush()
            os.fsync(file.fileno())
        try:
            os.utime(target)
        except FileNotFoundError:
            target.parent.mkdir(parents=True, exist_ok=True)
            self._path.replace(target)
            return True
        self._path.unlink()
        return False

    async def abort(self) -> None:
        """See `Upload`."""
        if self._file:
            self._file.close()
            await _in_thread(self._path.unlink, missing_ok=True)


class FolderBackend:
    """The blobs in a folder."""

    def __init__(self, root: Path, kept_s: int) -> None:
        self._root, self._kept_s = root, kept_s

    def upload(self, owner: str) -> FolderUpload:
        """See `Backend`."""
        return FolderUpload(self._root, owner)

    async def read(self, owner: str, digest: str) -> AsyncIterator[bytes]:
        """See `Backend`."""
        with await _in_thread(self._open, owner, digest) as file:
            while chunk := await _in_thread(file.read, CHUNK_BYTES):
                yield chunk

    def _open(self, owner: str, digest: str) -> BinaryIO:
        path = _path(self._root, owner, digest)
        try:
            if path.stat().st_mtime > time.time() - self._kept_s:
                return path.open("rb")
        except FileNotFoundError:
            if not self._root.is_dir():
                # A network file system that is not mounted has lost no file.
                raise
        raise BlobGone(digest)

    async def renew(self, owner: str, digest: str) -> None:
        """See `Backend`."""
        await _in_thread(self._renew, owner, digest)

    def _renew(self, owner: str, digest: str) -> None:
        self._open(owner, digest).close()
        os.utime(_path(self._root, owner, digest))

    async def listing(self, owner: str | None) -> AsyncIterator[StoredBlob]:
        """See `Backend`."""
        for blob in await _in_thread(self._listing, owner):
            yield blob

    def _listing(self, owner: str | None) -> list[StoredBlob]:
        paths = self._root.glob("*/*" if owner is None else f"{self.holder(owner)}/*")
        blobs = []
        for path in paths:
            with suppress(FileNotFoundError):  # It was deleted meanwhile.
                stat = path.stat()
                left_s = stat.st_mtime + self._kept_s - time.time()
                if path.parent.name != UPLOADS:
                    blobs.append(StoredBlob(path.parent.name, path.name, stat.st_size, left_s))
        return [blob for blob in blobs if blob.expires_in_s > 0]

    def holder(self, owner: str) -> str:
        """See `Backend`: an owner's name may contain what no file's name may."""
        return _holder(owner)

    async def delete(self, owner: str, digest: str) -> bool:
        """See `Backend`."""
        return await _in_thread(self._delete, _path(self._root, owner, digest))

    def _delete(self, path: Path) -> bool:
        try:
            path.unlink()
        except FileNotFoundError:
            return False
        return True

    async def remove_expired(self) -> None:
        """See `Backend`."""
        await _in_thread(self._remove_expired)

    def _remove_expired(self) -> None:
        for path in self._root.glob("*/*"):
            kept_s = UPLOAD_TTL_S if path.parent.name == UPLOADS else self._kept_s
            if path.stat().st_mtime < time.time() - kept_s:
                path.unlink(missing_ok=True)


def _path(root: Path, owner: str, digest: str) -> Path:
    return root / _holder(owner) / digest


def _holder(owner: str) -> str:
    return hashlib.sha256(owner.encode()).hexdigest()[:32]


@contextmanager
def _translated_errors() -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        raise BlobStoreUnavailable(f"The folder of blobs: {exc.strerror or exc}.") from exc


async def _in_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    with _translated_errors():
        return await asyncio.to_thread(function, *args, **kwargs)
