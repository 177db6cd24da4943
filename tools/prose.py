"""Check docstrings against docs/style.md: print those whose first word no docstring should have, and exit with 1."""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
FOLDERS = ("nlp2filters", "tools", "worker_settings.py")
REFUSED = re.compile(r"(What|Whatever|Whether|Who|Whoever|Whom|Whose|Where|When|How|Until|Those|That)\b")
DOCUMENTED = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def main() -> int:
    """Print every docstring that begins with a refused word."""
    lines = [line for path in python_files() for line in openings(path)]
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


if __name__ == "__main__":
    sys.exit(main())
