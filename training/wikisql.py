"""WikiSQL (https://github.com/salesforce/WikiSQL, BSD-3) as text2sql-data has it: questions over tables of Wikipedia.

The file is `data/wikisql.json.bz2` of https://github.com/jkkummerfeld/text2sql-data. It has no tables: a catalog is
made of the columns that the questions on one table name.
"""

import bz2
import json
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from training.examples import NUMBER, Example, FieldSketch, Span, find

_SELECTED = re.compile(r"SELECT (?:\w+\( *)?(?:DISTINCT )?TABLEalias0\.(.*?)_FIELD")
_TEST = re.compile(r'TABLEalias0\.(.*)_FIELD (=|>|<) "?(.*?)"?$')
_AND = re.compile(r" AND (?=TABLEalias0\.)")


@dataclass(slots=True)
class _Column:
    values: list[str] = field(default_factory=list)
    compared: bool = False

    @property
    def type(self) -> str:
        numbers = bool(self.values) and all(NUMBER.fullmatch(value) for value in self.values)
        return "number" if self.compared or numbers else "text"


@dataclass(frozen=True, slots=True)
class _Question:
    table: str
    text: str
    tests: list[tuple[str, str]]


def read(file: Path, split: str = "train") -> Iterator[Example]:
    """The examples whose values stand in the question as they are."""
    tables: defaultdict[str, dict[str, _Column]] = defaultdict(dict)
    for question in list(_questions(file, split, tables)):
        columns = tables[question.table]
        names = list(columns)
        spans: list[tuple[int, int, int]] = []
        for name, value in question.tests:
            taken: list[Span] = [(start, end) for start, end, _ in spans]
            if place := find(question.text, value, taken):
                spans.append((*place, names.index(name)))
        if len(spans) == len(question.tests):
            fields = tuple(FieldSketch(name.replace("_", " ").lower(), columns[name].type) for name in names)
            yield Example(
                f"wikisql/{question.table}", question.text, fields, tuple(spans), frozenset(at for *_, at in spans)
            )


def _questions(file: Path, split: str, tables: defaultdict[str, dict[str, _Column]]) -> Iterator[_Question]:
    with bz2.open(file) as opened:
        queries = json.load(opened)
    for query in queries:
        sql = query["sql"][0]
        selected = _SELECTED.match(sql)
        where = sql.partition(" WHERE ")[2].rstrip(" ;")
        tests = [_TEST.match(part.strip()) for part in _AND.split(where)] if where else []
        if not selected or not all(tests):
            continue
        known = {variable["name"]: variable["example"] for variable in query["variables"]}
        for sentence in query["sentences"]:
            columns, values = tables[sentence["table-id"]], known | sentence["variables"]
            columns.setdefault(selected[1], _Column())
            said = []
            for test in tests:
                assert test
                value = values.get(test[3], test[3])
                column = columns.setdefault(test[1], _Column())
                column.values.append(value)
                column.compared |= test[2] in "<>"
                said.append((test[1], value))
            if sentence["question-split"] == split:
                yield _Question(sentence["table-id"], sentence["original"], said)
