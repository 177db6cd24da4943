"""`nlp2filters eval` as somebody types it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from nlp2filters.cli.main import main
from tests.peers import llm as peer
from tests.peers.llm import LLM

CATALOGS = [
    {
        "name": "shop",
        "fields": [
            {"name": "brand", "type": "keyword", "closed": True, "values": ["Sony", "Bose"]},
            {"name": "price", "type": "money", "currency": "USD"},
        ],
    }
]
BOSE = {"op": "=", "args": [{"property": "brand"}, "Bose"]}
CHEAP = {"op": "<", "args": [{"property": "price"}, 80]}
CASES = [
    {"id": "1", "catalog": "shop", "category": "list", "text": "bose", "expected": {"filter": BOSE}},
    {"id": "2", "catalog": "shop", "category": "money", "text": "under $80", "expected": {"filter": CHEAP}},
    {"id": "3", "catalog": "shop", "category": "money", "text": "under $90", "expected": {"filter": CHEAP}},
]
ANSWER = {
    "conditions": [{"field": "brand", "op": "=", "value": "Bose", "quote": "bose", "group": 0, "confidence": 0.9}],
    "sort": [],
    "limit": None,
    "text": "",
    "ignored": [],
    "clarification": None,
}


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    """The arguments that name the cases and their catalogs."""
    cases, catalogs = tmp_path / "cases.jsonl", tmp_path / "catalogs.json"
    cases.write_bytes(b"\n".join(map(orjson.dumps, CASES)))
    catalogs.write_bytes(orjson.dumps(CATALOGS))
    return [str(cases), "--catalogs", str(catalogs)]


@pytest.fixture
def llm(monkeypatch: pytest.MonkeyPatch) -> Iterator[LLM]:
    with peer.running() as llm:
        monkeypatch.setenv("OPENAI_BASE_URL", llm.url)
        monkeypatch.setenv("LLM_MODEL", "test")
        monkeypatch.setenv("LLM_CONCURRENCY", "1")  # the answers are in the order of the cases
        yield llm


def rows(printed: str) -> dict[str, list[str]]:
    """The cells of the printed table, by category."""
    lines = [line.split() for line in printed.replace("┃", "│").replace("│", " ").splitlines()]
    return {line[0]: line[1:] for line in lines if len(line) == 9}


def test_the_parser_alone(files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, chart = tmp_path / "out.jsonl", tmp_path / "chart.html"
    assert main(["eval", *files, "--no-embedding", "--out", str(out), "--chart", str(chart)]) == 0
    table = rows(capsys.readouterr().out)
    assert {name: cells[:3] for name, cells in table.items()} == {
        "list": ["1", "100.0", "100.0"],
        "money": ["2", "50.0", "50.0"],
        "all": ["3", "66.7", "66.7"],
    }
    predictions = [orjson.loads(line) for line in out.read_bytes().splitlines()]
    assert [line["exact"] for line in predictions] == [True, True, False]
    assert predictions[1]["conditions"] == [{"field": "price", "op": "lt", "value": 80, "confidence": 0.95}]
    assert predictions[1]["reading"]["filter"] == CHEAP
    assert "money (2)" in chart.read_text()


def test_with_the_model(
    files: list[str], model_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MODEL_PATH", str(model_folder))
    assert main(["eval", *files]) == 0
    assert rows(capsys.readouterr().out)["all"][1] == "66.7"


def test_an_llm_its_tokens_and_what_they_cost(
    files: list[str], llm: LLM, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    llm.script(peer.good(ANSWER), peer.unauthorized)
    out = tmp_path / "out.jsonl"
    options = ["--no-embedding", "--provider", "openai", "--price", "1", "2", "--out", str(out)]
    assert main(["eval", *files, *options]) == 0
    printed = capsys.readouterr().out
    assert "input tokens" in printed
    assert "a text" in printed
    assert "without a usable answer" in printed
    predictions = [orjson.loads(line) for line in out.read_bytes().splitlines()]
    assert sorted(line["degraded"] for line in predictions) == [False, True, True]
    assert all(line["reading"]["conditions"] for line in predictions)  # the draft stands where the LLM fails


def test_readers_side_by_side(
    files: list[str], llm: LLM, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def answer(quote: str, **condition: Any) -> peer.Reply:
        return peer.good({"conditions": [{"quote": quote, "group": 0, "confidence": 0.9, **condition}]})

    bose = answer("bose", field="brand", op="=", value="Bose")
    under_80 = answer("under $80", field="price", op="<", value=80)
    # It reads "under $90" as the case means it only if it is given the draft.
    alone, with_draft = (answer("under $90", field="price", op="<", value=value) for value in (90, 80))
    llm.script(bose, bose, under_80, under_80, alone, with_draft)
    monkeypatch.setenv("LLM_PRICES", "test=1000/2000")
    assert main(["eval", *files, "--no-embedding", "--provider", "openai", "--compare", "--recall"]) == 0
    printed = capsys.readouterr().out
    table = {line[0]: line[1:] for line in _cells(printed) if len(line) == 10}
    assert {name: (row[0], *row[5:]) for name, row in table.items() if name != "read by"} == {
        "built-in": ("66.7", "0", "0", "0.0000", "0"),
        "LLM": ("66.7", "30", "15", "0.0600", "0"),
        "LLM with draft": ("100.0", "30", "15", "0.0600", "0"),
        # The parser was certain of all three texts, so that no call would have been made.
        "auto": ("66.7", "0", "0", "0.0000", "0"),
    }
    drafts = ["draft_by_rules" in request["messages"][-1]["content"] for request in llm.requests]
    assert drafts == [False, True] * 3
    assert "The parser is certain of 3 of 3 texts (100.0%); it reads 66.7% of these exactly." in printed
    assert "Recall of 1 known values by words and spelling alone: @1 100.0%" in printed


def _cells(printed: str) -> list[list[str]]:
    """The cells of each line of a table."""
    lines = printed.replace("┃", "│").splitlines()
    return [[cell.strip() for cell in line.strip("│").split("│")] for line in lines if "│" in line]


def test_comparing_needs_an_llm(files: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["eval", *files, "--no-embedding", "--compare"]) == 1
    assert "--provider" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--provider", "openai"], 2, "LLM_MODEL"),
        (["--catalogs", "/nowhere.json"], 1, "/nowhere.json: No such file or directory."),
    ],
)
def test_what_is_missing_is_said(
    arguments: list[str], code: int, said: str, files: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["eval", *files, "--no-embedding", *arguments]) == code
    assert said in capsys.readouterr().err
