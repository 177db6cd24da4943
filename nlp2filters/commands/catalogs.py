"""`nlp2filters catalog …`: catalogs from the command line."""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from nlp2filters import sources
from nlp2filters.commands import files
from nlp2filters.core import catalog as catalogs
from nlp2filters.core.infer import infer
from nlp2filters.sources import BATCH, Row, Source


def add_to(commands: Any) -> None:
    """Add the commands to those of the command line."""
    catalog = commands.add_parser("catalog", help="infer catalogs from data")
    actions = catalog.add_subparsers(required=True, metavar="ACTION")

    action = actions.add_parser("infer", help="write the catalog of a file or a database's table")
    action.add_argument(
        "source", metavar="FILE_OR_URL", help="CSV, JSON Lines, Parquet, SQLite, or an SQLAlchemy URL of a database"
    )
    action.add_argument("--name", help="of the catalog; else that of the file or table")
    action.add_argument("--table", help="which table of a database")
    action.add_argument("--currency", metavar="CODE", help="ISO 4217, for prices whose header names none")
    action.add_argument("--out", type=Path, metavar="FILE", help="where to write it; else standard output")
    action.set_defaults(run=_infer)


def _infer(args: argparse.Namespace) -> int:
    with sources.opened(args.source, args.table) as source:
        catalog = infer(args.name or source.name, _watched(source), currency=args.currency)
    written = orjson.dumps(catalogs.to_json(catalog), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    if args.out:
        files.write(args.out, written)
    else:
        sys.stdout.write(written.decode())
    return 0


def _watched(source: Source) -> Iterator[Row]:
    """The rows, with a progress bar on the error output."""
    columns = (TextColumn("Reading"), BarColumn(), TaskProgressColumn(), TextColumn("{task.fields[rows]:,} rows"))
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True)) as bar:
        task = bar.add_task("read", total=source.total, rows=0)
        number = 0
        for number, row in enumerate(source.rows, 1):
            if number % BATCH == 0:
                bar.update(task, completed=source.done(), rows=number)
            yield row
        bar.update(task, completed=source.total, rows=number)
