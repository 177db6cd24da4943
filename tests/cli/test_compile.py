"""`nlp2filters compile` as somebody types it."""

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from nlp2filters.cli.main import main
from tests.service import started

Run = Callable[..., tuple[int, str, str]]
CATALOG = {"name": "shop", "fields": [{"name": "price", "type": "money", "currency": "USD"}]}


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NLP2FILTERS_SERVER", "NLP2FILTERS_API_KEY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command; gives the exit code and what it wrote."""

    def run(*words: str) -> tuple[int, str, str]:
        try:
            code = main(words)
        except SystemExit as exc:
            code = int(str(exc.code))
        written = capsys.readouterr()
        return code, written.out, written.err

    return run


def test_a_text(run: Run) -> None:
    code, out, err = run(
        "compile", "Miles_per_Gallon >= 30", "--catalog", "cars", "--sort", "Horsepower:desc", "--limit", "3"
    )
    assert (code, err) == (0, "")
    assert out.startswith("Fuel economy is at least 30 mpg; sorted by horsepower, highest first; the first 3.")
    assert ":p_1 = 30" in out


def test_json_from_standard_input(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "shop.json"
    file.write_text(json.dumps(CATALOG))
    monkeypatch.setattr("sys.stdin", io.StringIO('{"op": "<", "args": [{"property": "price"}, 5]}'))
    code, out, err = run(
        "compile", "-", "--catalog", str(file), "--dialect", "cql2-text", "--scope", "price > 1", "--json"
    )
    assert (code, err) == (0, "")
    assert json.loads(out)["dialects"]["cql2-text"]["filter"] == "price > 1 AND price < 5"


@pytest.mark.parametrize(
    ("words", "detail"),
    [
        (("Miles > 1",), "There is no field 'Miles'"),
        (("Cylinders >",), "Expected a property"),
        (('{"op": ',), "begins like JSON"),
        (("Cylinders > 1", "--timezone", "Mars"), "unknown time zone"),
        (("Cylinders > 1", "--sort", "Miles"), "There is no field 'Miles'"),
    ],
)
def test_a_faulty_command(run: Run, words: tuple[str, ...], detail: str) -> None:
    code, out, err = run("compile", *words, "--catalog", "cars")
    assert (code, out) == (2, "")
    assert detail in err


def test_by_a_service(run: Run, tmp_path: Path) -> None:
    with started(tmp_path, "web") as service:
        here = run("compile", "Cylinders = 8", "--catalog", "cars", "--json")
        assert run("compile", "Cylinders = 8", "--catalog", "cars", "--json", "--server", service.url) == here
        code, _, err = run("compile", "Cylinders = 'x'", "--catalog", "cars", "--server", service.url)
        assert (code, "Expected a number" in err) == (2, True)
