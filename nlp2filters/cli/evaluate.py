"""`nlp2filters eval`: measure how well texts are understood, on cases with a known meaning.

Each text is read by the functions that the workers call, without queues, one after the other; LLM calls run
concurrently.
"""

import argparse
import asyncio
import datetime as dt
import logging
import os
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import orjson
from async_lru import alru_cache
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from nlp2filters.cli import files
from nlp2filters.core import interpretation, languages
from nlp2filters.core.interpretation import Interpretation
from nlp2filters.core.linking import Lexicon
from nlp2filters.core.llm.messages import Message
from nlp2filters.core.query import Query
from nlp2filters.embedding import weights
from nlp2filters.embedding.embedder import Embedder
from nlp2filters.errors import InvalidCases, LLMNotConfigured, ProviderError, Violation
from nlp2filters.evaluation import chart
from nlp2filters.evaluation.cases import Case, Collection, predicted, read_cases, read_collections
from nlp2filters.evaluation.measures import Judgement, Summary, Usage, by_category, judge, summarize
from nlp2filters.llm import Answer, Provider, registry
from nlp2filters.llm.provider import LLMProvider
from nlp2filters.llm.registry import PROVIDERS
from nlp2filters.settings import ProviderChoice, Settings
from nlp2filters.translator import MAX_INDEXES, LexiconParser, Translator

# A table that is written to a file is this wide.
PAGE_WIDTH = 120
COLUMNS = ("cases", "exact %", "cond. F1", "value F1", "field F1", "calib. err", "p50 ms", "p95 ms")

_log = logging.getLogger(__name__)


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
        help="of a million tokens sent and received: adds the cost to the table",
    )
    command.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> int:
    settings = Settings.read(os.environ)
    collections = {
        name: collection for path in args.catalogs for name, collection in read_collections(files.read(path)).items()
    }
    cases = [case for path in args.cases for case in read_cases(files.read(path), collections)]
    if not cases:
        raise InvalidCases([Violation("", "There are no cases.")])
    results = asyncio.run(
        evaluate(
            cases,
            collections,
            settings,
            llm=args.provider if args.provider != "builtin" else None,
            embedding=not args.no_embedding,
            today=args.today or dt.datetime.now(dt.UTC).date(),
        )
    )
    judgements = [result.judgement for result in results]
    summary, categories = summarize(judgements), by_category(judgements)
    Console(width=None if sys.stdout.isatty() else PAGE_WIDTH).print(table(summary, categories, args.price))
    if args.out:
        files.write(args.out, b"".join(orjson.dumps(_record(result)) + b"\n" for result in results))
    if args.chart:
        title = f"{', '.join(path.stem for path in args.cases)}, read by {args.provider}"
        files.write(args.chart, chart.page(title, summary, categories).encode())
    return 0


@dataclass(frozen=True, slots=True)
class Result:
    """A reading of a case, with its dates resolved, and its judgement."""

    reading: Interpretation
    judgement: Judgement


async def evaluate(
    cases: Sequence[Case],
    collections: Mapping[str, Collection],
    settings: Settings,
    *,
    llm: str | None,
    embedding: bool,
    today: dt.date,
) -> list[Result]:
    """Read every text and judge the reading, in the order of the cases. `today` is for cases without a date.

    `llm` is one of `PROVIDERS`, or None for the built-in parser.

    Raises:
        ModelUnavailable: the embedding model is requested but unavailable.
        LLMNotConfigured: an LLM is requested but the settings name none.
    """
    async with AsyncExitStack() as stack:
        embedder = await stack.enter_async_context(await _load_embedder(settings)) if embedding else None
        provider: LLMProvider | None = await stack.enter_async_context(_provider(settings, llm)) if llm else None
        advance = stack.enter_context(_bar(len(cases)))
        evaluator = _Evaluator(collections, Translator(embedder, provider), provider, today)
        at_once = settings.llm_concurrency if provider else 1
        return await _gather((partial(evaluator.judge, case) for case in cases), at_once, advance)


class _Evaluator:
    """Reads and judges cases. Their lexicons are cached."""

    def __init__(
        self, collections: Mapping[str, Collection], translator: Translator, provider: Provider | None, today: dt.date
    ) -> None:
        self._collections, self._translator, self._provider, self._today = collections, translator, provider, today
        self._lexicon = alru_cache(maxsize=MAX_INDEXES)(self._build_lexicon)

    async def judge(self, case: Case) -> Result:
        """Read a case's text and time it. Resources that a worker keeps between jobs are prepared untimed."""
        collection, usage = self._collections[case.catalog], Counter[str]()
        query = Query(case.text, case.today or self._today, locale=case.locale)
        parser = LexiconParser(await self._lexicon(case.catalog, case.locale))
        await self._translator.load_index(parser)
        began = time.perf_counter()
        reading, degraded = await self._translator.draft(query, parser), False
        if self._provider:
            complete = partial(_complete, self._provider, usage)
            try:
                reading, _ = await self._translator.ask(query, collection.catalog, reading, complete)
            except ProviderError as exc:
                _log.warning("%s: the LLM gave no usable answer, the draft stands: %s", case.id, exc)
                degraded = True
        resolved = interpretation.resolve(reading, query.now)
        latency_s = time.perf_counter() - began
        return Result(resolved, judge(case, resolved, collection, latency_s=latency_s, usage=usage, degraded=degraded))

    async def _build_lexicon(self, catalog: str, locale: str) -> Lexicon:
        return await asyncio.to_thread(Lexicon.of, self._collections[catalog].catalog, languages.of(locale))


async def _complete(
    provider: Provider, usage: Counter[str], _: str, messages: Sequence[Message], schema: Mapping[str, Any]
) -> Answer:
    """Get the provider's answer, and count its tokens."""
    answer = await provider.complete(messages, schema)
    usage.update(answer.usage or {})
    return answer


async def _gather(
    work: Iterable[Callable[[], Awaitable[Result]]], at_once: int, advance: Callable[[], None]
) -> list[Result]:
    """Run up to `at_once` at a time. Returns the results in order."""
    waiting = enumerate(work)
    results: dict[int, Result] = {}

    async def worker() -> None:
        for at, run in waiting:
            results[at] = await run()
            advance()

    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(worker())
    return [results[at] for at in sorted(results)]


async def _load_embedder(settings: Settings) -> Embedder:
    folder = await asyncio.to_thread(weights.locate, settings.model_path, settings.model_cache, progress=True)
    return await Embedder.load(folder)


def _provider(settings: Settings, name: str) -> LLMProvider:
    configs = replace(settings, llm_providers=(ProviderChoice(name),)).llms
    if not configs:
        raise LLMNotConfigured(
            f"Set LLM_MODEL, {name.upper()}_API_KEY and, for a server of your own, {name.upper()}_BASE_URL."
        )
    return registry.create(configs[0])


@contextmanager
def _bar(total: int) -> Iterator[Callable[[], None]]:
    """Show a progress bar on standard error, so that the table can go to a file."""
    columns = (TextColumn("Reading"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("read", total=total)
        yield lambda: bar.advance(task)


def table(summary: Summary, categories: Mapping[str, Summary], price: Sequence[float] | None) -> Table:
    """Build a table of the measures by category and in total; with `price` per million tokens, also of the cost."""
    built = Table(caption=_caption(summary, price), caption_justify="left")
    built.add_column("category", no_wrap=True)
    for name in COLUMNS:
        built.add_column(name, justify="right")
    for name, part in categories.items():
        built.add_row(name, *_cells(part))
    built.add_section()
    built.add_row("all", *_cells(summary))
    return built


def _cells(part: Summary) -> list[str]:
    shares = (part.exact, part.condition_f1, part.value_f1, part.field_f1)
    error = "–" if part.calibration_error is None else f"{part.calibration_error:.3f}"
    return [str(part.cases), *(f"{100 * share:.1f}" for share in shares), error, *map(_ms, (part.p50_ms, part.p95_ms))]


def _ms(duration: float) -> str:
    return f"{duration:.1f}" if duration < 100 else f"{duration:.0f}"


def _caption(summary: Summary, price: Sequence[float] | None) -> str | None:
    if not summary.usage:
        return None
    caption = ", ".join(f"{tokens:,} {kind.replace('_', ' ')}" for kind, tokens in sorted(summary.usage.items()))
    if price:
        cost = _cost(summary.usage, price)
        caption += f"; cost {cost:.4f}, {cost / summary.cases:.6f} a text"
    return caption + (f"; {summary.degraded} without a usable answer" if summary.degraded else "")


def _cost(usage: Usage, price: Sequence[float]) -> float:
    sent, received = usage.get("input_tokens", 0), usage.get("output_tokens", 0)
    return (sent * price[0] + received * price[1]) / 1e6


def _record(result: Result) -> dict[str, Any]:
    """Build a line of the predictions: flat conditions for scorers, and the whole reading."""
    judgement = result.judgement
    return {
        "id": judgement.case.id,
        "exact": judgement.exact,
        "conditions": [
            {"field": one.field, "op": one.op, "value": one.value, "confidence": one.confidence}
            for one in predicted(result.reading)
        ],
        "reading": interpretation.to_json(result.reading),
        "latency_ms": round(1000 * judgement.latency_s, 3),
        "usage": judgement.usage or None,
        "degraded": judgement.degraded,
    }
