"""Near duplicates among definitions: copies whose names, strings and numbers may have been changed.

Code is compared by its shape: runs of tokens in which every name is the same sign, and every string and number as well.
Shared runs are found by hashes, as in Winnowing (Schleimer, Wilkerson, Aiken, 2003), so that the time grows with the
size of the code and not with the number of pairs.
"""

import re
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from nlp2filters.analysis.findings import Finding
from nlp2filters.analysis.measures import SOURCE
from nlp2filters.analysis.outlines import Outline
from nlp2filters.analysis.sources import SourceFile

# Shorter definitions are alike by nature.
MIN_TOKENS = 40
RUN_LENGTH = 12
MIN_SIMILARITY = 0.75
# A run in more definitions than that is boilerplate: it makes no pair, but it counts for one that others make.
MAX_SHARERS = 50

# What is not closed ends with the text or the line, so that nothing is read twice.
_TOKEN = re.compile(
    r"(?P<comment>#[^\n]*|//[^\n]*|/\*.*?(?:\*/|\Z))"
    r"|(?P<string>\"\"\".*?(?:\"\"\"|\Z)|'''.*?(?:'''|\Z)|\"(?:\\.|[^\"\\\n])*\"?|'(?:\\.|[^'\\\n])*'?|`[^`]*`?)"
    r"|(?P<number>\d[\w.]*)|(?P<name>[^\W\d]\w*)|(?P<sign>[^\w\s])",
    re.DOTALL,
)
# Words of many languages that shape a program, so they are no names.
_KEYWORDS = frozenset(
    """
    if else elif elsif unless for foreach while do until switch case match when return yield await async def
    function fn func class struct enum interface trait impl new try catch except finally raise throw throws
    with import from in not and or is lambda break continue pass static const let var public private protected
    """.split()  # noqa: SIM905
)


@dataclass(frozen=True, slots=True)
class Place:
    """The lines of a definition."""

    path: str
    name: str
    start_line: int
    end_line: int

    @property
    def size(self) -> int:
        """The number of lines."""
        return self.end_line - self.start_line + 1

    def contains(self, other: "Place") -> bool:
        """Return whether the other definition is within this one."""
        return self.path == other.path and self.start_line <= other.start_line and other.end_line <= self.end_line


@dataclass(frozen=True, slots=True)
class DuplicatePair:
    """Two definitions of nearly the same shape; `similarity` is the share of their runs that both have."""

    first: Place
    second: Place
    similarity: float

    def contains(self, other: "DuplicatePair") -> bool:
        """Return whether both places of the other pair are within those of this one."""
        return self.first.contains(other.first) and self.second.contains(other.second)


def near_duplicates(
    files: Mapping[str, SourceFile], outlines: Mapping[str, Outline], min_similarity: float = MIN_SIMILARITY
) -> list[DuplicatePair]:
    """Return the pairs of near duplicates, the most similar first. A class is no duplicate of its own method."""
    shapes = list(_shapes(files, outlines))
    holders: dict[int, list[int]] = defaultdict(list)
    for number, (_, runs) in enumerate(shapes):
        for run in runs:
            holders[run].append(number)
    shared: Counter[tuple[int, int]] = Counter()
    for numbers in holders.values():
        if len(numbers) <= MAX_SHARERS:
            shared.update((one, other) for index, one in enumerate(numbers) for other in numbers[index + 1 :])
    # How many runs of each definition are no boilerplate.
    telling = Counter(number for numbers in holders.values() if len(numbers) <= MAX_SHARERS for number in numbers)
    pairs = []
    for (one, other), count in shared.items():
        (first, runs), (second, others) = shapes[one], shapes[other]
        if count < MIN_SIMILARITY * max(telling[one], telling[other]):
            continue
        similarity = len(runs & others) / max(len(runs), len(others))
        if similarity >= min_similarity and not first.contains(second) and not second.contains(first):
            pairs.append(DuplicatePair(first, second, round(similarity, 3)))
    return sorted(_outermost(pairs), key=lambda pair: (-pair.similarity, pair.first.path, pair.first.start_line))


def of_duplicates(pairs: Sequence[DuplicatePair], files: Mapping[str, SourceFile]) -> Iterator[Finding]:
    """Yield a finding for each pair, at its second place."""
    for pair in pairs:
        place, other = pair.second, pair.first
        yield Finding(
            path=place.path,
            start_line=place.start_line,
            end_line=place.end_line,
            rule="duplicate",
            category="duplication",
            severity="low",
            message=(
                f"`{place.name}` has nearly the shape of `{other.name}` in {other.path}:{other.start_line}. "
                "Make one of the two."
            ),
            quote=files[place.path].lines[place.start_line - 1],
            scope=place.name,
            source=SOURCE,
            confidence=pair.similarity,
        )


def _shapes(files: Mapping[str, SourceFile], outlines: Mapping[str, Outline]) -> Iterator[tuple[Place, set[int]]]:
    """Yield the definitions that are long enough, each with the hashes of its runs."""
    for path, outline in outlines.items():
        for definition in outline.definitions:
            if definition.kind == "constant":
                continue
            tokens = _tokens(files[path].quote(definition.start_line, definition.end_line))
            if len(tokens) >= MIN_TOKENS:
                place = Place(path, definition.qualified_name, definition.start_line, definition.end_line)
                yield place, _runs(tokens)


def _tokens(code: str) -> list[str]:
    """Return the tokens of code with one sign for every name, string and number, without comments."""
    tokens = []
    for match in _TOKEN.finditer(code):
        match match.lastgroup:
            case "comment":
                continue
            case "name":
                word = match.group()
                tokens.append(word if word in _KEYWORDS else "n")
            case "string":
                tokens.append("s")
            case "number":
                tokens.append("0")
            case _:
                tokens.append(match.group())
    return tokens


def _runs(tokens: Sequence[str]) -> set[int]:
    return {
        zlib.crc32(" ".join(tokens[start : start + RUN_LENGTH]).encode())
        for start in range(len(tokens) - RUN_LENGTH + 1)
    }


def _outermost(pairs: Sequence[DuplicatePair]) -> Iterator[DuplicatePair]:
    """Yield the pairs that are not within another pair: of two copied classes, not their methods once more."""
    by_files: dict[tuple[str, str], list[DuplicatePair]] = defaultdict(list)
    for pair in pairs:
        by_files[pair.first.path, pair.second.path].append(pair)
    for group in by_files.values():
        outermost: list[DuplicatePair] = []
        for pair in sorted(group, key=lambda pair: -pair.first.size):
            if not any(other.contains(pair) for other in outermost):
                outermost.append(pair)
        yield from outermost
