"""The text of PDF files, read by a child process with limits: `python -m nlp2filters.api.legacy.pdf_files`.

The file comes on standard input. The text, or the reason why there is none, goes to standard output as JSON.
"""

import asyncio
import os
import resource
import sys
from asyncio.subprocess import PIPE

import orjson

# A request waits for it. An ordinary page takes 0.05 s.
CPU_LIMIT_S = 10
MEMORY_LIMIT = 2**30
NICENESS = 10
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
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", __name__, stdin=PIPE, stdout=PIPE, start_new_session=True
        )
        try:
            answer, _ = await child.communicate(content)
        finally:
            if child.returncode is None:
                child.kill()
                await child.wait()
    if child.returncode:
        raise UnreadablePDF("Reading this PDF file takes too long or too much memory. Send its text.")
    outcome = orjson.loads(answer)
    if "reason" in outcome:
        raise UnreadablePDF(f"{outcome['reason']} Send its text.")
    return str(outcome["text"])


def main() -> None:
    """Read the file, and answer."""
    os.nice(NICENESS)
    outcome = _outcome(sys.stdin.buffer.read())
    sys.stdout.buffer.write(orjson.dumps(outcome))


def _outcome(content: bytes) -> dict[str, str]:
    try:
        from nlp2filters.analysis.documents import UnreadableDocument, read_pdf
    except ModuleNotFoundError:
        return {"reason": "This service does not read PDF files, as it lacks the extra `analysis`."}
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_LIMIT_S, CPU_LIMIT_S + 1))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT, MEMORY_LIMIT))
    try:
        return {"text": read_pdf("upload.pdf", content).text}
    except UnreadableDocument as exc:
        return {"reason": f"The PDF file is not read. {exc}"}


if __name__ == "__main__":
    main()
