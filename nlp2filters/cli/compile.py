"""`nlp2filters compile`: compile a filter in CQL2 in this process or by a service, and say what it selects."""

import argparse
import sys
from typing import Any

import orjson

from nlp2filters.cli import files, output, remote
from nlp2filters.client.options import filter_body
from nlp2filters.core.dialects import DIALECTS
from nlp2filters.errors import InvalidRequest, Violation


def add_to(command: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    command.add_argument(
        "filter", help='CQL2-text ("price < 80 AND wireless") or CQL2-JSON; - reads it from standard input'
    )
    command.add_argument(
        "--catalog", required=True, metavar="NAME_OR_FILE", help="a catalog's name, or a JSON file that holds one"
    )
    command.add_argument(
        "--dialect", action="append", choices=list(DIALECTS), help="what to compile for; may be repeated; else sql"
    )
    command.add_argument(
        "--sort", action="append", type=_sort, metavar="FIELD[:desc]", help="the order of the rows; may be repeated"
    )
    command.add_argument("--limit", type=int, help="the number of rows")
    command.add_argument("--scope", metavar="CQL2", help="a filter to add, which every dialect must express completely")
    command.add_argument("--unknown", choices=["exclude", "include"], help="what a negation does with unknown values")
    command.add_argument("--timezone", help="where days begin: Europe/Berlin; else UTC")
    command.add_argument("--json", action="store_true", help="the answer for programs")
    remote.add_to(command, otherwise="no service: the filter is compiled here")
    command.set_defaults(run=_compile)


def _compile(args: argparse.Namespace) -> int:
    options = {
        "dialects": args.dialect,
        "sort": args.sort,
        "limit": args.limit,
        "scope": _cql2(args.scope, "/scope"),
        "unknown": args.unknown,
        "timezone": args.timezone,
    }
    options = {name: value for name, value in options.items() if value is not None}
    cql2 = _cql2(sys.stdin.read() if args.filter == "-" else args.filter, "/filter")
    catalog = files.read_catalog(args.catalog)
    if remote.address(args):
        with remote.client(args) as client:
            compiled = client.compile(cql2, catalog, **options)
    else:
        from nlp2filters.cli import offline  # It loads the compiler, which is not needed with a service.

        compiled = offline.compile_filter(filter_body(cql2, catalog, options))
    if args.json:
        output.print_json(compiled)
    else:
        output.print_compiled(compiled)
    return 0


def _cql2(text: str | None, at: str) -> Any:
    """Return CQL2-JSON as data, and CQL2-text as it is."""
    if text is None or not text.lstrip().startswith("{"):
        return text
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as exc:
        raise InvalidRequest([Violation(at, f"It begins like JSON, but is none: {exc}.")]) from exc


def _sort(text: str) -> dict[str, str]:
    field, _, direction = text.rpartition(":")
    return {"field": field, "direction": direction} if direction in ("asc", "desc") and field else {"field": text}
