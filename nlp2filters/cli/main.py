"""The command line: `nlp2filters up` runs everything, `web` and `worker STAGE` one process; most others are clients.

Exit codes: 0 for success, 1 if the job or the service failed, 2 if the command was wrong.
"""

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import NamedTuple

from nlp2filters import __version__
from nlp2filters.errors import ExtraMissing, InvalidSetting, NLP2FiltersError

FAILED, USAGE, INTERRUPTED = 1, 2, 130


class Command(NamedTuple):
    """A command: its module in nlp2filters.cli, a help text, and the extra with what it needs besides the client."""

    module: str
    about: str
    extra: str


COMMANDS: Mapping[str, Command] = {
    "up": Command("up", "run the whole service: Redis, the model, web and workers", "server,embedded"),
    "web": Command("web", "run a web process", "server"),
    "worker": Command("worker", "run the worker of one queue", "server"),
    "fetch-models": Command("fetch_models", "download the models before they are needed", "local"),
    "ask": Command("ask", "find out what a text asks for", "local"),
    "transcribe": Command("transcribe", "write down what a recording says", "audio,server"),
    "compile": Command("compile", "compile and explain a filter that you have, in CQL2", "local"),
    "jobs": Command("jobs", "list, show, watch, cancel and retry jobs", ""),
    "owner": Command("owner", "show, export and delete everything that is kept of an owner", ""),
    "keys": Command("keys", "make, list and revoke API keys", "server"),
    "analyze": Command(
        "analyze", "find your way in a codebase: its map, findings, and answers with file and line", "analysis"
    ),
    "search": Command("search", "find the places of analysed code that answer a question", ""),
    "eval": Command("evaluate", "measure how well texts are understood", "local"),
    "mcp": Command("mcp", "offer the service's tools to a language model, by MCP over stdio", "mcp"),
    "doctor": Command("doctor", "check the configuration, Redis, models, providers and ports", ""),
    "completion": Command("completion", "print a script for completion in a shell", ""),
    "catalog": Command("catalogs", "infer catalogs from data, and keep them in a service", "data"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit code."""
    words = sys.argv[1:] if argv is None else argv
    try:
        args = parser(words[:1]).parse_args(words)
        code: int = args.run(args)
        sys.stdout.flush()
    except ModuleNotFoundError as exc:
        extra = COMMANDS[words[0]].extra if words and words[0] in COMMANDS else ""
        if not extra or (exc.name or "").startswith("nlp2filters"):
            raise
        return _fail(ExtraMissing(f"nlp2filters {words[0]}", extra, exc.name))
    except NLP2FiltersError as exc:
        return _fail(exc)
    except BrokenPipeError:  # The reader of our output, such as `head`, has closed it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    return code


def _fail(error: NLP2FiltersError) -> int:
    """Report an error in one line; returns the exit code."""
    if isinstance(error, ExtraMissing | InvalidSetting):
        message, usage = str(error), True
    else:
        from nlp2filters.cli import problems  # It loads the client, which not every command needs.

        message, usage = problems.describe(error), problems.is_usage(error)
    print(f"nlp2filters: {message}", file=sys.stderr)
    return USAGE if usage else FAILED


def parser(words: Sequence[str]) -> argparse.ArgumentParser:
    """Create the parser, complete for the commands in `words` only: the modules of some take seconds to import."""
    parser = argparse.ArgumentParser(prog="nlp2filters", description="Plain language in, validated filters out.")
    parser.add_argument("--version", action="version", version=f"nlp2filters {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, (module, about, _) in COMMANDS.items():
        command = commands.add_parser(name, help=about)
        if name in words:
            import_module(f"nlp2filters.cli.{module}").add_to(command)
    return parser
