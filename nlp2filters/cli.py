"""The command line: `nlp2filters up` runs everything, `nlp2filters worker STAGE` one worker, the others ask.

Exit codes: 0 it went well, 1 the job failed or the service did, 2 the command was wrong.
"""

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence

from arq.utils import import_string

from nlp2filters import __version__, logs, workers
from nlp2filters.commands import ask, catalogs, evaluate, jobs, keys
from nlp2filters.errors import (
    AccessRefused,
    Busy,
    InputRefused,
    InvalidRequest,
    JobUnsuccessful,
    NLP2FiltersError,
    Unreachable,
)
from nlp2filters.settings import Settings
from nlp2filters.up import up

FAILED, USAGE, INTERRUPTED = 1, 2, 130
CLASSES = {"embedding": "EmbeddingWorker", "llm": "LLMWorker", "delivery": "DeliveryWorker"}


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit code."""
    args = _arguments(argv)
    try:
        code: int = args.run(args)
        sys.stdout.flush()
    except NLP2FiltersError as exc:
        print(f"nlp2filters: {_line(exc)}", file=sys.stderr)
        return USAGE if isinstance(exc, InvalidRequest | InputRefused) else FAILED
    except BrokenPipeError:  # whoever read it has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    return code


def _line(error: NLP2FiltersError) -> str:
    """What went wrong, and what to do."""
    match error:
        case Unreachable():
            return f"{error}. Is it running? `nlp2filters up` starts one; --server or NLP2FILTERS_SERVER names another."
        case AccessRefused(status=401):
            return f"{error} Here: --key or NLP2FILTERS_API_KEY."
        case JobUnsuccessful(status="failed" | "canceled" | "expired"):
            return f"{error} `nlp2filters jobs retry {error.job_id}` asks again."
        case Busy(retry_after_s=float()):
            return f"{error} Try again in {error.retry_after_s:g} s."
    return str(error)


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="nlp2filters", description="Plain language in, validated filters out.")
    parser.add_argument("--version", action="version", version=f"nlp2filters {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    service = commands.add_parser("up", help="run the whole service: Redis, the model, web and workers")
    service.set_defaults(run=_up)

    worker = commands.add_parser("worker", help="run the worker of one queue")
    worker.add_argument("stage", choices=list(CLASSES))
    worker.set_defaults(run=_worker)

    ask.add_to(commands)
    jobs.add_to(commands)
    keys.add_to(commands)
    evaluate.add_to(commands)
    catalogs.add_to(commands)
    return parser.parse_args(argv)


def _up(args: argparse.Namespace) -> int:
    return up(Settings.read(os.environ), os.environ)


def _worker(args: argparse.Namespace) -> int:
    logs.configure(Settings.read(os.environ).log_level)
    asyncio.run(workers.run_process(import_string(f"worker_settings.{CLASSES[args.stage]}")))
    return 0
