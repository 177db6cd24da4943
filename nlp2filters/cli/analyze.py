"""`nlp2filters analyze`: a map of a codebase, findings in it and answers about it, here or by a service."""

import argparse
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

import orjson

from nlp2filters import __version__
from nlp2filters.cli import files, output, remote, report_output
from nlp2filters.core.analyses import TASKS, Strategy
from nlp2filters.errors import SourceError
from nlp2filters.settings import Settings

try:
    from nlp2filters.analysis.findings import Finding
    from nlp2filters.analysis.sarif import to_sarif
    from nlp2filters.analysis.selection import Selection, is_pattern
    from nlp2filters.cli import local_analysis, remote_analysis
except ModuleNotFoundError as exc:
    raise SourceError("To analyse code: pip install 'nlp2filters[analysis]'.") from exc

MAX_CHUNKS = 2_000


def add_to(command: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    command.add_argument("path", type=Path, metavar="FOLDER_OR_ARCHIVE", help="a folder, or a tar, zip or wheel file")
    command.add_argument("--question", metavar="TEXT", help="what to look for, in plain language")
    command.add_argument(
        "--task",
        action="append",
        choices=TASKS,
        help="what the report has; may be repeated; else all, but `search` here only with a question, as it takes long",
    )
    command.add_argument(
        "--include", action="append", default=[], type=_pattern, metavar="GLOB", help="only these; may be repeated"
    )
    command.add_argument(
        "--exclude", action="append", default=[], type=_pattern, metavar="GLOB", help="not these; may be repeated"
    )
    command.add_argument("--no-gitignore", action="store_true", help="read what .gitignore files leave out, too")
    command.add_argument(
        "--max-chunks", type=_count, default=MAX_CHUNKS, metavar="N", help=f"read so many by meaning; else {MAX_CHUNKS}"
    )
    command.add_argument("--strategy", choices=get_args(Strategy), help="who reads the code, if a service does")
    command.add_argument("--sarif", type=Path, metavar="FILE", help="write the findings to a file, as SARIF 2.1.0")
    command.add_argument("--json", action="store_true", help="everything, for programs")
    remote.add_to(command, otherwise="no service: the code is read here")
    command.set_defaults(run=_analyze)


def _analyze(args: argparse.Namespace) -> int:
    selection = Selection(args.include, args.exclude, gitignore=not args.no_gitignore)
    if remote.address(args):
        with remote.client(args) as client:
            report, lacks_model = remote_analysis.report(client, args.path, selection, _options(args)), False
    else:
        settings = Settings.read(os.environ)
        report, lacks_model = local_analysis.report(
            args.path, selection, args.task, args.question, args.max_chunks, settings
        )
    if args.sarif:
        findings = [_finding(entry) for entry in report["findings"]]
        files.write(args.sarif, orjson.dumps(to_sarif(findings, __version__), option=orjson.OPT_INDENT_2))
    if args.json:
        output.print_json(report)
    else:
        report_output.print_report(report, args.question, lacks_model=lacks_model)
    return 0


def _options(args: argparse.Namespace) -> dict[str, Any]:
    """Return the options of a request to a service, without those that choose files."""
    options = {"question": args.question, "tasks": args.task, "strategy": args.strategy}
    options = {name: value for name, value in options.items() if value is not None}
    return {**options, "budget": {"chunks": args.max_chunks}}


def _finding(entry: Mapping[str, Any]) -> Finding:
    return Finding(**{name: value for name, value in entry.items() if name != "fingerprint"})


def _pattern(text: str) -> str:
    if not is_pattern(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no pattern: expected one such as src/**/*.py, as in .gitignore")
    return text


def _count(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no positive number")
    return int(text)
