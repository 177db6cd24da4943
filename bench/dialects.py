"""Processor time of compiling a filter of ten conditions, for every dialect."""

import builtins
import datetime as dt
import time
from collections.abc import Callable
from functools import partial
from importlib import import_module

import polars

from bench.report import Report, Table
from bench.sizes import size
from nlp2filters.core import catalog as catalogs
from nlp2filters.core.dialects import DIALECTS, Options, compile  # noqa: A004
from nlp2filters.core.filters import And, Between, Comparison, Contains, Filter, Not, OneOf, Or
from nlp2filters.core.interpretation import Interpretation, Sort
from nlp2filters.core.mapping import EngineMapping

ROUNDS, REPEATS = size(20, 2), 50

SHOP = catalogs.parse(
    {
        "name": "shop",
        "fields": [
            {"name": "brand", "type": "keyword"},
            {"name": "origin", "type": "keyword", "closed": True, "values": ["usa", "japan"]},
            {"name": "title", "type": "text"},
            {"name": "doors", "type": "integer"},
            {"name": "price", "type": "money", "currency": "USD"},
            {"name": "released", "type": "date"},
            {"name": "seen", "type": "datetime"},
            {"name": "wireless", "type": "boolean"},
            {"name": "tags", "type": "keyword", "many": True},
        ],
    }
)
CONDITIONS: tuple[Filter, ...] = (
    Comparison("<=", "price", 80),
    Comparison("<>", "brand", "Beats"),
    OneOf("origin", ("usa", "japan")),
    Contains("title", "50%"),
    Comparison("=", "seen", dt.date(2026, 3, 1)),
    Between("doors", 2, 5),
    Comparison("=", "wireless", True),
    Or((Comparison("=", "tags", "new"), Not(OneOf("tags", ("old", "used"))))),
    Comparison(">", "released", dt.date(2026, 1, 1)),
)
READING = Interpretation(filter=And(CONDITIONS), sort=(Sort("price", "asc"),), limit=10)


async def main() -> Report:
    many = Interpretation(filter=OneOf("brand", tuple(f"brand {number}" for number in range(10_000))))
    rows = [
        [name, f"{_us(_compiling(name, READING)):.0f}", f"{_us(_compiling(name, many), repeats=1):,.0f}"]
        for name in DIALECTS
    ]
    libraries = []
    for name, namespace in (("django", vars(import_module("django.db.models"))), ("polars", {"pl": polars})):
        calls = builtins.compile(compile(name, READING, SHOP)["filter"], name, "eval")
        libraries.append([name, f"{_us(partial(eval, calls, {**namespace, 'datetime': dt})):.0f}"])
    return Report(
        {
            "dialects": Table(["dialect", "µs, 10 conditions", "µs, 10,000 values"], rows),
            "libraries": Table(["library", "µs"], libraries),
        },
        rounds=None,
    )


def _compiling(name: str, reading: Interpretation) -> Callable[[], object]:
    return partial(compile, name, reading, SHOP, Options(mappings={name: EngineMapping(table="products")}))


def _us(function: Callable[[], object], repeats: int = REPEATS) -> float:
    """The fastest of some rounds: what the machine's other work adds is not ours."""
    return min(_round(function, repeats) for _ in range(ROUNDS))


def _round(function: Callable[[], object], repeats: int) -> float:
    began = time.thread_time()
    for _ in range(repeats):
        function()
    return 1e6 * (time.thread_time() - began) / repeats
