"""Copies of Python functions as a person would disguise them: other local names, strings, numbers and comments.

What a function binds itself (its name, parameters, variables, inner functions) is renamed everywhere in it, by the
syntax tree, so it suits every function; the layout of the text stays.
"""

import ast
import builtins
import io
import itertools
import re
import textwrap
import tokenize
from collections.abc import Iterator

MIN_LINES = 8


def functions(source: str, min_lines: int = MIN_LINES) -> Iterator[str]:
    """The texts of the functions and methods of a module that are long enough, without their decorators."""
    lines = source.split("\n")
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            text = textwrap.dedent("\n".join(lines[node.lineno - 1 : node.end_lineno]))
            if text.count("\n") + 1 >= min_lines and _parses(text):
                yield text + "\n"


def renamed_copy(function: str) -> str:
    """The text of the copy of a function."""
    tree = ast.parse(function)
    names = {name: f"other_{number}" for number, name in enumerate(sorted(_own_names(tree)))}
    places = set(_places(tree, names, function))
    lines = function.split("\n")
    starts = [0, *itertools.accumulate(len(line) + 1 for line in lines)]
    copy, end, previous = [], 0, ""
    for token in tokenize.generate_tokens(io.StringIO(function).readline):
        is_own = token.start in places or previous in ("def", "class", "as")
        if (other := _other(token, names if is_own else {})) is not None:
            copy += [function[end : starts[token.start[0] - 1] + token.start[1]], other]
            end = starts[token.end[0] - 1] + token.end[1]
        previous = token.string
    return "".join([*copy, function[end:]])


def _other(token: tokenize.TokenInfo, names: dict[str, str]) -> str | None:
    """Return what stands in the copy instead of a token; None if it stays."""
    match token.type:
        case tokenize.NAME:
            return names.get(token.string)
        case tokenize.STRING:
            prefix = re.match(r"\w*", token.string)
            return f'{prefix[0] if prefix else ""}"another one of {len(token.string)}"'
        case tokenize.NUMBER if token.string.isdecimal():
            return f"1{token.string}"
        case tokenize.COMMENT:
            return "# Something else is said here."
    return None


def _parses(text: str) -> bool:
    try:
        ast.parse(text)
    except SyntaxError:  # A string of several lines that is not indented.
        return False
    return True


def _own_names(tree: ast.AST) -> set[str]:
    """The names that a function binds; those that it declares as somebody else's are not its own."""
    names: set[str] = set()
    foreign: set[str] = set(dir(builtins))
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                names.add(name)
            case ast.arg(arg=name) | ast.Name(id=name, ctx=ast.Store()) | ast.ExceptHandler(name=str(name)):
                names.add(name)
            case ast.Global(names=others) | ast.Nonlocal(names=others):
                foreign.update(others)
    return names - foreign


def _places(tree: ast.AST, names: dict[str, str], text: str) -> Iterator[tuple[int, int]]:
    """Yield line and column of each use of the names: not those of attributes and of keyword arguments."""
    lines = text.split("\n")
    for node in ast.walk(tree):
        if isinstance(node, ast.Name | ast.arg) and (node.id if isinstance(node, ast.Name) else node.arg) in names:
            # The tree counts bytes, tokens count characters.
            yield node.lineno, len(lines[node.lineno - 1].encode()[: node.col_offset].decode())
