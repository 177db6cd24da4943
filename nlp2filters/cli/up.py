"""`nlp2filters up`: run the whole service."""

import argparse
import os

from nlp2filters.cli.supervisor import up
from nlp2filters.settings import Settings


def add_to(command: argparse.ArgumentParser) -> None:
    """Set the command's action; it has no arguments."""
    command.set_defaults(run=_up)


def _up(args: argparse.Namespace) -> int:
    return up(Settings.read(os.environ), os.environ)
