"""CSV as people have it: every delimiter, quote, encoding and header, and lines that do not fit."""

import codecs
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nlp2filters.data import Notes, Row, open_source
from nlp2filters.data.dialect import sniff
from nlp2filters.errors import SourceError


def read(content: str | bytes, encoding: str | None = None) -> tuple[list[Row], Notes]:
    content = content.encode() if isinstance(content, str) else content
    with open_source(content, "text/csv", encoding=encoding) as source:
        return list(source.rows), source.notes


@pytest.mark.parametrize(
    ("content", "delimiter", "first"),
    [
        ("a;b\n1,5;x\n2,5;y\n", ";", {"a": "1,5", "b": "x"}),
        (
            "name;price;day\nA;1,50;01.02.2024\nB;2,75;03.02.2024\n",
            ";",
            {"name": "A", "price": "1,50", "day": "01.02.2024"},
        ),
        ("a|b\n1|x\n", "|", {"a": "1", "b": "x"}),
        ("a^b\n1^x\n", "^", {"a": "1", "b": "x"}),
        ("id\ttext\n1\thello, world, how\n2\tfine, thanks\n", "\t", {"id": "1", "text": "hello, world, how"}),
        ('name,tags\nA,"x|y|z"\nB,r|s|t\n', ",", {"name": "A", "tags": "x|y|z"}),
        ('id,text\n1,"a; b; c"\n2,f; g; h\n', ",", {"id": "1", "text": "a; b; c"}),
        ("when,what\n10:30,a\n11:45,b\n", ",", {"when": "10:30", "what": "a"}),
        ("a    b   c\n1    2   3\n44   55  66\n", " ", {"a": "1", "b": "2", "c": "3"}),
        ("city\nNew York\nLos Angeles\n", None, {"city": "New York"}),
        ("note\nhello, you\nfine, thanks\nyes\n", None, {"note": "hello, you"}),
        ('note\n"a, b"\n"c"\n', ",", {"note": "a, b"}),
        ("preis\n1,50\n2,75\n", None, {"preis": "1,50"}),
        ("sep=;\nname;city\nA;Rome\n", ";", {"name": "A", "city": "Rome"}),
        ("sep=|\r\nname|city\r\nA|a;b\r\n", "|", {"name": "A", "city": "a;b"}),
    ],
)
def test_the_delimiter_is_found(content: str, delimiter: str | None, first: Row) -> None:
    rows, notes = read(content)
    assert rows[0] == first
    assert notes.delimiter == delimiter


@pytest.mark.parametrize(
    ("content", "cell"),
    [
        ('a,b\nx, "big, sunny"\ny, "small"\n', "big, sunny"),
        ("a,b\n1,'x, y'\n2,'z, w'\n", "x, y"),
        ('a,b\n1,"say ""hi"", you"\n2,x\n', 'say "hi", you'),
        ('a,b\n1,"say \\"hi\\", you"\n2,"ok"\n', 'say "hi", you'),
        ('a,b\n1,5" pipe\n2,6" rod\n', '5" pipe'),
        ('a,b\n1,"x\ny\n\nz"\n2,q\n', "x\ny\n\nz"),
        ('a,b\n1,"{""n"": 1, ""m"": 2}"\n2,"{""n"": 3}"\n', '{"n": 1, "m": 2}'),
        ("a,b\n1,x\0y\n2,z\n", "xy"),
        ("a,b\r1,x\r2,y\r", "x"),
    ],
    ids=["blank before", "apostrophes", "doubled", "backslash", "inches", "lines", "JSON", "NUL", "old Mac"],
)
def test_quotes_and_their_escapes(content: str, cell: str) -> None:
    rows, notes = read(content)
    assert rows[0]["b"] == cell
    assert len(rows) == 2 and not notes.faults


@pytest.mark.parametrize(
    ("content", "line", "title"),
    [
        ("Sales report 2024,,\nname,city,price\nA,Rome,1\nB,Oslo,2\n", 2, "Sales report 2024"),
        ("Sales report 2024\n\nname,city,price\nA,Rome,1\nB,Oslo,2\n", 3, "Sales report 2024"),
        (
            "Report, of 2024-01-01\nBy: Ann\nname,city,price\nA,Rome,1\nB,Oslo,2\nC,Bern,3\n",
            3,
            "Report of 2024-01-01 By: Ann",
        ),
        ("# made by hand\nname,city\nA,Rome\nB,Oslo\n", 2, "# made by hand"),
        ("\n\nname,city\n\nA,Rome\n", 3, None),
        ("country,2019,2020\nIT,1,2\nFR,3,4\n", 1, None),
        ("name,city\n", 1, None),
        ("name,city,note\nA,Rome,\nB,Oslo,\n", 1, None),
        ("1,Rome,2.5\n2,Oslo,3.5\n", None, None),
        ("Rome,m\nOslo,f\nBern,m\nRome,f\n", None, None),
        ("7\n8\n", None, None),
        ("1e-02 2\n3e-01 4\n", None, None),
    ],
)
def test_the_header_is_found(content: str, line: int | None, title: str | None) -> None:
    rows, notes = read(content)
    assert (notes.header_line, notes.title) == (line, title)
    names = list(rows[0]) if rows else []
    assert names == [] or (line is None) == (names[0] == "column1")


@pytest.mark.parametrize(
    ("content", "row", "remark"),
    [
        ("price,price,name\n1,2,a\n", {"price": "1", "price_2": "2", "name": "a"}, "the second is now 'price_2'"),
        ("p,p,p_2\n1,2,3\n", {"p": "1", "p_3": "2", "p_2": "3"}, "the second is now 'p_3'"),
        (",a\n0,x\n1,y\n", {"a": "x"}, "Column 1 has no name and counts the rows"),
        (",a\nu,x\nv,y\n", {"column1": "u", "a": "x"}, "it is now 'column1'"),
        ("b,c,d\nA,1,2,3\nB,3,4,5\n", {"column1": "A", "b": "1", "c": "2", "d": "3"}, "it is now 'column1'"),
        ("1,x\n2,y\n", {"column1": "1", "column2": "x"}, "called column1 to column2"),
        ("1\n2\n", {"column1": "1"}, "No line looks like a header: the columns are called column1."),
        ("a,b,\n1,x,\n2,y,\n", {"a": "1", "b": "x"}, ""),
    ],
)
def test_every_column_gets_a_name_of_its_own(content: str, row: Row, remark: str) -> None:
    rows, notes = read(content)
    assert rows[0] == row
    assert remark in " ".join(notes.remarks)


UMLAUTS = "name;city\nJürgen;München\nZoë;Köln\n"


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        (UMLAUTS.encode(), "utf-8"),
        (UMLAUTS.encode("utf-8-sig"), "utf-8"),
        (UMLAUTS.encode("utf-16"), "utf-16"),
        (codecs.BOM_UTF16_BE + UMLAUTS.encode("utf-16-be"), "utf-16"),
        (UMLAUTS.encode("utf-16-le"), "utf-16"),
        (UMLAUTS.encode("utf-16-be"), "utf-16"),
        (UMLAUTS.encode("utf-32"), "utf-32"),
        (UMLAUTS.encode("cp1252"), "windows-1252"),
        (b"name;city\n" + b"A;B\n" * 100_000 + "Jürgen;München\n".encode("latin-1"), "windows-1252"),
    ],
)
def test_the_encoding_is_found(content: bytes, encoding: str) -> None:
    rows, notes = read(content)
    assert {"name": "Jürgen", "city": "München"} in rows
    assert notes.encoding == encoding


def test_the_encoding_may_be_named() -> None:
    content = "name;miasto\nŁukasz;Łódź\n".encode("iso-8859-2")
    assert read(content, "iso-8859-2")[0] == [{"name": "Łukasz", "miasto": "Łódź"}]
    with open_source(content, "text/csv; charset=ISO-8859-2") as source:
        assert next(source.rows)["name"] == "Łukasz"
    with pytest.raises(SourceError, match="There is no encoding 'iso-1'"):
        read(content, "iso-1")


def test_damaged_characters_do_not_change_the_encoding() -> None:
    rows, notes = read("name\nJürgen\nZoë\nAnaïs\n".encode() + b"Andr\xe9\n")
    assert [row["name"] for row in rows] == ["Jürgen", "Zoë", "Anaïs", "Andr\N{REPLACEMENT CHARACTER}"]
    assert notes.remarks == ["1 characters are damaged: they do not fit the encoding."]


def test_lines_that_do_not_fit_are_counted_and_named() -> None:
    lines = ["a,b,c"] + ["1,2,3"] * 405
    lines[16] = "1,2"
    lines[299] = "1,2,3,4"
    lines[300] = "5,6,7,8"
    rows, notes = read("\n".join(lines))
    assert len(rows) == 403
    assert notes.sentences() == [
        "1 of 405 lines has too few cells; those missing count as unknown: line 17.",
        "2 of 405 lines have too many cells and are left out: lines 300 and 301.",
    ]
    fault = notes.to_json()["faults"][1]
    assert (fault["fault"], fault["count"], fault["lines"]) == ("too-many-cells", 2, [300, 301])


def test_many_lines_are_not_all_named() -> None:
    _, notes = read("a,b\n" + "1,2\n" * 20 + "1,2,3\n" * 9)
    assert "lines 22, 23, 24, 25, 26 and 4 more" in notes.sentences()[0]


def test_a_repeated_header_is_no_row() -> None:
    rows, notes = read("name,n\nA,1\nname,n\nB,2\n")
    assert [row["name"] for row in rows] == ["A", "B"]
    assert notes.sentences() == ["1 of 3 lines repeats the header and is left out: line 3."]


@pytest.mark.parametrize(
    "broken",
    ['2,"x\n', '2,"x, y\n', '2,"x" y "z\n'],
)
def test_a_quote_that_is_never_closed_costs_its_line_only(broken: str) -> None:
    sound = "".join(f'{number},"a, {number}"\n' for number in range(1_000))
    rows, notes = read("n,t\n" + sound + broken + sound)
    assert len(rows) >= 2_000
    assert [row["t"] for row in rows[-3:]] == ["a, 997", "a, 998", "a, 999"]
    assert sum(lines.count for lines in notes.faults.values()) <= 1


def test_an_endless_cell_costs_its_line_only() -> None:
    rows, notes = read("n,t\n1,a\n2," + "x" * 200_000 + "\n3,c\n4,d\n")
    assert [row["n"] for row in rows] == ["1", "3", "4"]
    assert notes.sentences() == ["1 of 4 lines is too long and is left out: line 3."]


def test_a_line_may_be_of_any_length(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nlp2filters.data.csv_rows.MAX_LINE", 100)
    rows, notes = read("n,t\n1,a\n" + "x," * 500 + "\n3,c\n4,d\n")
    assert [row["n"] for row in rows] == ["1", "3", "4"]
    assert "line 3" in notes.sentences()[0]


@pytest.mark.parametrize(
    ("content", "error"),
    [
        ("a,b\n1,2,3\n", "Line 2 has 3 cells, the header 2."),
        ("a,b\n" + "1,2\n" * 300 + "1,2,3\n" * 2_000, "Line 302 has 3 cells, the header 2. So have 1,000 of 1,300"),
    ],
)
def test_a_table_most_of_whose_lines_do_not_fit_is_refused(content: str, error: str) -> None:
    with pytest.raises(SourceError, match=error):
        read(content)


@pytest.mark.parametrize("content", ["", "\n\n", "\ufeff", ",,\n,,\n", "\0\0"])
def test_a_table_without_cells_has_no_rows(content: str) -> None:
    assert read(content)[0] == []


def test_wide_tables() -> None:
    names = [f"name of a column {number}" for number in range(9_000)]
    row = ",".join(map(str, range(9_000)))
    rows, _ = read(",".join(names) + "\n" + f"{row}\n" * 20)
    assert len(rows) == 20
    assert list(rows[0]) == names


@pytest.mark.parametrize("content", ["a,b\n1,2\n", "x", "", "'\"", "sep=,", 'a,"b', "a b\n1 2\n"])
def test_any_beginning_has_a_dialect(content: str) -> None:
    assert sniff(content).delimiter


def test_a_file_is_read_as_its_content(tmp_path: Path) -> None:
    path: Any = tmp_path / "things.csv"
    path.write_text("a;b\n1;2\n")
    with open_source(path) as by_path, open_source(path.read_bytes()) as by_content:
        assert list(by_path.rows) == list(by_content.rows) == [{"a": "1", "b": "2"}]
        assert (by_path.name, by_content.name) == ("things", "table")


pieces = st.lists(
    st.sampled_from(
        [b"a", b"1", b",", b";", b'"', b"'", b"\n", b"\r", b" ", b"\t", b"\\", b"\0", b"\xff", b"\xfe", b"{", b"["]
    )
)


@settings(max_examples=500)
@given(pieces.map(b"".join), st.sampled_from(["text/csv", "application/json", "application/x-ndjson", None]))
def test_any_content_is_read_or_refused(content: bytes, media_type: str | None) -> None:
    try:
        with open_source(content, media_type) as source:
            for row in source.rows:
                assert all(isinstance(name, str) for name in row)
            assert source.notes.to_json()["rows"] >= 0
            assert all(source.notes.sentences())
    except SourceError as exc:
        assert str(exc)
