"""JSON as people have it: lines, lists, documents, and lines that do not fit."""

import json
import tracemalloc
from pathlib import Path

import pytest

from nlp2filters.data import Notes, Row, open_source

ROWS: list[dict[str, object]] = [{"a": 1, "b": 'x, "y" {z}'}, {"a": 2.5, "b": None}]


def read(content: str | bytes, media_type: str | None = None) -> tuple[list[Row], Notes]:
    with open_source(content.encode() if isinstance(content, str) else content, media_type) as source:
        return list(source.rows), source.notes


@pytest.mark.parametrize(
    "content",
    [
        json.dumps(ROWS),
        json.dumps(ROWS, indent=4),
        " \n" + json.dumps(ROWS) + " \n",
        "\n".join(map(json.dumps, ROWS)),
        "\r\n\r\n".join(map(json.dumps, ROWS)),
        json.dumps({"data": ROWS}),
        json.dumps({"status": "ok", "response": {"count": 2, "results": ROWS, "errors": []}}, indent=1),
        json.dumps([["a", "b"], *(list(row.values()) for row in ROWS)]),
        json.dumps({"a": [1, 2.5], "b": [ROWS[0]["b"], None]}),
        "\ufeff" + json.dumps(ROWS),
    ],
    ids=["list", "indented", "blanks", "lines", "blank lines", "wrapped", "deep", "lists", "columns", "mark"],
)
def test_every_form_has_the_same_rows(content: str) -> None:
    assert read(content)[0] == ROWS
    assert read(content.removeprefix("\ufeff").encode("utf-16"), "application/json")[0] == ROWS


def test_the_list_that_was_read_is_named() -> None:
    _, notes = read(json.dumps({"about": {"n": [{"x": 1}]}, "items": ROWS}))
    assert notes.sentences() == ["The rows are the list 'items'; the rest of the document is left out."]


@pytest.mark.parametrize(
    ("content", "rows"),
    [
        ('{"a": 1}', [{"a": 1}]),
        ('{"a": 1,\n "b": [{"c": 1}, 2]}', [{"a": 1}]),
        ('{"a": 1, "parts": [{"n": 1}]}\n{"a": 2, "parts": []}\n', [{"a": 1}, {"a": 2, "parts": []}]),
        ("[]", []),
        ("", []),
        ('[{"a": NaN}]', None),
        ('{"a": NaN}\n{"a": 1}\n', None),
    ],
)
def test_other_documents(content: str, rows: list[Row] | None) -> None:
    assert rows is None or read(content, "application/json")[0] == rows
    assert rows is not None or str(read(content)[0][0]["a"]) == "nan"


def test_lines_that_do_not_fit_are_counted_and_named() -> None:
    rows, notes = read('{"a": 1}\n{"a": 2\n[3]\n{"a": 4}\n{"a": 5}\n')
    assert [row["a"] for row in rows] == [1, 4, 5]
    assert notes.sentences() == ["2 of 5 lines are no JSON objects and are left out: lines 2 and 3."]


def test_a_first_line_that_is_broken_costs_itself_only() -> None:
    rows, _ = read('{"a" 1}\n{"a": 2}\n{"a": 3}\n')
    assert [row["a"] for row in rows] == [2, 3]


@pytest.mark.parametrize("block", [1, 2, 3, 7, 64])
def test_a_list_is_read_in_blocks_of_any_size(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nlp2filters.data.json_rows._BLOCK", block)
    assert read(json.dumps(ROWS, indent=2))[0] == ROWS


def test_memory_does_not_grow_with_a_list(tmp_path: Path) -> None:
    path = tmp_path / "things.json"
    with path.open("w") as file:
        file.write("[")
        file.writelines('{"a": "%s"},\n' % ("x" * 100) for _ in range(50_000))
        file.write('{"a": 1}]')
    tracemalloc.start()
    try:
        with open_source(path) as source:
            assert sum(1 for _ in source.rows) == 50_001
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 3_000_000 < path.stat().st_size
