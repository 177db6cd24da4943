"""Findings: remarks about some lines of a file, each with a quote that proves it was read there."""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal, get_args

from nlp2filters.analysis.sources import SourceFile

Severity = Literal["high", "medium", "low", "info"]
Category = Literal["bug", "security", "performance", "maintainability", "duplication", "architecture", "documentation"]
SEVERITIES: tuple[Severity, ...] = get_args(Severity)
CATEGORIES: tuple[Category, ...] = get_args(Category)
# A shorter quote stands everywhere, and proves nothing.
MIN_QUOTE_LENGTH = 4
# A quote may be this many lines away from where a model says that it stands.
MAX_DISTANCE = 3

_BLANKS = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Finding:
    """A remark about lines `start_line` to `end_line` of the file at `path`.

    `rule` names the kind of finding, `source` is "built-in" or the model. `confidence` is a probability. `scope` is the
    qualified name of the definition that it is about.
    """

    path: str
    start_line: int
    end_line: int
    rule: str
    category: Category
    severity: Severity
    message: str
    quote: str
    source: str
    confidence: float = 1.0
    scope: str | None = None

    @property
    def fingerprint(self) -> str:
        """A name that stays when lines above are added: a hash of path, rule, scope and the quoted words."""
        words = _BLANKS.sub(" ", self.quote).strip()
        return hashlib.sha256("\0".join((self.path, self.rule, self.scope or "", words)).encode()).hexdigest()[:32]


def proven(findings: Iterable[Finding], files: Mapping[str, SourceFile]) -> Iterator[Finding]:
    """Yield the findings whose quote stands in the file at or near the lines that they name, with its true lines.

    A model invents quotes now and then; a finding without a true one is worth nothing.
    """
    for finding in findings:
        file = files.get(finding.path)
        if file and (lines := _find(finding, file)):
            yield replace(finding, start_line=lines[0], end_line=lines[1])


def distinct(findings: Iterable[Finding]) -> list[Finding]:
    """Return the findings without repetitions, the gravest first, then by place."""
    unique: dict[str, Finding] = {}
    for finding in findings:
        previous = unique.get(finding.fingerprint)
        if previous is None or finding.confidence > previous.confidence:
            unique[finding.fingerprint] = finding
    return sorted(unique.values(), key=lambda one: (SEVERITIES.index(one.severity), one.path, one.start_line, one.rule))


def _find(finding: Finding, file: SourceFile) -> tuple[int, int] | None:
    """Return the first and last line of the quote, blanks aside, nearest to where it should be."""
    quote = [line for line in (_squeezed(line) for line in finding.quote.split("\n")) if line]
    if sum(map(len, quote)) < MIN_QUOTE_LENGTH:
        return None
    first = max(1, finding.start_line - MAX_DISTANCE)
    last = min(len(file.lines), finding.end_line + MAX_DISTANCE)
    candidates = sorted(range(first, last + 1), key=lambda line: abs(line - finding.start_line))
    for start in candidates:
        if (end := _match(quote, file, start)) is not None:
            return start, end
    return None


def _match(quote: list[str], file: SourceFile, start: int) -> int | None:
    """Return the last line if the quote stands from line `start` on; its first and last line may be parts of lines."""
    line, matched = start, 0
    end = start
    while matched < len(quote):
        if line > len(file.lines):
            return None
        text = _squeezed(file.lines[line - 1])
        if text or not matched:
            if quote[matched] not in text:
                return None
            matched, end = matched + 1, line
        line += 1
    return end


def _squeezed(line: str) -> str:
    return _BLANKS.sub(" ", line).strip()
