"""`nlp2filters worker`: run the worker of one queue."""

import argparse
import asyncio
import os

from nlp2filters import logs
from nlp2filters.core import kinds
from nlp2filters.settings import Settings


def add_to(command: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    kinds.load(Settings.read(os.environ).extra_kinds)
    command.add_argument("stage", choices=kinds.queues())
    command.set_defaults(run=_worker)


def _worker(args: argparse.Namespace) -> int:
    from nlp2filters.worker import process  # It loads the model's libraries, which the command's help does not need.
    from worker_settings import WORKERS

    settings = Settings.read(os.environ)
    logs.configure(settings.log_level, settings.log_format, args.stage)
    asyncio.run(process.run_process(WORKERS[args.stage]))
    return 0
