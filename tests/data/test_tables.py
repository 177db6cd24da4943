"""Real tables out of packages, as people have them: read, inferred and asked.

`tables.json` has for each file its shape, the types that a person would give its columns, and questions with the SQL
that a person would write. The types and the answers have floors, which only rise.
"""

import datetime as dt
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import orjson
import pytest
import sqlalchemy as sa
from dateutil import parser as dates

from nlp2filters.core import languages
from nlp2filters.core.catalog import Catalog
from nlp2filters.core.dialects.sql import clauses as sql
from nlp2filters.core.infer import infer
from nlp2filters.core.interpretation import resolve
from nlp2filters.core.linking import Lexicon
from nlp2filters.core.parser import parse
from nlp2filters.data import Row, open_source

FOLDER = Path(__file__).parent
TODAY = dt.date(2026, 11, 24)
TABLES: list[dict[str, Any]] = orjson.loads((FOLDER / "tables.json").read_bytes())
IDS = [" ".join(filter(None, (table["file"], table.get("table")))) for table in TABLES]
# Percent of the columns that get the right type, and of the questions that get the right rows, rounded down.
MIN_TYPES, MIN_ANSWERS = 96, 98

UNKNOWN = {"", "na", "n/a", "nan", "null", "-", "?"}
TRUE = {"true", "yes", "y", "t", "1"}
SQL_TYPES: Mapping[str, sa.types.TypeEngine[Any]] = {
    "integer": sa.Numeric(asdecimal=False),
    "number": sa.Numeric(asdecimal=False),
    "boolean": sa.Boolean(),
    "date": sa.Date(),
    "datetime": sa.DateTime(),
}


@cache
def read(file: str, table: str | None) -> tuple[list[Row], list[str], Catalog]:
    """The rows, the notes and the inferred catalog."""
    with open_source(FOLDER / "files" / file, table=table) as source:
        rows = list(source.rows)
        return rows, source.notes.sentences(), infer(source.name, rows).catalog


def stored(cell: object, type_: str) -> object:
    """The cell as a person would store it in a column of this type."""
    text = str(cell).strip()
    if cell is None or text.lower() in UNKNOWN:
        return None
    match type_:
        case "integer" | "number":
            return float(cell[0] if isinstance(cell, list) else text)
        case "boolean":
            return text.lower() in TRUE
        case "date":
            return dates.parse(text).date()
        case "datetime":
            return dates.parse(text)
    return text


@cache
def database(index: int) -> tuple[sa.Engine, sa.Table]:
    """The table in SQLite, with the types that a person would give its columns."""
    types = TABLES[index]["types"]
    columns = [sa.Column(name, SQL_TYPES.get(type_, sa.String())) for name, type_ in types.items()]
    table = sa.Table("t", sa.MetaData(), sa.Column("row number", sa.Integer, primary_key=True), *columns)
    engine = sa.create_engine("sqlite://")
    rows, *_ = read(TABLES[index]["file"], TABLES[index].get("table"))
    with engine.begin() as connection:
        table.create(connection)
        connection.execute(
            sa.insert(table), [{name: stored(row.get(name), type_) for name, type_ in types.items()} for row in rows]
        )
    return engine, table


def row_numbers(index: int, where: sa.ColumnElement[bool]) -> list[int]:
    engine, table = database(index)
    with engine.connect() as connection:
        return list(connection.scalars(sa.select(table.c["row number"]).where(where)))


def answer(index: int, text: str) -> list[int] | None:
    """The rows that the built-in parser's reading of the question selects, or None if it has no condition."""
    _, _, catalog = read(TABLES[index]["file"], TABLES[index].get("table"))
    reading = resolve(parse(text, Lexicon.of(catalog, languages.of("en")), today=TODAY), TODAY)
    return row_numbers(index, sql.where_clause(reading.filter, catalog)) if reading.filter else None


def test_there_are_enough_tables() -> None:
    formats = {Path(table["file"]).suffix for table in TABLES}
    assert len({table["file"] for table in TABLES}) >= 20
    assert formats >= {".csv", ".tsv", ".json", ".geojson", ".xls", ".parquet", ".db"}
    assert min(len(table["questions"]) for table in TABLES) >= 5
    assert {path.name for path in (FOLDER / "files").iterdir()} == {table["file"] for table in TABLES} | {"SOURCES.md"}


@pytest.mark.parametrize("table", TABLES, ids=IDS)
def test_a_table_is_read(table: dict[str, Any]) -> None:
    rows, notes, catalog = read(table["file"], table.get("table"))
    assert len(rows) == table["rows"]
    assert [field.name for field in catalog.fields] == list(table["types"])
    assert notes == table["notes"]


def test_as_many_columns_get_the_right_type_as_before() -> None:
    wrong = []
    for table in TABLES:
        _, _, catalog = read(table["file"], table.get("table"))
        for field in catalog.fields:
            # Money and durations are numbers with a meaning; an open keyword is a text whose values recur.
            type_ = {"money": "number", "duration": "number"}.get(field.type, field.type)
            right = table["types"][field.name]
            if type_ != right and {type_, right} != {"keyword", "text"} and {type_, right} != {"integer", "number"}:
                wrong.append(f"{table['file']}: {field.name} is {field.type}, not {right}")
    columns = sum(len(table["types"]) for table in TABLES)
    assert 100 * (1 - len(wrong) / columns) >= MIN_TYPES, "\n".join(wrong)


def test_as_many_questions_get_the_right_rows_as_before() -> None:
    wrong = []
    for index, table in enumerate(TABLES):
        for question in table["questions"]:
            expected = row_numbers(index, sa.literal_column(f"({question['where']})"))
            assert expected, f"{question['where']} selects no row of {table['file']}"
            if answer(index, question["text"]) != expected:
                wrong.append(f"{table['file']}: {question['text']}")
    questions = sum(len(table["questions"]) for table in TABLES)
    assert 100 * (1 - len(wrong) / questions) >= MIN_ANSWERS, "\n".join(wrong)
