"""`nlp2filters ask`: translate a text in this process or by a service."""

import argparse
import asyncio
import logging
import os
from pathlib import Path
from typing import Any

from nlp2filters.cli import files, output, remote, watching
from nlp2filters.client import Client
from nlp2filters.core.dialects import DIALECTS
from nlp2filters.core.schemas import Result
from nlp2filters.errors import InvalidRequest, RecordingRefused, Violation
from nlp2filters.settings import Settings


def add_to(command: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    command.add_argument("text", nargs="?", help="what somebody asks for, in plain language")
    command.add_argument("--voice", type=Path, metavar="FILE", help="a recording of who asks, instead of a text")
    command.add_argument("--catalog", metavar="NAME_OR_FILE", help="a catalog's name, or a JSON file that holds one")
    command.add_argument(
        "--then", action="append", default=[], metavar="TEXT", help="a text that goes on from there; may be repeated"
    )
    command.add_argument("--refines", metavar="JOB", help="the service's job that the text goes on from")
    command.add_argument(
        "--dialect", action="append", choices=list(DIALECTS), help="what to compile for; may be repeated; else sql"
    )
    command.add_argument("--strategy", choices=["auto", "llm", "builtin"], help="who reads the text")
    command.add_argument("--locale", help="its language: en, es, es-MX")
    command.add_argument("--timezone", help="where today is meant: Europe/Berlin; else UTC")
    command.add_argument("--json", action="store_true", help="the result for programs")
    remote.add_to(command, otherwise="no service: the text is read here")
    command.set_defaults(run=_ask)


def _ask(args: argparse.Namespace) -> int:
    catalog = files.read_catalog(args.catalog) if args.catalog else None
    text = _text(args, catalog)
    options = {
        "strategy": args.strategy,
        "locale": args.locale,
        "timezone": args.timezone,
        "dialects": args.dialect,
        "refines": args.refines,
    }
    options = {name: value for name, value in options.items() if value is not None}
    if remote.address(args):
        with remote.client(args) as client:
            result = _submit(client, text, catalog, options)
            for text in args.then:
                result = _submit(client, text, None, {**options, "refines": result.job_id})
    else:
        from nlp2filters.cli import offline  # It loads the model's libraries, which are not needed with a service.

        logging.getLogger("nlp2filters").addHandler(logging.NullHandler())  # Errors are in the result.
        body = {"text": text, **({"catalog": catalog} if catalog else {}), **options}
        result = asyncio.run(offline.ask(body, Settings.read(os.environ), args.then))
    if args.json:
        output.print_json(result)
    else:
        output.print_result(result)
    return 0


def _text(args: argparse.Namespace, catalog: str | dict[str, Any] | None) -> str:
    """Return the text of the command, or what the recording says, which is also printed for the person to see."""
    if (args.text is None) == (args.voice is None):
        raise InvalidRequest([Violation("/text", "Give either a text or --voice with a recording.")])
    if args.voice is None:
        return str(args.text)
    from nlp2filters.cli import speech  # It loads the speech model's libraries.

    names, settings = speech.names_of(catalog), Settings.read(os.environ)
    text = asyncio.run(speech.transcribe(args.voice, settings, (args.locale or "en")[:2], names))[0].text
    if not text:
        raise RecordingRefused(f"Nobody speaks in {args.voice}.")
    output.err().print(f"“{text}”")
    return text


def _submit(client: Client, text: str, catalog: Any, options: Any) -> Result:
    result: Result = watching.to_its_end(client, client.jobs.submit(text, catalog, **options))
    return result
