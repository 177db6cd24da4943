"""Send what is written in one turn of the event loop together: the head and the body of an answer, or several events.

A system call for each would cost more than making a small answer, and its client would wake up for each.
"""

import asyncio
from typing import Any

# More than this is sent at once, so that a writer notices when its client reads too slowly.
MAX_WAITING = 64 * 1024


class BatchedWrites:
    """The transport `bare` of a connection, with batched writes."""

    __slots__ = ("_loop", "_pieces", "_size", "bare")

    def __init__(self, bare: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self.bare = bare
        self._loop = loop
        self._pieces: list[bytes] = []
        self._size = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.bare, name)

    def write(self, data: bytes) -> None:
        """Send the data at the end of this turn of the event loop."""
        if not self._pieces:
            self._loop.call_soon(self._flush)
        self._pieces.append(data)
        self._size += len(data)
        if self._size > MAX_WAITING:
            self._flush()

    def write_eof(self) -> None:
        """Say that nothing follows."""
        self._flush()
        self.bare.write_eof()

    def close(self) -> None:
        """Close the connection once everything has been sent."""
        self._flush()
        self.bare.close()

    def _flush(self) -> None:
        pieces, self._pieces, self._size = self._pieces, [], 0
        if pieces and not self.bare.is_closing():
            self.bare.writelines(pieces)
