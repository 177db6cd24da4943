"""`nlp2filters catalog infer`: write the catalog of a file or of a database's table."""

import argparse
import sys
from collections.abc import Iterator

import orjson
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from nlp2filters.cli import files
from nlp2filters.core import catalog as catalogs
from nlp2filters.core.infer import Inference, infer
from nlp2filters.data import BATCH, Row, Source, open_source


def run(args: argparse.Namespace) -> int:
    """Write the catalog of the source, and tell what was decided."""
    with open_source(args.source, table=args.table, encoding=args.encoding) as source:
        name, rows = args.name or source.name, _with_progress(source)
        inference = infer(name, rows, currency=args.currency, date_order=args.date_order)
    for line in (*source.notes.sentences(), *_reasons(inference, everything=args.why)):
        print(line, file=sys.stderr)
    written = orjson.dumps(catalogs.to_json(inference.catalog), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    if args.out:
        files.write(args.out, written)
    else:
        sys.stdout.write(written.decode())
    return 0


def _reasons(inference: Inference, *, everything: bool) -> Iterator[str]:
    """Yield a line for each note that a person should see, or with `everything` for each column and note."""
    for column in inference.columns:
        if everything:
            different = "too many" if column.distinct is None else f"{column.distinct:,}"
            many = " (lists)" if column.many else ""
            yield (
                f"{column.name}: {column.type}{many}; {column.cells:,} cells with a value, {column.unknown:,} without, "
                f"{different} different"
            )
            yield from (f"  {note.text}" for note in column.notes)
        else:
            yield from (
                f"{column.name} ({column.type}): {note.text}" for note in column.notes if note.kind != "decided"
            )


def _with_progress(source: Source) -> Iterator[Row]:
    """Yield the rows, with a progress bar on standard error."""
    columns = (TextColumn("Reading"), BarColumn(), TaskProgressColumn(), TextColumn("{task.fields[rows]:,} rows"))
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True)) as bar:
        task = bar.add_task("read", total=source.total, rows=0)
        number = 0
        for number, row in enumerate(source.rows, 1):
            if number % BATCH == 0:
                bar.update(task, completed=source.position(), rows=number)
            yield row
        bar.update(task, completed=source.total, rows=number)
