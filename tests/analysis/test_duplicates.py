"""Near duplicates: renamed copies are found, and nothing is a duplicate of what is in it."""

import inspect
import re
import textwrap
from pathlib import Path

import nlp2filters.core
from nlp2filters.analysis.duplicates import near_duplicates
from nlp2filters.analysis.languages import language_of
from nlp2filters.analysis.outlines import Outline, outline
from nlp2filters.analysis.sources import SourceFile
from tests.analysis.packing import source

PLANTED = 10
MIN_PLANTED_LINES = 12


def outlines(files: dict[str, SourceFile]) -> dict[str, Outline]:
    return {path: outline(file, language_of(path)) for path, file in files.items()}


def renamed(code: str) -> str:
    """A copy in which names of its own, strings and numbers are others, and the comments are gone."""
    own = {*re.findall(r"^\s*(?:for\s+)?(\w+)\s*(?:=|in)\s", code, re.MULTILINE), *re.findall(r"def (\w+)", code)}
    code = re.sub(r"#.*", "", code)
    for name in own:
        code = re.sub(rf"\b{name}\b", f"copied_{name}", code)
    return re.sub(r"\b\d+\b", lambda number: str(int(number.group()) + 7), code)


def test_renamed_copies_in_a_real_codebase_are_found() -> None:
    root = Path(inspect.getfile(nlp2filters.core)).parent
    files = {str(path.relative_to(root)): source(str(path), path.read_text()) for path in sorted(root.rglob("*.py"))}
    before = {(pair.first.name, pair.second.name) for pair in near_duplicates(files, outlines(files))}
    candidates = [
        (path, definition)
        for path, outlined in outlines(files).items()
        for definition in outlined.definitions
        if definition.kind == "function"
        and definition.parent is None
        and definition.end_line - definition.start_line >= MIN_PLANTED_LINES
        and definition.branches >= 2
    ]
    originals = candidates[:: len(candidates) // PLANTED][:PLANTED]
    copies = {
        f"planted/copy_{number}.py": renamed(textwrap.dedent(files[path].quote(one.start_line, one.end_line)))
        for number, (path, one) in enumerate(originals)
    }
    assert len(copies) == PLANTED
    files |= {path: source(path, text) for path, text in copies.items()}
    pairs = near_duplicates(files, outlines(files))
    matched = {
        number
        for number, (path, one) in enumerate(originals)
        if any(
            {(pair.first.path, pair.first.name), (pair.second.path)} >= {(path, one.qualified_name)}
            and pair.second.path == f"planted/copy_{number}.py"
            for pair in pairs
        )
    }
    assert len(matched) >= 9
    others = {(pair.first.name, pair.second.name) for pair in pairs if "planted/" not in pair.second.path}
    assert others == before


BODY = """
        total = 0
        for item in items:
            if item.price > limit:
                total += item.price * item.count
            elif item.discount:
                total -= item.discount
        return total, len(items), sorted(items, key=lambda item: item.price)
"""


def test_a_class_is_no_duplicate_of_its_own_method() -> None:
    files = {"a.py": source("a.py", f"class Cart:\n    def total(self, items, limit):{BODY}")}
    assert near_duplicates(files, outlines(files)) == []


def test_of_two_copied_classes_their_methods_are_not_told_again() -> None:
    methods = f"    def total(self, items, limit):{BODY}\n    def other(self, items, limit):{BODY}"
    files = {name: source(name, f"class {name[0].upper()}:\n{methods}") for name in ("a.py", "b.py")}
    pairs = near_duplicates(files, outlines(files))
    between = [pair for pair in pairs if pair.first.path != pair.second.path]
    assert [(pair.first.name, pair.second.name, pair.similarity) for pair in between] == [("A", "B", 1.0)]


def test_a_thousand_copies_do_no_harm() -> None:
    copies = "\n".join(f"def copy_{number}(items, limit):{textwrap.dedent(BODY)}" for number in range(1_000))
    text = "\n".join(line if line.startswith("def") else f"    {line}" for line in copies.splitlines())
    files = {"a.py": source("a.py", text)}
    assert near_duplicates(files, outlines(files)) == []  # It is boilerplate, which a tool has made.


def test_openings_without_an_end_do_no_harm() -> None:
    for opening in ("/*", '"""', "'''", '"\\"', "`"):
        text = "function a() {\n" + f"{opening * 1_000}\n" * 60 + "}\n"
        files = {"a.js": source("a.js", text)}
        near_duplicates(files, outlines(files))
