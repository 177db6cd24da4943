"""The command line: `nlp2filters up` runs everything, `web` and `worker STAGE` one process; most others are clients.

Exit codes: 0 for success, 1 if the job or the service failed, 2 if the command was wrong.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module

from nlp2filters import __version__
from nlp2filters.errors import NLP2FiltersError

FAILED, USAGE, INTERRUPTED = 1, 2, 130
COMMANDS = {  # Each command has a module in nlp2filters.cli, and a help text.
    "up": ("up", "run the whole service: Redis, the model, web and workers"),
    "web": ("web", "run a web process"),
    "worker": ("worker", "run the worker of one queue"),
    "fetch-models": ("fetch_models", "download the models before they are needed"),
    "ask": ("ask", "find out what a text asks for"),
    "transcribe": ("transcribe", "write down what a recording says"),
    "compile": ("compile", "compile and explain a filter that you have, in CQL2"),
    "jobs": ("jobs", "list, show, watch, cancel and retry jobs"),
    "keys": ("keys", "make, list and revoke API keys"),
    "analyze": ("analyze", "find your way in a codebase: its map, findings, and answers with file and line"),
    "search": ("search", "find the places of analysed code that answer a question"),
    "eval": ("evaluate", "measure how well texts are understood"),
    "mcp": ("mcp", "offer the service's tools to a language model, by MCP over stdio"),
    "catalog": ("catalogs", "infer catalogs from data, and keep them in a service"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit code."""
    args = _arguments(argv)
    try:
        code: int = args.run(args)
        sys.stdout.flush()
    except NLP2FiltersError as exc:
        from nlp2filters.cli import problems  # It loads the client, which not every command needs.

        print(f"nlp2filters: {problems.describe(exc)}", file=sys.stderr)
        return USAGE if problems.is_usage(exc) else FAILED
    except BrokenPipeError:  # The reader of our output, such as `head`, has closed it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    return code


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """Parse the arguments. Only the requested command's module is imported, since some take seconds."""
    words = sys.argv[1:] if argv is None else argv
    parser = argparse.ArgumentParser(prog="nlp2filters", description="Plain language in, validated filters out.")
    parser.add_argument("--version", action="version", version=f"nlp2filters {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, (module, about) in COMMANDS.items():
        command = commands.add_parser(name, help=about)
        if name in words[:1]:
            import_module(f"nlp2filters.cli.{module}").add_to(command)
    return parser.parse_args(words)
