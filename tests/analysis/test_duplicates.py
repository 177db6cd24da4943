"""Near duplicates: renamed copies are found, and nothing is a duplicate of what is in it."""

import textwrap
from importlib.resources import files
from pathlib import Path

from nlp2filters.analysis.duplicates import near_duplicates
from nlp2filters.analysis.languages import language_of
from nlp2filters.analysis.outlines import Outline, outline
from nlp2filters.analysis.sources import SourceFile
from tests.analysis.packing import source
from tests.analysis.renaming import functions, renamed_copy

PLANTED = 50


def outlines(files: dict[str, SourceFile]) -> dict[str, Outline]:
    return {path: outline(file, language_of(path)) for path, file in files.items()}


def test_renamed_copies_in_the_code_of_others_are_found() -> None:
    root = Path(str(files("starlette")))
    sources = {str(path.relative_to(root)): source(str(path), path.read_text()) for path in sorted(root.rglob("*.py"))}
    before = {(pair.first, pair.second) for pair in near_duplicates(sources, outlines(sources))}
    originals = [(path, text) for path, file in sources.items() for text in functions(file.text)]
    originals = originals[:: len(originals) // PLANTED][:PLANTED]
    planted = {f"planted/{number}.py": renamed_copy(text) for number, (_, text) in enumerate(originals)}
    everything = sources | {path: source(path, text) for path, text in planted.items()}
    pairs = near_duplicates(everything, outlines(everything))
    told = {(pair.first.path, pair.second.path) for pair in pairs}
    hits = sum((path, copy) in told for (path, _), copy in zip(originals, planted, strict=True))
    assert hits >= 0.9 * PLANTED
    others = {(pair.first, pair.second) for pair in pairs if not pair.second.path.startswith("planted/")}
    assert others <= before, "what a copy makes common is no new pair"


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
