"""Which files of an archive are analysed."""

import pytest

from nlp2filters.analysis.selection import is_pattern
from tests.analysis.packing import choose

CODE = b"x = 1\n"


def test_gitignore_files_hold_for_their_folder() -> None:
    files = {
        ".gitignore": b"*.log\n/build/\n",
        "a.py": CODE,
        "a.log": CODE,
        "build/b.py": CODE,
        "src/build/c.py": CODE,
        "src/.gitignore": b"generated_*\n",
        "src/generated_d.py": CODE,
        "generated_e.py": CODE,
    }
    chosen, reasons = choose(files)
    assert {path for path in chosen if path.endswith(".py")} == {"a.py", "src/build/c.py", "generated_e.py"}
    assert reasons["src/generated_d.py"] == reasons["a.log"] == "A `.gitignore` file leaves it out."


def test_the_nearest_gitignore_decides() -> None:
    files = {".gitignore": b"*.log\n", "keep/.gitignore": b"!*.log\n", "keep/a.log": CODE, "b.log": CODE}
    chosen, reasons = choose(files)
    assert "keep/a.log" in chosen
    assert "b.log" in reasons


def test_lines_of_a_gitignore_that_nothing_can_read_are_passed_over() -> None:
    chosen, reasons = choose({".gitignore": b"!\n//\n\xff\n[\n*.log\n", "a.py": CODE, "a.log": CODE})
    assert "a.py" in chosen
    assert "a.log" in reasons


def test_a_pattern_that_nothing_can_read_is_told() -> None:
    assert is_pattern("src/**/*.py")
    assert not is_pattern("!")


def test_include_and_exclude_choose() -> None:
    files = {"src/a.py": CODE, "src/b.js": CODE, "tests/c.py": CODE}
    chosen, reasons = choose(files, include=["*.py"], exclude=["tests/"])
    assert set(chosen) == {"src/a.py"}
    assert reasons == {
        "src/b.js": "No pattern of `include` matches it.",
        "tests/c.py": "A pattern of `exclude` matches it.",
    }


@pytest.mark.parametrize("path", [".git/config", "a/node_modules/b/c.js", "x/__pycache__/a.py", ".venv/lib/a.py"])
def test_what_nobody_wants_analysed_is_skipped(path: str) -> None:
    assert choose({path: CODE})[1] == {path: "It belongs to version control, dependencies or caches."}


def test_what_no_person_wrote_is_skipped() -> None:
    files = {
        "empty.py": b" \n\n",
        "mark.py": b"\xef\xbb\xbf",
        "binary.py": b"x = '\0'\n",
        "minified.js": b"a" * 6_000 + b"\n",
        "huge.py": b"x = '" + b"y" * 1_900_000 + b"'\n",
    }
    assert choose(files) == (
        {},
        {
            "empty.py": "It is empty.",
            "mark.py": "It is empty.",
            "binary.py": "It is binary.",
            "minified.js": "A line is longer than 5,000 characters, so it was made by a tool.",
            "huge.py": "A line is longer than 5,000 characters, so it was made by a tool.",
        },
    )


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
def test_text_is_read_in_the_usual_encodings(encoding: str) -> None:
    chosen, _ = choose({"a.py": "# Größe\r\nx = 1\r\n".encode(encoding)})
    assert chosen["a.py"].lines == ("# Größe", "x = 1", "")
