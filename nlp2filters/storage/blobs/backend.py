"""The interface of the places that hold blobs."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol

# Content is written and read in chunks of this many bytes; only the last one may be shorter.
CHUNK_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class StoredBlob:
    """A blob as its place lists it. It expires in `expires_in_s`; `holder` is the owner, or a hash of its name."""

    holder: str
    digest: str
    size: int
    expires_in_s: float


class Upload(Protocol):
    """Content on its way in. Nobody can read it before `commit`, and it disappears if neither call ever comes."""

    async def write(self, chunk: bytes) -> None:
        """Append a chunk."""

    async def commit(self, digest: str) -> bool:
        """Make the content readable under its SHA-256. Returns False if the owner's blob existed: it was renewed.

        Raises:
            BlobStoreUnavailable: the content was lost on the way.
        """

    async def abort(self) -> None:
        """Discard the content."""


class Backend(Protocol):
    """A place for blobs. Each stays for the backend's `kept_s` after its last commit or renewal.

    Every method raises `BlobStoreUnavailable` (or, in Redis, `StorageError`) if the place is out of reach or full.
    """

    def upload(self, owner: str) -> Upload:
        """Begin an upload."""

    def read(self, owner: str, digest: str) -> AsyncIterator[bytes]:
        """Yield the chunks of a blob.

        Raises:
            BlobGone: it does not exist, or no longer.
        """

    async def renew(self, owner: str, digest: str) -> None:
        """Keep a blob for the full time again.

        Raises:
            BlobGone: it does not exist, or no longer.
        """

    def listing(self, owner: str | None) -> AsyncIterator["StoredBlob"]:
        """Yield the blobs of an owner, or of all owners."""

    def holder(self, owner: str) -> str:
        """Return the name by which `StoredBlob.holder` stands for an owner."""

    async def delete(self, owner: str, digest: str) -> bool:
        """Delete a blob. Returns False if there was none."""

    async def remove_expired(self) -> None:
        """Remove what has expired, unless the place does so itself."""
