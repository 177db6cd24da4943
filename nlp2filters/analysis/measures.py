"""Findings without a model: functions that are too long or divide too often, and files that import each other."""

from collections.abc import Iterator, Mapping, Sequence

from nlp2filters.analysis.findings import Finding
from nlp2filters.analysis.outlines import Definition, Outline
from nlp2filters.analysis.sources import SourceFile

SOURCE = "built-in"
# The limits of pylint ("too many statements", "too many branches") and of McCabe's measure in ruff, with some room.
MAX_LINES = 100
MAX_BRANCHES = 15
_FUNCTIONS = frozenset({"function", "method"})


def measure(files: Mapping[str, SourceFile], outlines: Mapping[str, Outline]) -> Iterator[Finding]:
    """Yield the functions that are hard to read because of their size or their branches."""
    for path, outline in outlines.items():
        for definition in outline.definitions:
            if definition.kind in _FUNCTIONS:
                yield from _of_function(files[path], definition)


def of_cycles(cycles: Sequence[Sequence[str]], files: Mapping[str, SourceFile]) -> Iterator[Finding]:
    """Yield a finding for each group of files that import each other."""
    for group in cycles:
        quote = next((line for line in files[group[0]].lines if line.strip()), "")
        line = files[group[0]].lines.index(quote) + 1
        listed = ", ".join(group[:10]) + (", …" if len(group) > 10 else "")
        yield Finding(
            path=group[0],
            start_line=line,
            end_line=line,
            rule="import-cycle",
            category="architecture",
            severity="low",
            message=f"{len(group)} files import each other: {listed}. Move what they share to a file of its own.",
            quote=quote,
            source=SOURCE,
        )


def _of_function(file: SourceFile, definition: Definition) -> Iterator[Finding]:
    length = definition.end_line - definition.start_line + 1
    if length > MAX_LINES:
        detail = f"`{definition.qualified_name}` has {length} lines. Divide it into functions of one task each."
        yield _finding(file, definition, "long-function", "low" if length <= 2 * MAX_LINES else "medium", detail)
    if definition.branches > MAX_BRANCHES:
        detail = (
            f"`{definition.qualified_name}` divides at {definition.branches} points. Take cases out into functions, or "
            "into a table."
        )
        severity = "low" if definition.branches <= 2 * MAX_BRANCHES else "medium"
        yield _finding(file, definition, "complex-function", severity, detail)


def _finding(file: SourceFile, definition: Definition, rule: str, severity: str, message: str) -> Finding:
    return Finding(
        path=file.path,
        start_line=definition.start_line,
        end_line=definition.end_line,
        rule=rule,
        category="maintainability",
        severity="medium" if severity == "medium" else "low",
        message=message,
        quote=file.lines[definition.start_line - 1],
        source=SOURCE,
        scope=definition.qualified_name,
    )
