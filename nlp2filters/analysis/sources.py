"""The files of an analysis."""

import hashlib
from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar


@dataclass(frozen=True)
class SourceFile:
    """A file to analyse: its path in the archive, with slashes, its text, and the SHA-256 of its bytes.

    Lines are counted from 1 and end with a newline, as editors count them. `pages` are the first lines of the pages of
    a document that has pages.
    """

    path: str
    text: str
    sha256: str
    pages: tuple[int, ...] = ()
    start_line: ClassVar[int] = 1

    @classmethod
    def of(cls, path: str, content: bytes) -> "SourceFile":
        """Decode a file: UTF-8, UTF-16 with a byte order mark, or else Latin-1, in which every byte is a character."""
        return cls(path, _decode(content), hashlib.sha256(content).hexdigest())

    @cached_property
    def lines(self) -> tuple[str, ...]:
        """The lines without their ends."""
        return tuple(self.text.split("\n")) if self.text else ()

    def quote(self, start_line: int, end_line: int) -> str:
        """Return the text of some lines, first and last included."""
        return "\n".join(self.lines[start_line - 1 : end_line])

    def page(self, line: int) -> int | None:
        """Return the page that has a line, counted from 1; None in a file without pages."""
        return bisect_right(self.pages, line) or None


@dataclass(frozen=True, slots=True)
class SkippedFile:
    """A file that is not analysed, and the reason."""

    path: str
    reason: str

    def to_json(self) -> dict[str, Any]:
        """Return what a report tells of it."""
        nothing = {"language": None, "lines": None, "sha256": None, "over_budget": 0}
        return {"path": self.path, **nothing, "skipped": self.reason}


def _decode(content: bytes) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = content.decode("utf-16", errors="replace")
    else:
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = content.decode("latin-1")
    return text.replace("\r\n", "\n").replace("\r", "\n")
