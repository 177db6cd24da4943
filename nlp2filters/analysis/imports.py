"""Imports between the files of an analysis, and the cycles among them."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

from nlp2filters.analysis.languages import language_of
from nlp2filters.analysis.outlines import Outline

_ES_SUFFIXES = ("", ".js", ".ts", ".tsx", ".jsx", ".mjs", ".cjs", "/index.js", "/index.ts", "/index.tsx")


def import_graph(outlines: Mapping[str, Outline]) -> dict[str, tuple[str, ...]]:
    """Return, for each file, the files of the analysis that it imports. What is not among them is left out."""
    by_suffix = _by_suffix(outlines)
    graph = {}
    for path, outline in outlines.items():
        targets = dict.fromkeys(
            target for name in outline.imports for target in _resolve(name, path, by_suffix) if target != path
        )
        graph[path] = tuple(targets)
    return graph


def cycles(graph: Mapping[str, tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Return the groups of files that import each other, directly or not, in the order of their paths.

    They are the strongly connected components of more than one file, found by Tarjan's algorithm without recursion.
    """
    numbers: dict[str, int] = {}
    lowest: dict[str, int] = {}
    stack: list[str] = []
    on_stack: set[str] = set()
    groups = []
    for root in graph:
        if root in numbers:
            continue
        work: list[tuple[str, Iterator[str]]] = [(root, iter(graph[root]))]
        numbers[root] = lowest[root] = len(numbers)
        stack.append(root)
        on_stack.add(root)
        while work:
            path, targets = work[-1]
            target = next(targets, None)
            if target is None:
                work.pop()
                if work:
                    lowest[work[-1][0]] = min(lowest[work[-1][0]], lowest[path])
                if lowest[path] == numbers[path]:
                    group = _popped(stack, path)
                    on_stack.difference_update(group)
                    if len(group) > 1:
                        groups.append(tuple(sorted(group)))
            elif target not in numbers:
                numbers[target] = lowest[target] = len(numbers)
                stack.append(target)
                on_stack.add(target)
                work.append((target, iter(graph.get(target, ()))))
            elif target in on_stack:
                lowest[path] = min(lowest[path], numbers[target])
    return sorted(groups)


def _popped(stack: list[str], last: str) -> list[str]:
    """Take paths from the stack, up to the `last` one."""
    group = [stack.pop()]
    while group[-1] != last:
        group.append(stack.pop())
    return group


def _by_suffix(outlines: Mapping[str, Outline]) -> dict[str, list[str]]:
    """Return the paths by every end of theirs: "a/b/c.py" by "c.py", "b/c.py" and "a/b/c.py"."""
    ends: dict[str, list[str]] = defaultdict(list)
    for path in outlines:
        parts = path.split("/")
        for start in range(len(parts)):
            ends["/".join(parts[start:])].append(path)
    return ends


def _resolve(name: str, path: str, ends: Mapping[str, list[str]]) -> Iterator[str]:
    """Yield the files that an import may mean: the nearest one, if there are several of that name."""
    for candidate in _candidates(name, path):
        if matches := ends.get(candidate):
            yield max(matches, key=lambda match: (_common_folders(match, path), match))
            return


def _candidates(name: str, path: str) -> Iterator[str]:
    """Yield the ends that the path of an imported file may have, the likeliest first."""
    folder = PurePosixPath(path).parent
    match language_of(path):
        case "python":
            yield from _python_candidates(name, folder)
        case "javascript" | "typescript" | "tsx" if name.startswith("."):
            base = _joined(folder, name)
            yield from (base + suffix for suffix in _ES_SUFFIXES)
        case "java" | "csharp":
            yield name.replace(".", "/") + (".java" if language_of(path) == "java" else ".cs")
        case "c" | "cpp" | "php" | "bash":
            yield _joined(folder, name)
            yield name.replace("\\", "/")
        case "ruby":
            yield _joined(folder, name) + ".rb"
            yield f"{name}.rb"
        case "rust":
            module = name.removeprefix("crate::").split("::")[0]
            yield _joined(folder, f"{module}.rs")
            yield f"{module}/mod.rs"


def _python_candidates(name: str, folder: PurePosixPath) -> Iterator[str]:
    dots = len(name) - len(name.lstrip("."))
    parts = [part for part in name.lstrip(".").split(".") if part]
    if dots:
        base = folder
        for _ in range(dots - 1):
            base = base.parent
        parts = [*base.parts, *parts]
    while parts:
        yield "/".join(parts) + ".py"
        yield "/".join(parts) + "/__init__.py"
        if dots:
            return
        # "import a.b.C" may name something within "a/b.py".
        parts = parts[:-1] if len(parts) > 1 else []


def _joined(folder: PurePosixPath, name: str) -> str:
    """Return a relative path from a folder, without dots in it."""
    parts: list[str] = []
    for part in (*folder.parts, *name.split("/")):
        if part == ".." and parts:
            parts.pop()
        elif part not in (".", "..", ""):
            parts.append(part)
    return "/".join(parts)


def _common_folders(one: str, other: str) -> int:
    count = 0
    for mine, theirs in zip(one.split("/")[:-1], other.split("/")[:-1], strict=False):
        if mine != theirs:
            break
        count += 1
    return count
