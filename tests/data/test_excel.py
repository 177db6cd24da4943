"""Excel workbooks as people have them: titles, several sheets, and tables of text under the name of a workbook."""

import datetime as dt
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path
from xml.sax.saxutils import escape

import pytest

from nlp2filters.data import open_source
from nlp2filters.errors import SourceError

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
# The style 1 is that of days.
STYLES = (
    f'<styleSheet xmlns="{MAIN}"><fonts><font/></fonts><fills><fill/></fills><borders><border/></borders>'
    '<cellStyleXfs><xf/></cellStyleXfs><cellXfs><xf numFmtId="0"/><xf numFmtId="14" applyNumberFormat="1"/></cellXfs>'
    "</styleSheet>"
)


def cell(value: object, place: str) -> str:
    match value:
        case None:
            return ""
        case bool():
            return f'<c r="{place}" t="b"><v>{value:d}</v></c>'
        case int() | float():
            return f'<c r="{place}"><v>{value}</v></c>'
        case dt.date():
            return f'<c r="{place}" s="1"><v>{(value - dt.date(1899, 12, 30)).days}</v></c>'
    return f'<c r="{place}" t="inlineStr"><is><t>{escape(str(value))}</t></is></c>'


def write(path: Path, **sheets: Sequence[Sequence[object]]) -> Path:
    """Write a workbook with these rows of cells."""
    parts = {
        "[Content_Types].xml": (
            f'<Types xmlns="{PACKAGE}/content-types"><Default Extension="xml" ContentType="application/xml"/></Types>'
        ),
        "_rels/.rels": (
            f'<Relationships xmlns="{PACKAGE}/relationships">'
            f'<Relationship Id="w" Type="{RELATIONS}/officeDocument" Target="xl/workbook.xml"/></Relationships>'
        ),
        "xl/styles.xml": STYLES,
    }
    names, relations = "", f'<Relationship Id="s" Type="{RELATIONS}/styles" Target="styles.xml"/>'
    for number, (name, rows) in enumerate(sheets.items(), 1):
        names += f'<sheet name="{name}" sheetId="{number}" r:id="r{number}"/>'
        relations += f'<Relationship Id="r{number}" Type="{RELATIONS}/worksheet" Target="sheet{number}.xml"/>'
        lines = (
            f'<row r="{line}">'
            + "".join(cell(value, f"{chr(65 + place)}{line}") for place, value in enumerate(row))
            + "</row>"
            for line, row in enumerate(rows, 1)
        )
        parts[f"xl/sheet{number}.xml"] = (
            f'<worksheet xmlns="{MAIN}"><sheetData>{"".join(lines)}</sheetData></worksheet>'
        )
    parts["xl/workbook.xml"] = f'<workbook xmlns="{MAIN}" xmlns:r="{RELATIONS}"><sheets>{names}</sheets></workbook>'
    parts["xl/_rels/workbook.xml.rels"] = f'<Relationships xmlns="{PACKAGE}/relationships">{relations}</Relationships>'
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in parts.items():
            file.writestr(name, content)
    return path


SALES: list[list[object]] = [
    ["Sales 2024", None, None, None],
    [None, None, None, None],
    ["city", "price", "day", "paid"],
    ["Rome", 2, dt.date(2024, 1, 2), True],
    ["Bern", 2.5, None, False],
]


def test_a_sheet_with_a_title(tmp_path: Path) -> None:
    with open_source(write(tmp_path / "sales.xlsx", Sheet1=SALES)) as source:
        assert list(source.rows) == [
            {"city": "Rome", "price": 2, "day": dt.date(2024, 1, 2), "paid": True},
            {"city": "Bern", "price": 2.5, "day": None, "paid": False},
        ]
        assert (source.name, source.notes.title, source.notes.header_line) == ("sales", "Sales 2024", 3)
        assert source.position() == 2 <= source.total


def test_the_first_sheet_with_a_table_is_read(tmp_path: Path) -> None:
    path = write(tmp_path / "sales.xlsx", About=[["By Ann"], ["in May"]], Sales=SALES, More=[["a", "b"], [1, 2]])
    with open_source(path) as source:
        assert len(list(source.rows)) == 2
        assert source.notes.remarks == ["The sheet 'Sales' was read, not 'About', 'More'."]
    with open_source(path.read_bytes(), table="More") as source:
        assert list(source.rows) == [{"a": 1, "b": 2}]
        assert source.name == "More"
    with (
        pytest.raises(SourceError, match="There is no sheet 'x'"),
        open_source(path, table="x"),
    ):
        pass


def test_a_workbook_without_cells(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no cells"), open_source(write(tmp_path / "a.xlsx", A=[])):
        pass


def test_a_workbook_that_unpacks_to_too_much(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nlp2filters.data.excel.MAX_UNPACKED", 1_000)
    path = write(tmp_path / "a.xlsx", A=[["x" * 10_000]])
    with pytest.raises(SourceError, match="Save it as CSV"), open_source(path):
        pass


def test_text_under_the_name_of_a_workbook(tmp_path: Path) -> None:
    (tmp_path / "a.xls").write_text("a\tb\n1\t2\n")
    with open_source(tmp_path / "a.xls") as source:
        assert list(source.rows) == [{"a": "1", "b": "2"}]


@pytest.mark.parametrize(("name", "format_"), [("a.xlsx", "Excel"), ("a.parquet", "Parquet")])
def test_a_missing_library_is_named(name: str, format_: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("duckdb", "python_calamine"):
        monkeypatch.setitem(sys.modules, module, None)
    path = write(tmp_path / "a.xlsx", A=SALES)
    path.rename(tmp_path / name) if name.endswith("xlsx") else (tmp_path / name).write_bytes(b"PAR1")
    with (
        pytest.raises(SourceError, match=rf"To read {format_}: pip install 'nlp2filters\[data\]'"),
        open_source(tmp_path / name),
    ):
        pass
