"""`nlp2filters completion`: the script with which a shell completes commands, options and their values."""

import argparse
from contextlib import suppress

import shtab

from nlp2filters.cli import main


def add_to(command: argparse.ArgumentParser) -> None:
    """Add the command's argument."""
    command.add_argument("shell", choices=shtab.SUPPORTED_SHELLS, help='such as bash: eval "$(… completion bash)"')
    command.set_defaults(run=_print)


def _print(args: argparse.Namespace) -> int:
    installed = []
    for name in main.COMMANDS:
        with suppress(ModuleNotFoundError):  # Commands of extras that are not installed have no options to complete.
            main.parser([name])
            installed.append(name)
    print(shtab.complete(main.parser(installed), args.shell))
    return 0
