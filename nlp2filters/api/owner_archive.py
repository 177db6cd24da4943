"""The archive of everything that is kept of an owner: a ZIP file, written while it is read from Redis and the blobs.

owner.json         whose archive it is, and of which time
{kind}.ndjson      a line for each record of a kind: `id`, `expires_at`, `value`
files/{sha-256}    an uploaded file, or one that was made of it

Neither a file nor the archive is ever in memory as a whole. One that breaks off has no directory, so it cannot be
opened by mistake.
"""

import asyncio
import zipfile
from collections.abc import AsyncIterator
from typing import IO, Any, cast

import orjson

from nlp2filters.clock import now_ms
from nlp2filters.core.jobs import timestamp
from nlp2filters.storage.blobs.store import Blobs
from nlp2filters.storage.owned_keys import OWNED, KeyKind
from nlp2filters.storage.owners import Owners, Record

FORMAT = 1
# Most of it is JSON, which the fastest level already makes small.
LEVEL = 1
SENT_AT_ONCE = 1 << 16


class _Buffer:
    """A file that a ZIP is written to, and that is emptied by `take`."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self.size = 0

    def write(self, piece: bytes) -> int:
        self._pieces.append(bytes(piece))
        self.size += len(piece)
        return len(piece)

    def flush(self) -> None:
        """Do nothing: everything is taken in time."""

    def take(self) -> bytes:
        pieces, self._pieces, self.size = self._pieces, [], 0
        return b"".join(pieces)


async def archive(owners: Owners, blobs: Blobs, owner: str) -> AsyncIterator[bytes]:
    """Yield the archive of an owner in pieces."""
    buffer = _Buffer()
    with zipfile.ZipFile(cast(IO[bytes], buffer), "w", zipfile.ZIP_DEFLATED, compresslevel=LEVEL) as packed:
        packed.writestr("owner.json", orjson.dumps({"format": FORMAT, "owner": owner, "at": timestamp(now_ms())}))
        async for name, pieces in _members(owners, blobs, owner):
            with packed.open(name, "w", force_zip64=True) as member:
                async for piece in pieces:
                    await asyncio.to_thread(member.write, piece)
                    if buffer.size >= SENT_AT_ONCE:
                        yield buffer.take()
    yield buffer.take()


async def _members(owners: Owners, blobs: Blobs, owner: str) -> AsyncIterator[tuple[str, AsyncIterator[bytes]]]:
    """Yield the name of each file and its content, to be read before the next one."""
    for kind in OWNED:
        lines = _lines(owners, owner, kind)
        if first := await anext(lines, b""):
            yield f"{kind.name}.ndjson", _joined(first, lines)
    async for blob in blobs.listing(owner):
        yield f"files/{blob.digest}", blobs.read(owner, blob.digest)


async def _joined(first: bytes, others: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for piece in others:
        yield piece


async def _lines(owners: Owners, owner: str, kind: KeyKind) -> AsyncIterator[bytes]:
    """Yield the records of a kind, some lines at a time."""
    async for records in owners.records(owner, kind):
        if records:
            yield b"".join(map(_line, records))


def _line(record: Record) -> bytes:
    left_s = record.expires_in_s
    line: dict[str, Any] = {
        "id": record.key.rest,
        "expires_at": None if left_s is None else timestamp(now_ms() + int(1000 * left_s)),
        "value": record.value,
    }
    return orjson.dumps(line) + b"\n"
