"""The events of a job's stream: as they are read from it, and as messages on the channel of the same name."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

# Both numbers of a stream entry's id are unsigned 64-bit integers.
MAX_ID_PART = (1 << 64) - 1

_CURSOR = re.compile(r"(\d{1,20})-(\d{1,20})", re.ASCII)


@dataclass(frozen=True, slots=True)
class StreamEvent:
    """One entry of a job's stream. `id` is the cursor after it, and `data` is JSON text."""

    id: str
    name: str
    data: str

    @classmethod
    def of_entry(cls, id_: bytes, fields: Mapping[bytes, bytes]) -> Self:
        """Return the event of a stream's entry."""
        return cls(id_.decode(), fields[b"event"].decode(), fields[b"data"].decode())

    @classmethod
    def of_message(cls, message: bytes) -> Self | None:
        """Return the event that a message contains; None if it only says that there is one, as in earlier versions."""
        id_, _, rest = message.partition(b"\n")
        name, newline, data = rest.partition(b"\n")
        return cls(id_.decode(), name.decode(), data.decode()) if newline else None

    @property
    def last(self) -> bool:
        """True if this event ends the job."""
        return self.name == "done"

    def follows(self, cursor: str) -> bool:
        """Return True if the event is after the cursor."""
        return _position(self.id) > _position(cursor)


def is_cursor(text: str) -> bool:
    """Return True if `text` has the form of a stream entry's id."""
    match = _CURSOR.fullmatch(text)
    return match is not None and all(int(part) <= MAX_ID_PART for part in match.groups())


def _position(id_: str) -> tuple[int, int]:
    time_ms, _, number = id_.partition("-")
    return int(time_ms), int(number)
