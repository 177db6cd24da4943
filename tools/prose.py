"""Check the code against docs/style.md: print docstrings and variable names that it refuses, and exit with 1 if any."""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
FOLDERS = ("nlp2filters", "tools", "worker_settings.py")
REFUSED = re.compile(r"(What|Whatever|Whether|Who|Whoever|Whom|Whose|Where|When|How|Until|Those|That)\b")
# A variable's name says what it holds, and these say only what was done to it.
PARTICIPLES = re.compile(
    "asked|begun|chosen|counted|found|given|heard|held|kept|known|left|made|meant|named|noted|owned|said|seen|shown|taken"
    "|told|wanted|wished"
)
DOCUMENTED = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def main() -> int:
    """Print every refused docstring and variable name."""
    lines = [line for path in python_files() for line in (*openings(path), *participles(path))]
    print("\n".join(lines), end="\n" if lines else "")
    return 1 if lines else 0


def python_files() -> Iterator[Path]:
    """Yield the files whose docstrings are checked."""
    for name in FOLDERS:
        path = ROOT / name
        yield from sorted(path.rglob("*.py")) if path.is_dir() else [path]


def openings(path: Path) -> Iterator[str]:
    """Yield `file:line: docstring` for each docstring of the file that begins with a refused word."""
    for node in ast.walk(ast.parse(path.read_text())):
        docstring = ast.get_docstring(node) if isinstance(node, DOCUMENTED) else None
        if docstring and REFUSED.match(docstring):
            line = getattr(node, "lineno", 1)
            yield f"{path.relative_to(ROOT)}:{line}: begin with a verb or a plain noun: {docstring.splitlines()[0]}"


def participles(path: Path) -> Iterator[str]:
    """Yield `file:line: name` for each variable and argument whose name is a bare participle."""
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name) if PARTICIPLES.fullmatch(name):
                yield f"{path.relative_to(ROOT)}:{node.lineno}: say what the variable holds: {name}"


if __name__ == "__main__":
    sys.exit(main())
