"""Rows of real tables: converted in the types of their inferred catalogs, and selected by DuckDB.

The questions of `tables.json` have SQL that a person wrote; filters are those of the built-in parser.
"""

import datetime as dt
import shutil
from pathlib import Path
from typing import Any

import duckdb
import pytest

from nlp2filters.core import catalog as catalogs
from nlp2filters.core import languages
from nlp2filters.core.dialects.sql import clauses as sql
from nlp2filters.core.interpretation import resolve, to_json
from nlp2filters.core.linking import Lexicon
from nlp2filters.core.parser import parse
from nlp2filters.errors import InvalidRequest
from nlp2filters.table_inference import TableOptions
from nlp2filters.table_rows import convert, database, select
from tests.data.test_tables import FOLDER, IDS, TABLES, TODAY, read, row_numbers

NOW = dt.datetime.combine(TODAY, dt.time(), dt.UTC).isoformat()


def report(rows: int, share: float) -> None:
    """Nobody follows."""


def converted(tmp_path: Path, file: str, content: bytes, catalog: dict[str, Any], **options: Any) -> dict[str, Any]:
    path = tmp_path / file
    path.write_bytes(content)
    return convert(path, report, media_type=None, options=TableOptions("rows", **options), catalog=catalog)


def selected(tmp_path: Path, catalog: dict[str, Any], **query: Any) -> dict[str, Any]:
    return select(tmp_path / "rows.parquet", report, query=query, catalog=catalog, now=NOW)


@pytest.mark.parametrize("index", range(0, len(TABLES), 2), ids=IDS[::2])
def test_the_rows_of_a_question_are_those_of_its_filter_elsewhere(index: int, tmp_path: Path) -> None:
    """SQLite has the same table in the types that a person gave it."""
    table = TABLES[index]
    _, _, catalog = read(table["file"], table.get("table"))
    if any(table["types"][field.name] not in (field.type, "number") for field in catalog.fields):
        pytest.skip("a person gave it other types")
    document = catalogs.to_json(catalog)
    shutil.copy(FOLDER / "files" / table["file"], tmp_path)
    options = TableOptions("rows", table=table.get("table"))
    outcome = convert(tmp_path / table["file"], report, media_type=None, options=options, catalog=document)
    assert outcome["rows"] == table["rows"]
    for question in table["questions"]:
        reading = resolve(parse(question["text"], Lexicon.of(catalog, languages.of("en")), today=TODAY), TODAY)
        if reading.filter:
            expected = row_numbers(index, sql.where_clause(reading.filter, catalog))
            result = selected(tmp_path, document, filter=to_json(reading)["filter"], page_size=1)
            assert (result["count"], result["total"]) == (len(expected), table["rows"]), question["text"]


TABLE = (
    "Name;Preis (EUR);Größe;geliefert;Versand;A;a\n"
    "Lampe;1.234,50;2 kg;31.12.2024;ja;1;x\n"
    "Tisch;99,00;500 g;01.02.2025;nein;2;y\n"
    "Stuhl;N/A;1 kg;;ja;3;z\n"
).encode()


@pytest.fixture
def german(tmp_path: Path) -> dict[str, Any]:
    from nlp2filters.table_inference import infer_table

    catalog: dict[str, Any] = infer_table(TABLE, "text/csv", TableOptions("lager"))["catalog"]
    assert converted(tmp_path, "lager.csv", TABLE, catalog)["rows"] == 3
    return catalog


def test_cells_are_read_as_inference_has_understood_them(tmp_path: Path, german: dict[str, Any]) -> None:
    first, second, third = selected(tmp_path, german)["rows"]
    assert first == {
        "Name": "Lampe", "Preis (EUR)": 1234.5, "Größe": 2, "geliefert": "2024-12-31", "Versand": True, "A": 1, "a": "x"
    }  # fmt: skip
    assert (second["Größe"], second["geliefert"]) == (0.5, "2025-02-01")
    assert (third["Preis (EUR)"], third["geliefert"]) == (None, None)


def test_a_type_that_a_person_chose_and_the_cells_that_do_not_fit(tmp_path: Path, german: dict[str, Any]) -> None:
    german["fields"][0] = {"name": "Name", "type": "integer"}
    german["fields"][5] = {"name": "A", "type": "text"}
    outcome = converted(tmp_path, "lager.csv", TABLE, german)
    assert outcome["unread"][0] == {"field": "Name", "cells": 3, "examples": ["Lampe", "Tisch", "Stuhl"]}
    assert [row["A"] for row in selected(tmp_path, german)["rows"]] == ["1", "2", "3"]


def test_a_catalog_of_another_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest) as caught:
        converted(tmp_path, "a.csv", b"a,b\n1,2\n", {"name": "x", "fields": [{"name": "price", "type": "number"}]})
    assert "no column 'price'" in caught.value.violations[0].detail


def test_rows_are_sorted_and_paged_and_all_are_there_once(tmp_path: Path) -> None:
    content = "\n".join(["n,even", *(f"{n},{'yes' if n % 2 == 0 else 'no'}" for n in range(500))]).encode()
    catalog = {"name": "x", "fields": [{"name": "n", "type": "integer"}, {"name": "even", "type": "boolean"}]}
    converted(tmp_path, "a.csv", content, catalog)
    seen: list[int] = []
    offset: int | None = 0
    while offset is not None:
        page = selected(tmp_path, catalog, sort=[{"field": "even", "direction": "desc"}], offset=offset, page_size=120)
        seen += [row["n"] for row in page["rows"]]
        offset = page["next_offset"]
    assert seen == [*range(0, 500, 2), *range(1, 500, 2)]
    limited = selected(tmp_path, catalog, limit=7, columns=["n"])
    assert (limited["count"], limited["total"], limited["columns"]) == (7, 500, ["n"])


def test_a_plot_marks_the_matches(tmp_path: Path) -> None:
    content = "\n".join(["x,y", *(f"{n},{n * n}" for n in range(3_000))]).encode()
    catalog = {"name": "x", "fields": [{"name": "x", "type": "integer"}, {"name": "y", "type": "integer"}]}
    converted(tmp_path, "a.csv", content, catalog)
    points = {"x": "x", "y": "y", "points": 100}
    plot = selected(tmp_path, catalog, filter="x < 20", plot=points)["plot"]
    assert (plot["total"], len(plot["points"])) == (3_000, 100)
    assert sorted(x for x, _, matches in plot["points"] if matches) == list(range(20))
    assert all(y == x * x for x, y, _ in plot["points"])
    assert plot == selected(tmp_path, catalog, filter="x < 20", plot=points)["plot"]


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM read_text('/etc/hostname')",
        "COPY (SELECT 1) TO '{folder}/stolen.csv'",
        "ATTACH '{folder}/other.db'",
        "SET enable_external_access=true",
        "SET memory_limit='64GB'",
        "INSTALL httpfs",
    ],
)
def test_the_database_opens_nothing_but_its_file(tmp_path: Path, statement: str) -> None:
    with database(tmp_path / "rows.parquet") as connection, pytest.raises(duckdb.Error):
        connection.execute(statement.format(folder=tmp_path))
