"""The choice of the files to analyse."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

import pathspec

from nlp2filters.analysis.archives import Member
from nlp2filters.analysis.documents import MAX_PAGES, UnreadableDocument, is_pdf, read_pdf
from nlp2filters.analysis.sources import SkippedFile, SourceFile

# Version control, dependencies and caches: nobody wants these analysed, whatever `.gitignore` says.
NEVER = (".git/", ".hg/", ".svn/", "node_modules/", "__pycache__/", ".venv/", ".tox/", ".mypy_cache/", ".DS_Store")
# A line that no person writes: minified code, data, or a picture in text.
MAX_LINE_LENGTH = 5_000
UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True)
class Selection:
    """The caller's choice by patterns in the form of `.gitignore`. Without `include`, every file is included.

    With `gitignore`, what the `.gitignore` files among the files leave out is skipped as well.
    """

    include: Sequence[str] = ()
    exclude: Sequence[str] = ()
    gitignore: bool = True

    def choose(self, members: Iterable[Member | SkippedFile]) -> Iterator[SourceFile | SkippedFile]:
        """Yield the files to analyse, and those to skip with the reason."""
        pages = MAX_PAGES
        for entry in self.select(members):
            file = _source(entry, pages) if isinstance(entry, Member) else entry
            pages -= len(file.pages) if isinstance(file, SourceFile) else 0
            yield file

    def select(self, members: Iterable[Member | SkippedFile]) -> Iterator[Member | SkippedFile]:
        """Yield the files that may be analysed as they are, and those to skip with the reason."""
        files = list(members)
        ignored = _gitignores(member for member in files if isinstance(member, Member)) if self.gitignore else {}
        never, include, exclude = _patterns(NEVER), _patterns(self.include), _patterns(self.exclude)
        for member in files:
            if isinstance(member, SkippedFile):
                yield member
            elif never.match_file(member.path):
                yield SkippedFile(member.path, "It belongs to version control, dependencies or caches.")
            elif self.include and not include.match_file(member.path):
                yield SkippedFile(member.path, "No pattern of `include` matches it.")
            elif exclude.match_file(member.path):
                yield SkippedFile(member.path, "A pattern of `exclude` matches it.")
            elif _is_ignored(member.path, ignored):
                yield SkippedFile(member.path, "A `.gitignore` file leaves it out.")
            elif not member.content.strip():
                yield SkippedFile(member.path, "It is empty.")
            elif _is_binary(member.content):
                yield SkippedFile(member.path, "It is binary.")
            else:
                yield member


def _is_binary(content: bytes) -> bool:
    return b"\0" in content and not content.startswith(UTF_16_MARKS) and not is_pdf(content)


def _source(member: Member, max_pages: int) -> SourceFile | SkippedFile:
    """Read a file, unless it is no text that people write, or a document with too many pages."""
    try:
        file = (
            read_pdf(member.path, member.content, max_pages)
            if is_pdf(member.content)
            else SourceFile.of(member.path, member.content)
        )
    except UnreadableDocument as exc:
        return SkippedFile(member.path, str(exc))
    if not file.text.strip():
        return SkippedFile(member.path, "It is empty.")
    if max(map(len, file.lines)) > MAX_LINE_LENGTH:
        reason = f"A line is longer than {MAX_LINE_LENGTH:,} characters, so it was made by a tool."
        return SkippedFile(member.path, reason)
    return file


def is_pattern(line: str) -> bool:
    """Return whether a line can be read as a pattern."""
    try:
        _patterns([line])
    except ValueError:
        return False
    return True


def _patterns(lines: Iterable[str]) -> pathspec.GitIgnoreSpec:
    return pathspec.GitIgnoreSpec.from_lines(lines)


def _gitignores(members: Iterable[Member]) -> dict[PurePosixPath, pathspec.GitIgnoreSpec]:
    """Return the patterns of each `.gitignore` file by its folder."""
    return {
        PurePosixPath(member.path).parent: _patterns(
            filter(is_pattern, member.content.decode(errors="replace").splitlines())
        )
        for member in members
        if PurePosixPath(member.path).name == ".gitignore"
    }


def _is_ignored(path: str, ignored: Mapping[PurePosixPath, pathspec.GitIgnoreSpec]) -> bool:
    """Return whether a file is left out. As in Git, the nearest `.gitignore` that has a say decides."""
    pure = PurePosixPath(path)
    for folder in pure.parents:
        if folder in ignored:
            decision = ignored[folder].check_file(str(pure.relative_to(folder))).include
            if decision is not None:
                return decision
    return False
