"""Rows from files and databases as people have them."""

import datetime as dt
import sqlite3
import tracemalloc
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
import sqlalchemy as sa

from nlp2filters.data import open_source
from nlp2filters.errors import SourceError


def rows(address: Path | str, table: str | None = None) -> list[dict[str, object]]:
    with open_source(address, table=table) as source:
        return [dict(row) for row in source.rows]


def written(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("a,b\n1,x\n2,\n", [{"a": "1", "b": "x"}, {"a": "2", "b": ""}]),
        ("\ufeffa;b\r\n1,5;x\r\n", [{"a": "1,5", "b": "x"}]),
        ("a\tb\n1\tx\n", [{"a": "1", "b": "x"}]),
        ('a,b\n"two\nlines","say ""hi"""\n\n', [{"a": "two\nlines", "b": 'say "hi"'}]),
        ("a,b\n1\n", [{"a": "1"}]),
        ("a,b,\n1,x,\n", [{"a": "1", "b": "x"}]),
        ("a\n1,,\n", [{"a": "1"}]),
        ("", []),
    ],
    ids=["commas", "semicolons and a mark", "tabs", "quotes", "a short line", "comma at the end", "blanks", "nothing"],
)
def test_csv(tmp_path: Path, content: str, expected: list[dict[str, object]]) -> None:
    assert rows(written(tmp_path / "things.csv", content)) == expected


def test_json_lines(tmp_path: Path) -> None:
    lines = '{"a": 1, "at": {"city": "Rome", "zip": null}, "parts": [{"n": 1}]}\n\n{"a": ["x", "y"]}\n'
    path = written(tmp_path / "things.jsonl", lines)
    assert rows(path) == [{"a": 1, "at.city": "Rome", "at.zip": None}, {"a": ["x", "y"]}]


def test_parquet(tmp_path: Path) -> None:
    duckdb.execute(
        """
        COPY (
            SELECT 1 AS n, 9.50::DECIMAL(9, 2) AS price, DATE '2026-01-02' AS day, ['x'] AS tags,
                {'city': 'Rome'} AS "at", 'a'::BLOB AS photo
            UNION ALL SELECT NULL, 3.00, NULL, [], {'city': 'Bern'}, 'b'::BLOB
        ) TO '$path' (FORMAT parquet)
        """.replace("$path", str(tmp_path / "things.parquet"))
    )
    assert rows(tmp_path / "things.parquet") == [
        {"n": 1, "price": Decimal("9.50"), "day": dt.date(2026, 1, 2), "tags": ["x"], "at.city": "Rome"},
        {"n": None, "price": Decimal("3.00"), "day": None, "tags": [], "at.city": "Bern"},
    ]


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """Two tables: `things` with a boolean, a day and a binary column, and one with a name to quote."""
    path = tmp_path / "shop.db"
    connection = sqlite3.connect(path)
    connection.executescript(
        """
        CREATE TABLE things (id INTEGER PRIMARY KEY, price NUMERIC(9, 2), wireless BOOLEAN, released DATE, photo BLOB);
        INSERT INTO things VALUES (1, 9.5, 1, '2026-01-02', x'00'), (2, NULL, 0, NULL, NULL);
        CREATE TABLE "odd ""name" (a);
        INSERT INTO "odd ""name" VALUES ('x'), (2);
        """
    )
    connection.close()
    return path


def test_a_sqlite_file(database: Path) -> None:
    assert rows(database, "things") == [
        {"id": 1, "price": 9.5, "wireless": True, "released": "2026-01-02"},
        {"id": 2, "price": None, "wireless": False, "released": None, "photo": None},
    ]
    assert rows(database, 'odd "name') == [{"a": "x"}, {"a": 2}]


def test_an_sqlalchemy_url(database: Path) -> None:
    first, second = rows(f"sqlite:///{database}", "things")
    assert first == {"id": 1, "price": Decimal("9.50"), "wireless": True, "released": dt.date(2026, 1, 2)}
    assert second["wireless"] is False


def test_the_format_is_known_by_its_content(database: Path, tmp_path: Path) -> None:
    renamed = database.rename(tmp_path / "shop.backup")
    assert len(rows(renamed, "things")) == 2


def test_the_only_table_needs_no_name(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "one.db")
    connection.execute("CREATE TABLE only_one (a)")
    connection.close()
    with open_source(str(tmp_path / "one.db")) as source:
        assert (source.name, source.total, list(source.rows)) == ("only_one", 0, [])


def test_progress_is_told_in_the_units_of_the_total(tmp_path: Path) -> None:
    path = written(tmp_path / "things.csv", "a\n" + "1234567\n" * 50_000)
    with open_source(str(path)) as source:
        assert (source.name, source.total) == ("things", path.stat().st_size)
        for _ in range(25_000):
            next(source.rows)
        assert source.position() == pytest.approx(source.total / 2, rel=0.1)
        list(source.rows)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", "a,b\n1,2,3\n", "Line 2 has 3 cells, the header 2"),
        ("a.csv", "a\n" + "x" * 200_000, "Line 2 is no CSV"),
        ("a.jsonl", '{"a": 1}\n[1]\n[2]\n', "Line 2 is no JSON object.+2 of 3 lines"),
        ("a.jsonl", '{"a": 1}\n{"a"\n{"a"\n', "Line 2 is no JSON:"),
        ("a.json", "{'a': 1}", "no JSON"),
        ("a.json", "[1]", "Item 1 of the list is no JSON object"),
        ("a.json", '[{"a": 1}, {"a"', "The list ends early"),
        ("a.json", '[{"a": 1} {"a": 2}]', "a comma is missing"),
        ("a.json", '"a"', "no rows"),
        ("a.parquet", "PAR1 and no more", "no Parquet"),
        ("a.db", "SQLite format 3\0 and no more", "The database cannot be read"),
        ("a.xlsx", "PK\3\4 and no more", "no Excel workbook"),
        ("a.xlsx", b"\0\1\2", "the format is not known"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(tmp_path: Path, name: str, content: str | bytes, said: str) -> None:
    with pytest.raises(SourceError, match=said):
        rows(written(tmp_path / name, content))


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("/nowhere/a.csv", "No such file"),
        ("nosuch://host/db", "The database cannot be read"),
        ("sqlite:////nowhere/a.db", "unable to open database file"),
    ],
)
def test_what_is_not_there_is_said(address: str, said: str) -> None:
    with pytest.raises(SourceError, match=said):
        rows(address)


def test_a_missing_driver_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def create_engine(url: str) -> Any:
        raise ImportError("No module named 'psycopg'")

    monkeypatch.setattr(sa, "create_engine", create_engine)
    with pytest.raises(SourceError, match="psycopg"):
        rows("postgresql+psycopg://host/db")


def test_tables_are_listed_where_one_must_be_named(database: Path) -> None:
    with pytest.raises(SourceError, match=r'Name a table. There are: odd "name, things.'):
        rows(database)
    with pytest.raises(SourceError, match="There is no table 'other'"):
        rows(f"sqlite:///{database}", "other")
    with pytest.raises(SourceError, match="no tables to choose from"):
        rows(written(database.with_suffix(".csv"), "a\n"), "things")


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".db"])
def test_memory_does_not_grow_with_the_rows(tmp_path: Path, suffix: str) -> None:
    path, count = tmp_path / f"things{suffix}", 50_000
    if suffix == ".db":
        connection = sqlite3.connect(path)
        connection.execute("CREATE TABLE things (a)")
        connection.executemany("INSERT INTO things VALUES (?)", (("x" * 100,) for _ in range(count)))
        connection.commit()
        connection.close()
    else:
        line = "x" * 100 if suffix == ".csv" else '{"a": "%s"}' % ("x" * 100)
        path.write_text(f"a\n{line}\n" if suffix == ".csv" else f"{line}\n")
        with path.open("a") as file:
            file.writelines(f"{line}\n" for _ in range(count - 1))
    tracemalloc.start()
    try:
        with open_source(str(path)) as source:
            assert sum(1 for _ in source.rows) == count
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1_000_000 < path.stat().st_size
