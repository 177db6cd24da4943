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


def test_notes_are_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "report.csv"
    path.write_bytes("Umsätze 2024;\nstadt;preis\nMünchen;1,50\nKöln;2,50\nKöln;2;5\n".encode("cp1252"))
    assert main(["catalog", "infer", str(path)]) == 0
    printed = capsys.readouterr()
    assert [field["name"] for field in orjson.loads(printed.out)["fields"]] == ["stadt", "preis"]
    for sentence in (
        "1 of 3 lines has too many cells and is left out: line 5.",
        "The text's encoding is windows-1252: if letters look wrong, name another one with --encoding.",
        "Cells are separated by semicolons.",
        "The text above the header is no row: 'Umsätze 2024'.",
    ):
        assert sentence in printed.err
    assert main(["catalog", "infer", str(path), "--encoding", "iso-8859-2"]) == 0
    assert "iso-8859-2" in capsys.readouterr().err


def test_a_catalog_is_written(things: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "catalog.json"
    assert main(["catalog", "infer", str(things), "--name", "shop", "--out", str(out)]) == 0
    assert catalogs.parse(orjson.loads(out.read_bytes())).name == "shop"
    assert capsys.readouterr().out == ""


def test_what_a_column_lost_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = tmp_path / "orders.csv"
    table.write_text("size,sent,kind\n1,01/02/2024,a\nmany,03/04/2024,a\n3,05/06/2024,N/A\n")
    assert main(["catalog", "infer", str(table)]) == 0
    printed = capsys.readouterr().err
    assert "size (text): 1 of 3 cells is no number: 'many'." in printed
    assert "sent (date): Does the day or the month come first in '01/02/2024'?" in printed
    assert "kind (keyword): 1 of 3 cells is unknown: 'N/A'." in printed
    assert main(["catalog", "infer", str(table), "--why", "--date-order", "day"]) == 0
    printed = capsys.readouterr().err
    assert "sent: date; 3 cells with a value, 0 without, 3 different" in printed
    assert "The day comes first" in printed


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
