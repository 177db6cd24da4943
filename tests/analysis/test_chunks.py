"""Chunks: every line exactly once, no more than a model reads, and cut where the program is."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlp2filters.analysis.chunks import MAX_CHUNK_TOKENS, Chunk, estimate_tokens, split
from nlp2filters.analysis.languages import language_of
from nlp2filters.analysis.outlines import outline
from nlp2filters.analysis.sources import SourceFile
from tests.analysis.packing import source

LINES = st.sampled_from(
    [
        *("", "    ", "def f():", "class A:", "    def g(self):", "        return 1", "x = [", "]", "# Title"),
        "======",
        *("function f() {", "}", "text " * 30, "word", "    if x:", '"""', "```", "é" * 200),
    ]
)


def chunks_of(file: SourceFile) -> tuple[Chunk, ...]:
    return split(file, outline(file, language_of(file.path)))


def check(file: SourceFile, chunks: tuple[Chunk, ...]) -> None:
    lines = Counter(line for chunk in chunks for line in range(chunk.start_line, chunk.end_line + 1))
    assert all(count == 1 for count in lines.values())
    assert {number for number, line in enumerate(file.lines, 1) if line.strip()} <= set(lines)
    for chunk in chunks:
        assert file.quote(chunk.start_line, chunk.end_line) == chunk.text
        assert estimate_tokens(chunk.text) <= MAX_CHUNK_TOKENS or chunk.start_line == chunk.end_line
        assert chunk.text.strip()


@given(st.lists(LINES, max_size=150), st.sampled_from(["a.py", "a.js", "a.md", "a.rst", "a.unknown"]))
def test_every_line_of_a_program_is_in_one_chunk(lines: list[str], path: str) -> None:
    file = source(path, "\n".join(lines))
    check(file, chunks_of(file))


@given(st.text(max_size=2_000), st.sampled_from(["a.py", "a.go", "a.txt"]))
def test_every_line_of_any_text_is_in_one_chunk(text: str, path: str) -> None:
    file = SourceFile.of(path, text.encode(errors="replace"))
    check(file, chunks_of(file))


def test_definitions_are_kept_whole_and_large_ones_divided() -> None:
    body = "".join(f"        value_{number} = compute({number})\n" for number in range(12))
    methods = "\n".join(f"    def method_{number}(self):\n{body}" for number in range(6))
    file = source("a.py", f"import os\n\nclass Shop:\n{methods}\n\ndef small():\n    return 1\n")
    chunks = chunks_of(file)
    check(file, chunks)
    starts = {chunk.start_line: chunk for chunk in chunks}
    for number in range(1, 6):  # The first one has the line of the class with it.
        line = file.lines.index(f"    def method_{number}(self):") + 1
        assert starts[line].scope == "Shop"
        assert starts[line].model_text.startswith("Shop\n    def method_")


def test_documents_are_cut_at_headings_and_paragraphs() -> None:
    paragraph = "Words that say something about the matter at hand. " * 6
    for heading in ("# Heading {}", "Heading {}\n----------"):
        text = "\n\n".join(f"{heading.format(number)}\n\n{paragraph.strip()}" for number in range(6))
        chunks = chunks_of(source("a.md", text))
        check(source("a.md", text), chunks)
        assert len(chunks) > 2
        assert all(chunk.text.startswith(heading[:3]) for chunk in chunks)


def test_a_chunk_is_named_by_what_a_model_reads() -> None:
    one, moved = Chunk("a.py", 1, 2, "x = 1", "A"), Chunk("b.py", 7, 8, "x = 1", "A")
    assert one.sha256 == moved.sha256
    assert Chunk("a.py", 1, 2, "x = 1", "B").sha256 != one.sha256


@pytest.mark.parametrize("opening", ["function a(){", "class A { m() {"])
def test_deep_nesting_is_divided(opening: str) -> None:
    file = source("a.js", "\n".join([opening] * 5_000))
    check(file, chunks_of(file))
