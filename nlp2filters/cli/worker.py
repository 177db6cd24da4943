"""`nlp2filters worker`: run the worker of one queue."""

import argparse
import asyncio
import os
from importlib import import_module

from nlp2filters import logs
from nlp2filters.settings import Settings
from nlp2filters.worker import process

CLASSES = {"embedding": "EmbeddingWorker", "llm": "LLMWorker", "delivery": "DeliveryWorker"}


def add_to(command: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    command.add_argument("stage", choices=list(CLASSES))
    command.set_defaults(run=_worker)


def _worker(args: argparse.Namespace) -> int:
    logs.configure(Settings.read(os.environ).log_level)
    asyncio.run(process.run_process(getattr(import_module("worker_settings"), CLASSES[args.stage])))
    return 0
