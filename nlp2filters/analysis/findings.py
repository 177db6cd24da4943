"""Findings: remarks about some lines of a file, each with a quote that proves it was read there."""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, Protocol, Self, get_args

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

    def to_json(self) -> dict[str, Any]:
        """Return the finding with its fingerprint, as reports have it."""
        return {**asdict(self), "fingerprint": self.fingerprint}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read back what `to_json` wrote."""
        return cls(**{name: value for name, value in data.items() if name != "fingerprint"})


class Passage(Protocol):
    """Lines of a file, of which `start_line` is the number of the first, or a whole file."""

    @property
    def path(self) -> str:
        """The path of the file."""

    @property
    def start_line(self) -> int:
        """The number of the first line."""

    @property
    def lines(self) -> Sequence[str]:
        """The lines without their ends."""


def proven(findings: Iterable[Finding], passages: Iterable[Passage]) -> Iterator[Finding]:
    """Yield the findings whose quote stands in a passage of their file, with its true lines.

    It must stand at or near the lines that the finding names, or else only once. A model invents quotes now and then; a
    finding without a true one is worth nothing.
    """
    by_path: dict[str, list[Passage]] = {}
    for passage in passages:
        by_path.setdefault(passage.path, []).append(passage)
    for finding in findings:
        places = (
            locate(finding.quote, passage, finding.start_line, finding.end_line)
            for passage in by_path.get(finding.path, ())
        )
        if lines := next(filter(None, places), None):
            yield replace(finding, start_line=lines[0], end_line=lines[1])


def locate(quote: str, passage: Passage, first: int, last: int) -> tuple[int, int] | None:
    """Return the first and last line of a quote, blanks aside: at or near some lines, or where it stands only once."""
    quoted_lines = [text for text in (_squeezed(text) for text in quote.split("\n")) if text]
    if sum(map(len, quoted_lines)) < MIN_QUOTE_LENGTH:
        return None
    lines = [_squeezed(text) for text in passage.lines]
    matches = [
        (start + passage.start_line, end + passage.start_line)
        for start in range(len(lines))
        if (end := _match(quoted_lines, lines, start)) is not None
    ]
    if len(matches) == 1:
        return matches[0]
    near = [match for match in matches if first - MAX_DISTANCE <= match[0] <= last + MAX_DISTANCE]
    return min(near, key=lambda match: abs(match[0] - first), default=None)


def distinct(findings: Iterable[Finding]) -> list[Finding]:
    """Return the findings without repetitions, the gravest first, then by place."""
    unique: dict[str, Finding] = {}
    for finding in findings:
        previous = unique.get(finding.fingerprint)
        if previous is None or finding.confidence > previous.confidence:
            unique[finding.fingerprint] = finding
    return sorted(unique.values(), key=lambda one: (SEVERITIES.index(one.severity), one.path, one.start_line, one.rule))


def _match(quote: Sequence[str], lines: Sequence[str], start: int) -> int | None:
    """Return the last line if the quote stands from line `start` on; its first and last line may be parts of lines."""
    line, matched, end = start, 0, start
    while matched < len(quote):
        if line == len(lines):
            return None
        if lines[line] or not matched:
            if quote[matched] not in lines[line]:
                return None
            matched, end = matched + 1, line
        line += 1
    return end


def _squeezed(line: str) -> str:
    return _BLANKS.sub(" ", line).strip()
