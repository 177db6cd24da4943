"""`nlp2filters eval`: measure how well texts are understood, on cases with a known meaning.

With `--compare`, the parser, the LLM alone, the LLM with the parser's draft, and the strategy `auto` side by side.
"""

import argparse
import asyncio
import datetime as dt
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from nlp2filters.cli import files
from nlp2filters.cli.case_readers import AUTO, BUILTIN, LLM_ALONE, LLM_WITH_DRAFT, CaseReadings, Reading, read_cases
from nlp2filters.core import interpretation
from nlp2filters.core.usage import MICRO, Price, PriceTable
from nlp2filters.errors import InvalidCases, InvalidInput, Violation
from nlp2filters.evaluation import cases as labelled
from nlp2filters.evaluation import chart
from nlp2filters.evaluation.cases import predicted, read_collections
from nlp2filters.evaluation.measures import Judgement, Summary, by_category, recall, summarize
from nlp2filters.llm.registry import PROVIDERS
from nlp2filters.settings import Settings

# A table that is written to a file is this wide.
PAGE_WIDTH = 120
COLUMNS = ("cases", "exact %", "cond. F1", "value F1", "field F1", "calib. err", "p50 ms", "p95 ms")
COMPARED = ("exact %", "cond. F1", "calib. err", "p50 ms", "p95 ms", "tokens in", "tokens out", "cost", "no answer")
RANKS = (1, 5, 20, 40)


def add_to(command: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    command.add_argument("cases", type=Path, nargs="+", metavar="CASES", help="JSON Lines: texts with what they mean")
    command.add_argument(
        "--catalogs", type=Path, nargs="+", required=True, metavar="FILE", help="the catalogs of the cases"
    )
    command.add_argument("--provider", choices=["builtin", *PROVIDERS], default="builtin", help="who reads the texts")
    command.add_argument("--no-embedding", action="store_true", help="the built-in parser without its model")
    command.add_argument("--today", type=dt.date.fromisoformat, metavar="DATE", help="for cases that name no day")
    command.add_argument("--out", type=Path, metavar="FILE", help="write the predictions as JSON Lines")
    command.add_argument("--chart", type=Path, metavar="FILE", help="write a chart by category as HTML")
    command.add_argument(
        "--price",
        nargs=2,
        type=float,
        metavar=("IN", "OUT"),
        help="of a million tokens sent and received, instead of LLM_PRICES: adds the cost to the table",
    )
    command.add_argument(
        "--compare", action="store_true", help="the parser, the LLM, the LLM with the draft, and `auto` side by side"
    )
    command.add_argument(
        "--recall", action="store_true", help="also how often the values that were meant are among those retrieved"
    )
    command.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> int:
    settings = Settings.read(os.environ)
    collections = {
        name: collection for path in args.catalogs for name, collection in read_collections(files.read(path)).items()
    }
    cases = [case for path in args.cases for case in labelled.read_cases(files.read(path), collections)]
    if not cases:
        raise InvalidCases([Violation("", "There are no cases.")])
    llm = args.provider if args.provider != "builtin" else None
    if args.compare and not llm:
        raise InvalidInput([Violation("--compare", "Name the LLM to compare with as --provider.")])
    readers = (BUILTIN, LLM_ALONE, LLM_WITH_DRAFT, AUTO) if args.compare else (LLM_WITH_DRAFT if llm else BUILTIN,)
    with _bar(len(cases)) as advance:
        readings = asyncio.run(
            read_cases(
                cases,
                collections,
                settings,
                readers=readers,
                llm=llm,
                embedding=not args.no_embedding,
                today=args.today or dt.datetime.now(dt.UTC).date(),
                advance=advance,
            )
        )
    prices = PriceTable((("*", Price(*args.price)),)) if args.price else settings.llm_prices
    _print(readings, readers, lambda usage: prices.micros(usage, settings.llm_model), recalls=args.recall)
    main = [one.by_reader[readers[-1]] for one in readings]
    if args.out:
        files.write(args.out, b"".join(orjson.dumps(_record(reading)) + b"\n" for reading in main))
    if args.chart:
        title = f"{', '.join(path.stem for path in args.cases)}, read by {args.provider}"
        judgements = _judgements(readings, readers[-1])
        files.write(args.chart, chart.page(title, summarize(judgements), by_category(judgements)).encode())
    return 0


# Returns the cost of a usage in millionths; None without prices.
Cost = Callable[[Mapping[str, int]], int | None]


def _print(readings: Sequence[CaseReadings], readers: Sequence[str], cost: Cost, *, recalls: bool) -> None:
    """Print the tables, and what they do not show."""
    console = Console(width=None if sys.stdout.isatty() else PAGE_WIDTH)
    judgements = _judgements(readings, readers[-1])
    if len(readers) > 1:
        console.print(comparison({name: summarize(_judgements(readings, name)) for name in readers}, cost))
    else:
        console.print(table(summarize(judgements), by_category(judgements), cost))
    console.print(_certainty(readings, readers))
    if recalls:
        console.print(_recall([rank for one in readings for rank in one.ranks]))


def _judgements(readings: Sequence[CaseReadings], reader: str) -> list[Judgement]:
    return [one.by_reader[reader].judgement for one in readings]


def _certainty(readings: Sequence[CaseReadings], readers: Sequence[str]) -> str:
    """Say for how many texts `auto` spares the call, and how many of these the parser reads exactly."""
    certain = [one for one in readings if one.certain]
    share = f"The parser is certain of {len(certain)} of {len(readings)} texts ({len(certain) / len(readings):.1%})"
    if BUILTIN not in readers or not certain:
        return f"{share}."
    exact = sum(judgement.exact for judgement in _judgements(certain, BUILTIN))
    return f"{share}; it reads {exact / len(certain):.1%} of these exactly."


def _recall(ranks: Sequence[int | None]) -> str:
    shares = ", ".join(f"@{rank} {recall(ranks, rank):.1%}" for rank in RANKS) if ranks else "none was expected"
    return f"Recall of {len(ranks)} known values by words and spelling alone: {shares}."


@contextmanager
def _bar(total: int) -> Iterator[Callable[[], None]]:
    """Show a progress bar on standard error, so that the table can go to a file."""
    columns = (TextColumn("Reading"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("read", total=total)
        yield lambda: bar.advance(task)


def table(summary: Summary, categories: Mapping[str, Summary], cost: Cost) -> Table:
    """Build a table of the measures by category and in total, with the tokens and the cost below."""
    built = Table(caption=_caption(summary, cost), caption_justify="left")
    built.add_column("category", no_wrap=True)
    for name in COLUMNS:
        built.add_column(name, justify="right")
    for name, part in categories.items():
        built.add_row(name, *_cells(part))
    built.add_section()
    built.add_row("all", *_cells(summary))
    return built


def comparison(summaries: Mapping[str, Summary], cost: Cost) -> Table:
    """Build a table of the measures by reader."""
    built = Table()
    built.add_column("read by", no_wrap=True)
    for name in COMPARED:
        built.add_column(name, justify="right")
    for name, part in summaries.items():
        _, exact, f1, _, _, error, *latencies = _cells(part)
        tokens = (f"{part.usage.get(kind, 0):,}" for kind in ("input_tokens", "output_tokens"))
        micros = cost(part.usage) if part.usage else 0
        money = "–" if micros is None else f"{micros / MICRO:.4f}"
        built.add_row(name, exact, f1, error, *latencies, *tokens, money, str(part.degraded))
    return built


def _cells(part: Summary) -> list[str]:
    shares = (part.exact, part.condition_f1, part.value_f1, part.field_f1)
    error = "–" if part.calibration_error is None else f"{part.calibration_error:.3f}"
    return [str(part.cases), *(f"{100 * share:.1f}" for share in shares), error, *map(_ms, (part.p50_ms, part.p95_ms))]


def _ms(duration: float) -> str:
    return f"{duration:.1f}" if duration < 100 else f"{duration:.0f}"


def _caption(summary: Summary, cost: Cost) -> str | None:
    if not summary.usage:
        return None
    caption = ", ".join(f"{tokens:,} {kind.replace('_', ' ')}" for kind, tokens in sorted(summary.usage.items()))
    if (micros := cost(summary.usage)) is not None:
        caption += f"; cost {micros / MICRO:.4f}, {micros / MICRO / summary.cases:.6f} a text"
    return caption + (f"; {summary.degraded} without a usable answer" if summary.degraded else "")


def _record(reading: Reading) -> dict[str, Any]:
    """Build a line of the predictions: flat conditions for scorers, and the whole reading."""
    judgement = reading.judgement
    return {
        "id": judgement.case.id,
        "exact": judgement.exact,
        "conditions": [
            {"field": one.field, "op": one.op, "value": one.value, "confidence": one.confidence}
            for one in predicted(reading.reading)
        ],
        "reading": interpretation.to_json(reading.reading),
        "latency_ms": round(1000 * judgement.latency_s, 3),
        "usage": judgement.usage or None,
        "degraded": judgement.degraded,
    }
