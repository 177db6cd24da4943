"""`nlp2filters catalog infer` as somebody types it."""

from pathlib import Path

import orjson
import pytest

from nlp2filters.cli.main import main
from nlp2filters.core import catalog as catalogs

CSV = "brand,price (USD),weight_kg\nSony,9.50,1.5\nBose,12,2\nSony,3,1\nBose,4,1\n"


@pytest.fixture
def things(tmp_path: Path) -> Path:
    path = tmp_path / "things.csv"
    path.write_text(CSV)
    return path


def test_a_catalog_is_printed(things: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["catalog", "infer", str(things)]) == 0
    printed = capsys.readouterr()
    catalog = catalogs.parse(orjson.loads(printed.out))
    assert catalog.name == "things"
    assert [(field.type, field.currency, field.unit) for field in catalog.fields] == [
        ("keyword", None, None),
        ("money", "USD", None),
        ("number", None, "kg"),
    ]
    assert "4 rows" in printed.err


def test_a_catalog_is_written(things: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "catalog.json"
    assert main(["catalog", "infer", str(things), "--name", "shop", "--out", str(out)]) == 0
    assert catalogs.parse(orjson.loads(out.read_bytes())).name == "shop"
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["/nowhere.csv"], "/nowhere.csv: No such file or directory."),
        (["{things}", "--out", "/nowhere/c.json"], "/nowhere/c.json: No such file or directory."),
        (["{things}", "--table", "t"], "no tables"),
    ],
)
def test_what_goes_wrong_is_said(
    arguments: list[str], said: str, things: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["catalog", "infer", *(part.format(things=things) for part in arguments)]) == 1
    assert said in capsys.readouterr().err


def test_a_catalog_needs_rows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty.csv").write_text("")
    assert main(["catalog", "infer", str(tmp_path / "empty.csv")]) == 1
    assert "/fields" in capsys.readouterr().err
