"""PDF documents: their text with lines and pages, and the reason for each that cannot be read."""

import io
from collections.abc import Sequence

import pytest
from pypdf import PdfReader, PdfWriter

from nlp2filters.analysis.archives import MIB
from nlp2filters.analysis.chunks import split
from nlp2filters.analysis.outlines import outline
from tests.analysis.packing import choose, read, tar


def pdf(pages: Sequence[Sequence[str]]) -> bytes:
    """A document with these lines on its pages, written from scratch."""
    count = len(pages)
    kids = " ".join(f"{number + 3} 0 R" for number in range(count))
    objects = ["<</Type/Catalog/Pages 2 0 R>>", f"<</Type/Pages/Count {count}/Kids[{kids}]>>"]
    font = "<</Font<</F <</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>>>"
    objects += [
        f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Resources{font}/Contents {number + 3 + count} 0 R>>"
        for number in range(count)
    ]
    for lines in pages:
        shown = "".join(f"({line}) Tj T* " for line in lines)
        stream = f"BT /F 12 Tf 14 TL 50 800 Td {shown}ET" if lines else ""
        objects.append(f"<</Length {len(stream)}>>stream\n{stream}\nendstream")
    body, offsets = "%PDF-1.4\n", []
    for number, content in enumerate(objects, 1):
        offsets.append(len(body))
        body += f"{number} 0 obj{content}endobj\n"
    table = "".join(f"{offset:010} 00000 n \n" for offset in offsets)
    body += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}"
    body += f"trailer<</Size {len(objects) + 1}/Root 1 0 R>>\nstartxref\n{body.index('xref')}\n%%EOF\n"
    return body.encode()


def encrypted(content: bytes) -> bytes:
    writer = PdfWriter(PdfReader(io.BytesIO(content)))
    writer.encrypt("secret", algorithm="RC4-128")
    stream = io.BytesIO()
    writer.write(stream)
    return stream.getvalue()


MANUAL = pdf([["The pump starts by itself.", "Never run it dry."], ["Cleaning", "Rinse the filter once a week."]])


def test_text_is_read_with_its_lines_and_pages() -> None:
    chosen, _ = choose({"manual.pdf": MANUAL})
    file = chosen["manual.pdf"]
    place = {line: (number, file.page(number)) for number, line in enumerate(file.lines, 1)}
    assert place["Never run it dry."] == (2, 1)
    assert place["Rinse the filter once a week."][1] == 2
    assert file.quote(*[place["Cleaning"][0]] * 2) == "Cleaning"


def test_chunks_know_the_page_that_they_begin_on() -> None:
    words = "Much is to be told about the many parts of a pump and how each of them is kept clean. " * 3
    chosen, _ = choose({"long.pdf": pdf([[words] * 6, [words] * 6])})
    file = chosen["long.pdf"]
    chunks = split(file, outline(file, "pdf"))
    assert {chunk.page for chunk in chunks} == {1, 2}
    assert all(chunk.page == file.page(chunk.start_line) for chunk in chunks)


def test_program_files_have_no_pages() -> None:
    chosen, _ = choose({"a.py": b"x = 1\n"})
    assert chosen["a.py"].page(1) is None


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (encrypted(MANUAL), "It is encrypted."),
        (MANUAL[:200], "It is a broken PDF file."),
        (b"%PDF-1.7\n" + bytes(range(256)) * 20, "It is a broken PDF file."),
        (pdf([[], []]), "It has no text: its pages are pictures."),
    ],
)
def test_what_cannot_be_read_is_skipped_with_the_reason(content: bytes, reason: str) -> None:
    assert choose({"a.pdf": content, "b.py": b"x = 1\n"})[1] == {"a.pdf": reason}


def test_only_so_many_pages_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nlp2filters.analysis.selection.MAX_PAGES", 5)
    chosen, reasons = choose({"a.pdf": MANUAL, "b.pdf": pdf([["x"]] * 4), "c.pdf": MANUAL, "d.pdf": MANUAL})
    assert set(chosen) == {"a.pdf", "c.pdf"}
    assert set(reasons.values()) == {"Only 1,000 pages of PDF documents are read."}


def test_documents_may_be_larger_than_program_files() -> None:
    contents, reasons = read(tar({"a.pdf": bytes(3 * MIB), "b.py": bytes(3 * MIB)}))
    assert (set(contents), set(reasons)) == ({"a.pdf"}, {"b.py"})


def test_damage_gives_a_text_or_a_reason_and_always_the_same() -> None:
    for position in range(0, len(MANUAL), 37):
        damaged = MANUAL[:position] + b"\xff<" + MANUAL[position + 2 :]
        assert choose({"a.pdf": damaged}) == choose({"a.pdf": damaged})
