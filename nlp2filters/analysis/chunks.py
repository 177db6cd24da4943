"""Chunks: pieces of files that a model can read at once, cut where definitions, paragraphs or lines end."""

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from nlp2filters.analysis.outlines import Definition, Outline
from nlp2filters.analysis.sources import SourceFile

# The sentence transformer reads 256 word pieces; a piece of code is three characters on average.
MAX_CHUNK_TOKENS = 240
CHARACTERS_PER_TOKEN = 3
# A chunk shorter than that joins the next one.
MIN_CHUNK_TOKENS = 40

_HEADING = re.compile(r"#{1,6} ")
_UNDERLINE = re.compile(r"([=\-~^\"'+*])\1{2,}$")


def estimate_tokens(text: str) -> int:
    """Estimate the number of a model's tokens, rather too high than too low."""
    return -(-len(text) // CHARACTERS_PER_TOKEN)


@dataclass(frozen=True)
class Chunk:
    """Some lines of a file, first and last included; `scope` is the qualified name of the definition around them.

    `page` is that of the first line, in a document with pages.
    """

    path: str
    start_line: int
    end_line: int
    text: str
    scope: str | None = None
    page: int | None = None

    @cached_property
    def sha256(self) -> str:
        """The key for anything derived from the chunk: the SHA-256 of what a model reads."""
        return hashlib.sha256(self.model_text.encode()).hexdigest()

    @property
    def model_text(self) -> str:
        """The text for a model: the place in the program, then the lines."""
        return f"{self.scope}\n{self.text}" if self.scope else self.text


def split(
    file: SourceFile, outline: Outline, *, size: Callable[[str], int] = estimate_tokens, limit: int = MAX_CHUNK_TOKENS
) -> tuple[Chunk, ...]:
    """Divide a file into chunks of at most `limit` tokens; blank ones are left out.

    Definitions are kept whole where they fit. One that does not is divided into those in it and the lines between them,
    which know its name. A single line that is too long is a chunk of its own, for the model to cut.
    """
    splitter = _Splitter(file, size, limit)
    spans = splitter.spans(1, len(file.lines), _roots(outline.definitions), outline.definitions, None)
    return tuple(splitter.chunks(_merged(list(spans), splitter)))


@dataclass(frozen=True, slots=True)
class _Span:
    start_line: int
    end_line: int
    scope: str | None


@dataclass(frozen=True, slots=True)
class _Splitter:
    file: SourceFile
    size: Callable[[str], int]
    limit: int

    def spans(
        self,
        start: int,
        end: int,
        inside: Sequence[Definition],
        definitions: Sequence[Definition],
        scope: str | None,
    ) -> Iterator[_Span]:
        """Yield the spans of some lines: definitions directly within them, and the lines between."""
        line = start
        for definition in inside:
            if definition.start_line < line or definition.end_line > end:
                continue
            yield from self.lines(line, definition.start_line - 1, scope)
            if self.fits(definition.start_line, definition.end_line):
                yield _Span(definition.start_line, definition.end_line, scope)
            else:
                children = [other for other in definitions if other.parent == definition.qualified_name]
                children = [
                    child for child in children if definition.start_line <= child.start_line <= definition.end_line
                ]
                yield from self.spans(
                    definition.start_line, definition.end_line, children, definitions, definition.qualified_name
                )
            line = definition.end_line + 1
        yield from self.lines(line, end, scope)

    def lines(self, start: int, end: int, scope: str | None) -> Iterator[_Span]:
        """Yield spans of lines that fit, cut before headings and blank lines where there are some."""
        while start <= end:
            if self.fits(start, end):
                yield _Span(start, end, scope)
                return
            cut = self.cut(start, end)
            yield _Span(start, cut, scope)
            start = cut + 1

    def cut(self, start: int, end: int) -> int:
        """Return the last line of a span that begins at `start` and fits; at least one line is taken.

        In its second half, it is cut before a heading if there is one, or else after a blank line.
        """
        size, last = 0, start
        for line in range(start, end + 1):
            size += self.size(self.file.lines[line - 1] + "\n")
            if size > self.limit and line > start:
                break
            last = line
        half = range(last, start + (last - start) // 2, -1)
        before_heading = (line for line in half if self.is_heading(line + 1))
        after_blank = (line for line in half if not self.file.lines[line - 1].strip())
        return next(before_heading, next(after_blank, last))

    def is_heading(self, line: int) -> bool:
        """Return whether a line begins a section of a document."""
        text, below = (*self.file.lines[line - 1 : line + 1], "", "")[:2]
        return bool(_HEADING.match(text) or (text.strip() and _UNDERLINE.match(below)))

    def fits(self, start: int, end: int) -> bool:
        return self.size(self.file.quote(start, end)) <= self.limit

    def chunks(self, spans: Sequence[_Span]) -> Iterator[Chunk]:
        for span in spans:
            text = self.file.quote(span.start_line, span.end_line)
            if text.strip():
                page = self.file.page(span.start_line)
                yield Chunk(self.file.path, span.start_line, span.end_line, text, span.scope, page)


def _merged(spans: Sequence[_Span], splitter: _Splitter) -> list[_Span]:
    """Join short neighbours of the same scope as long as they fit."""
    merged: list[_Span] = []
    for span in spans:
        last = merged[-1] if merged else None
        if last and last.scope == span.scope and last.end_line + 1 == span.start_line:
            is_short = any(
                splitter.size(splitter.file.quote(one.start_line, one.end_line)) < MIN_CHUNK_TOKENS
                for one in (last, span)
            )
            if is_short and splitter.fits(last.start_line, span.end_line):
                merged[-1] = _Span(last.start_line, span.end_line, span.scope)
                continue
        merged.append(span)
    return merged


def _roots(definitions: Sequence[Definition]) -> list[Definition]:
    return [definition for definition in definitions if definition.parent is None]
