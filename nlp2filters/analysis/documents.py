"""Text of PDF documents, page by page.

A document is a stranger's: reading it is bounded by counts, never by the clock, so that the same bytes always give the
same text, or the same reason not to read them.
"""

import hashlib
import io
import logging
import textwrap
import zlib

from pypdf import PdfReader
from pypdf.errors import PyPdfError

from nlp2filters.analysis.sources import SourceFile

# The reader logs what is unusual in a file, and quotes it.
logging.getLogger("pypdf").setLevel(logging.CRITICAL)

# So many pages of all documents together are read, which takes up to 55 s of CPU time.
MAX_PAGES = 1_000
# More text than that on a page was not written to be read.
MAX_PAGE_LENGTH = 100_000
# Lines that are longer are wrapped, as a PDF file may have a whole paragraph in one.
LINE_LENGTH = 500
# The reader raises a good many errors of its own over broken files.
_READ_ERRORS = (
    *(PyPdfError, ArithmeticError, AssertionError, AttributeError, LookupError, OSError, EOFError),
    *(NotImplementedError, RecursionError, TypeError, ValueError, zlib.error),
)


class UnreadableDocument(Exception):
    """A document cannot be read; the message is the reason."""


def is_pdf(content: bytes) -> bool:
    """Return whether a file is a PDF document by its beginning."""
    return content.startswith(b"%PDF-")


def read_pdf(path: str, content: bytes, max_pages: int = MAX_PAGES) -> SourceFile:
    """Return the text of a PDF document, with the first line of each page.

    Raises:
        UnreadableDocument: it is encrypted, broken or too long, or has no text, as scans have none.
    """
    try:
        reader = PdfReader(io.BytesIO(content))
        if reader.is_encrypted:
            raise UnreadableDocument("It is encrypted.")
        if len(reader.pages) > max_pages:
            raise UnreadableDocument(f"Only {MAX_PAGES:,} pages of PDF documents are read.")
        texts = [page.extract_text() for page in reader.pages]
    except _READ_ERRORS as exc:
        raise UnreadableDocument("It is a broken PDF file.") from exc
    if not any(text.strip() for text in texts):
        raise UnreadableDocument("It has no text: its pages are pictures.")
    lines: list[str] = []
    pages: list[int] = []
    for text in texts:
        pages.append(len(lines) + 1)
        lines += _lines(text[:MAX_PAGE_LENGTH])
    return SourceFile(path, "\n".join(lines), hashlib.sha256(content).hexdigest(), tuple(pages))


def _lines(text: str) -> list[str]:
    """Return the lines of a page, the last of them blank, so that pages are cut apart where that is possible."""
    plain = "".join(character if character.isprintable() or character == "\n" else " " for character in text)
    lines = [line.rstrip() for line in plain.split("\n")]
    return [piece for line in lines for piece in textwrap.wrap(line, LINE_LENGTH) or [""]] + [""]
