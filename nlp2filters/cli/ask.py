"""`nlp2filters ask`: translate a text, or each line of files, in this process or by a service."""

import argparse
import asyncio
import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nlp2filters.cli import files, many_texts, output, remote
from nlp2filters.core.dialects import DIALECTS
from nlp2filters.core.schemas import Result
from nlp2filters.errors import InvalidRequest, LLMNotConfigured, RecordingRefused, Violation

if TYPE_CHECKING:
    from nlp2filters.client import Client

STDIN = "-"


def add_to(command: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    command.add_argument(
        "text",
        nargs="?",
        help="what somebody asks for, in plain language; - reads texts from standard input, a line each",
    )
    command.add_argument("--voice", type=Path, metavar="FILE", help="a recording of who asks, instead of a text")
    command.add_argument(
        "--file",
        action="append",
        default=[],
        type=Path,
        metavar="FILE",
        help="a file with a text per line, instead of a text; may be repeated. The results are JSON, a line each",
    )
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
    sources = [args.text is not None, args.voice is not None, bool(args.file)]
    if sum(sources) != 1:
        raise InvalidRequest([Violation("/text", "Give either a text, --file, or --voice with a recording.")])
    options = {
        "strategy": args.strategy,
        "locale": args.locale,
        "timezone": args.timezone,
        "dialects": args.dialect,
        "refines": args.refines,
    }
    options = {name: value for name, value in options.items() if value is not None}
    if args.catalog:
        options["catalog"] = files.read_catalog(args.catalog)
    if args.text == STDIN or args.file:
        return _ask_many(args, options)
    result = _ask_one(args, _text(args, options.get("catalog")), options)
    if args.json:
        output.print_json(result)
    else:
        output.print_result(result)
    return 0


def _ask_one(args: argparse.Namespace, text: str, options: dict[str, Any]) -> Result:
    if not remote.address(args):
        return asyncio.run(_read(text, options, args.then))
    with remote.client(args) as client:
        result = _submit(client, text, options)
        options.pop("catalog", None)
        for text in args.then:
            result = _submit(client, text, {**options, "refines": result.job_id})
    if args.strategy == "llm" and result.provider == "builtin":
        raise LLMNotConfigured("The service has no LLM: set LLM_MODEL where it runs.")
    return result


def _ask_many(args: argparse.Namespace, options: dict[str, Any]) -> int:
    if args.then:
        raise InvalidRequest([Violation("/then", "A text goes on from one text, and not from many.")])
    texts = many_texts.lines([Path("/dev/stdin")] if args.text == STDIN else args.file)
    if remote.address(args):
        with remote.client(args) as client:
            return many_texts.print_results(many_texts.by_service(client, texts, options))
    return many_texts.print_results(many_texts.here(texts, options))


async def _read(text: str, options: dict[str, Any], then: list[str]) -> Result:
    from nlp2filters.cli import offline  # It loads the parser, which is not needed with a service.
    from nlp2filters.settings import Settings

    logging.getLogger("nlp2filters").addHandler(logging.NullHandler())  # Errors are in the result.
    async with offline.open_reader(Settings.read(os.environ)) as reader:
        return await reader.ask({"text": text, **options}, then)


def _text(args: argparse.Namespace, catalog: str | dict[str, Any] | None) -> str:
    """Return the text of the command, or what the recording says, which is also printed for the person to see."""
    if args.voice is None:
        return str(args.text)
    from nlp2filters.cli import speech  # It loads the speech model's libraries.
    from nlp2filters.settings import Settings

    names, settings = speech.names_of(catalog), Settings.read(os.environ)
    text = asyncio.run(speech.transcribe(args.voice, settings, (args.locale or "en")[:2], names))[0].text
    if not text:
        raise RecordingRefused(f"Nobody speaks in {args.voice}.")
    output.err().print(f"“{text}”")
    return text


def _submit(client: "Client", text: str, options: dict[str, Any]) -> Result:
    from nlp2filters.cli import watching  # It loads the client, which is not needed without a service.

    result: Result = watching.to_its_end(client, client.jobs.submit(text, **options))
    return result
