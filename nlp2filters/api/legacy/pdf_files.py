"""The text of PDF files, read by a child process with limits."""

import asyncio
import tempfile
from pathlib import Path
from typing import Any

from nlp2filters.errors import ParserFailed, UploadRefused
from nlp2filters.file_reading import process
from nlp2filters.file_reading.orders import Order

# A request waits for it. An ordinary page takes 0.05 s.
CPU_LIMIT_S = 10
MEMORY_LIMIT = 2**30
# So many children run at once.
_slots = asyncio.Semaphore(2)


class UnreadablePDF(Exception):
    """A PDF file has no text that can be read. The message says why, and what to do."""


async def read_text(content: bytes) -> str:
    """Return the text of a PDF file.

    Raises:
        UnreadablePDF: it is encrypted, broken, too long, or made of pictures.
    """
    async with _slots:
        with tempfile.TemporaryDirectory(prefix="nlp2filters-") as folder:
            path = Path(folder) / "upload.pdf"
            await asyncio.to_thread(path.write_bytes, content)
            order = Order(path, _outcome, cpu_limit_s=CPU_LIMIT_S, memory_limit=MEMORY_LIMIT)
            try:
                outcome: dict[str, str] = await process.run(order)
            except (UploadRefused, ParserFailed) as exc:
                raise UnreadablePDF("Reading this PDF file takes too long or too much memory. Send its text.") from exc
    if "reason" in outcome:
        raise UnreadablePDF(f"{outcome['reason']} Send its text.")
    return outcome["text"]


def _outcome(path: Path, report: Any) -> dict[str, str]:
    """Read the file, in the child process."""
    try:
        from nlp2filters.analysis.documents import UnreadableDocument, read_pdf
    except ModuleNotFoundError:
        return {"reason": "This service does not read PDF files, as it lacks the extra `analysis`."}
    try:
        return {"text": read_pdf(path.name, path.read_bytes()).text}
    except UnreadableDocument as exc:
        return {"reason": f"The PDF file is not read. {exc}"}
