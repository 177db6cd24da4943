"""The data of a stream's events, from the pieces of its body: server-sent events, or lines of JSON.

Providers send an event for every few characters, so this is the work that an answer repeats most often. Only data
counts: every API repeats in it what else an event has.
"""

from collections.abc import Iterator
from typing import Protocol


class EventData(Protocol):
    """A reader of the data of events."""

    def feed(self, piece: bytes) -> Iterator[str]:
        """Add a piece of the body, and iterate over the data of the events that it completes."""

    def end(self) -> Iterator[str]:
        """Iterate over what the end of the body completes."""


class _Lines:
    """A reader of lines, which end with any of the usual line ends. A piece of the body may end anywhere."""

    def __init__(self) -> None:
        self._rest: list[bytes] = []

    def feed(self, piece: bytes) -> list[bytes]:
        """Add a piece of the body. Returns the lines that it completes, without their ends."""
        self._rest.append(piece)
        if b"\n" not in piece and b"\r" not in piece:
            return []
        lines = b"".join(self._rest).splitlines(keepends=True)
        # A return at the end of a piece may be the first half of a line end.
        self._rest = [] if lines[-1].endswith(b"\n") else [lines.pop()]
        return [line.rstrip(b"\r\n") for line in lines]

    def end(self) -> bytes:
        """Return the last line, if it had no end."""
        return b"".join(self._rest).rstrip(b"\r\n")


class ServerSentData:
    """A reader of server-sent events.

    https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
    """

    def __init__(self) -> None:
        self._lines = _Lines()
        self._data: list[bytes] = []

    def feed(self, piece: bytes) -> Iterator[str]:
        """See `EventData`."""
        for line in self._lines.feed(piece):
            name, _, value = line.partition(b":")
            if name == b"data":
                self._data.append(value.removeprefix(b" "))
            elif not line and self._data:
                data, self._data = b"\n".join(self._data), []
                yield _text(data)

    def end(self) -> Iterator[str]:
        """See `EventData`: an event without its end does not count."""
        return iter(())


class JSONLines:
    """A reader of lines of JSON."""

    def __init__(self) -> None:
        self._lines = _Lines()

    def feed(self, piece: bytes) -> Iterator[str]:
        """See `EventData`."""
        return (_text(line) for line in self._lines.feed(piece) if line.strip())

    def end(self) -> Iterator[str]:
        """See `EventData`."""
        return filter(str.strip, [_text(self._lines.end())])


def _text(data: bytes) -> str:
    """Decode data. Some servers cut characters in two, each half in an event of its own."""
    return data.decode(errors="replace")
