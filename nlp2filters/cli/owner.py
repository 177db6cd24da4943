"""`nlp2filters owner`: show, export and delete everything that a service keeps of an owner."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

from nlp2filters.cli import output, remote
from nlp2filters.client import Client
from nlp2filters.errors import NotConfirmed

Action: TypeAlias = Callable[[Client, argparse.Namespace], int]


def add_to(command: argparse.ArgumentParser) -> None:
    """Add the command's actions."""
    actions = command.add_subparsers(required=True, metavar="ACTION")

    listing = actions.add_parser("list", help="the owners with the most bytes; needs a key with the scope admin")
    listing.add_argument("--json", action="store_true", help="for programs")
    _finish(listing, _list)

    show = actions.add_parser("show", help="what is kept: how much of each kind, and until when")
    show.add_argument("--json", action="store_true", help="for programs")
    export = actions.add_parser("export", help="write everything into a ZIP file")
    export.add_argument("file", type=Path, help="the file to write; - for standard output")
    delete = actions.add_parser(
        "delete", help="delete everything: jobs in any state, catalogs, files, all made of them"
    )
    delete.add_argument("--yes", action="store_true", help="do not ask")
    delete.add_argument("--json", action="store_true", help="for programs")
    for parser, action in ((show, _show), (export, _export), (delete, _delete)):
        parser.add_argument("--owner", metavar="NAME", help="else that of the API key; others need the scope admin")
        _finish(parser, action)


def _finish(parser: Any, action: Action) -> None:
    remote.add_to(parser)
    parser.set_defaults(run=lambda args: _run(action, args))


def _run(action: Action, args: argparse.Namespace) -> int:
    with remote.client(args) as client:
        return action(client, args)


def _list(client: Client, args: argparse.Namespace) -> int:
    totals = client.owner.list()
    if args.json:
        output.print_json(totals)
        return 0
    rows = [[row.owner, f"{row.jobs:,}", f"{row.files:,}", f"{row.bytes:,}"] for row in totals.owners]
    output.print_table(("owner", "jobs", "files", "bytes"), rows)
    return 0


def _show(client: Client, args: argparse.Namespace) -> int:
    summary = client.owner.show(args.owner)
    if args.json:
        output.print_json(summary)
        return 0
    print(f"{summary.owner}: {summary.bytes:,} bytes, {summary.api_keys} valid API keys")
    rows = [
        [row.kind, f"{row.count:,}", f"{row.bytes:,}", output.local_time(row.expires_at) or "it is deleted"]
        for row in summary.kinds
    ]
    output.print_table(("kind", "count", "bytes", "until"), rows)
    return 0


def _export(client: Client, args: argparse.Namespace) -> int:
    pieces = client.owner.export(args.owner)
    if str(args.file) == "-":
        for piece in pieces:
            sys.stdout.buffer.write(piece)
        return 0
    with args.file.open("wb") as file:
        for piece in pieces:
            file.write(piece)
    print(f"{args.file}: {args.file.stat().st_size:,} bytes")
    return 0


def _delete(client: Client, args: argparse.Namespace) -> int:
    if not args.yes:
        _confirm(client.owner.show(args.owner).owner)
    deletion = client.owner.delete(args.owner)
    if args.json:
        output.print_json(deletion)
        return 0
    output.print_table(("deleted", "count"), [[kind, f"{count:,}"] for kind, count in deletion.deleted.items()])
    if deletion.api_keys:
        print(f"API keys of {deletion.owner} that remain valid: {deletion.api_keys}. `nlp2filters keys` revokes them.")
    return 0


def _confirm(owner: str) -> None:
    """Let the user type the owner's name.

    Raises:
        NotConfirmed: it is another one, or nobody is there to type it.
    """
    prompt = f"Everything of {owner} is deleted for good. Type its name to go on: "
    if not sys.stdin.isatty() or input(prompt).strip() != owner:
        raise NotConfirmed(owner)
