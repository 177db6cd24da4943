"""Uploaded files as files of a worker's machine."""

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio

from nlp2filters.core.problems import problem
from nlp2filters.errors import BlobGone, UploadRefused
from nlp2filters.storage.blobs.store import Blobs


@asynccontextmanager
async def loaded(blobs: Blobs, owner: str, digest: str, name: str) -> AsyncIterator[Path]:
    """Write an uploaded file to the path that is yielded, chunk by chunk; it is alone in its folder, and then deleted.

    Raises:
        UploadRefused: the file is no longer stored.
    """
    with tempfile.TemporaryDirectory(prefix="nlp2filters-") as folder:
        path = Path(folder) / name
        try:
            async with await anyio.open_file(path, "wb") as file:
                async for chunk in blobs.read(owner, digest):
                    await file.write(chunk)
        except BlobGone as exc:
            raise UploadRefused(problem("result-expired", str(exc))) from exc
        yield path
