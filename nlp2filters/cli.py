"""The command line: `nlp2filters up` runs everything, `nlp2filters worker STAGE` one worker."""

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence

from arq.utils import import_string

from nlp2filters import __version__, logs, workers
from nlp2filters.commands import catalogs, evaluate, keys
from nlp2filters.errors import NLP2FiltersError
from nlp2filters.settings import Settings
from nlp2filters.up import up

CLASSES = {"embedding": "EmbeddingWorker", "llm": "LLMWorker", "delivery": "DeliveryWorker"}


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit code."""
    args = _arguments(argv)
    try:
        code: int = args.run(args)
    except NLP2FiltersError as exc:
        print(f"nlp2filters: {exc}", file=sys.stderr)
        return 1
    return code


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="nlp2filters", description="Plain language in, validated filters out.")
    parser.add_argument("--version", action="version", version=f"nlp2filters {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    service = commands.add_parser("up", help="run the whole service: Redis, the model, web and workers")
    service.set_defaults(run=_up)

    worker = commands.add_parser("worker", help="run the worker of one queue")
    worker.add_argument("stage", choices=list(CLASSES))
    worker.set_defaults(run=_worker)

    keys.add_to(commands)
    evaluate.add_to(commands)
    catalogs.add_to(commands)
    return parser.parse_args(argv)


def _up(args: argparse.Namespace) -> int:
    return up(Settings.read(os.environ), os.environ)


def _worker(args: argparse.Namespace) -> int:
    logs.configure(Settings.read(os.environ).log_level)
    asyncio.run(workers.run(import_string(f"worker_settings.{CLASSES[args.stage]}")))
    return 0
