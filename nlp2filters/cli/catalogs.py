"""`nlp2filters catalog …`: infer, store and list catalogs."""

import argparse
from pathlib import Path

import orjson

from nlp2filters.cli import files, output, remote
from nlp2filters.core import catalog as catalogs
from nlp2filters.errors import InvalidCatalog, Violation


def add_to(command: argparse.ArgumentParser) -> None:
    """Add the command's actions."""
    actions = command.add_subparsers(required=True, metavar="ACTION")

    action = actions.add_parser("infer", help="write the catalog of a file or a database's table")
    action.add_argument(
        "source", metavar="FILE_OR_URL", help="CSV, JSON, Excel, Parquet, SQLite, or an SQLAlchemy URL of a database"
    )
    action.add_argument("--name", help="of the catalog; else that of the file or table")
    action.add_argument("--table", help="which table of a database, or sheet of a workbook")
    action.add_argument("--encoding", metavar="NAME", help="of text, where it is not recognized: iso-8859-2, say")
    action.add_argument("--currency", metavar="CODE", help="ISO 4217, for prices whose header names none")
    action.add_argument("--date-order", choices=("day", "month"), help="which comes first in dates such as 03/04/2024")
    action.add_argument("--why", action="store_true", help="tell for each column what was seen and decided")
    action.add_argument("--out", type=Path, metavar="FILE", help="where to write it; else standard output")
    action.set_defaults(run=_infer)

    action = actions.add_parser("put", help="write a catalog to a service, where jobs can name it")
    action.add_argument("file", type=Path, help="JSON, as `catalog infer` writes it")
    action.add_argument("--name", help="else the one in the file")
    remote.add_to(action)
    action.set_defaults(run=_put)

    action = actions.add_parser("list", help="the catalogs that jobs can name")
    action.add_argument("--json", action="store_true", help="for programs")
    remote.add_to(action)
    action.set_defaults(run=_list)

    action = actions.add_parser("show", help="a catalog, as JSON")
    action.add_argument("name")
    remote.add_to(action)
    action.set_defaults(run=_show)


def _infer(args: argparse.Namespace) -> int:
    from nlp2filters.cli import inference  # It loads the readers of data, which the other actions do not need.

    return inference.run(args)


def _put(args: argparse.Namespace) -> int:
    try:
        data = orjson.loads(files.read(args.file))
    except orjson.JSONDecodeError as exc:
        raise InvalidCatalog([Violation("", f"{args.file} is not JSON: {exc}.")]) from exc
    catalog = catalogs.parse({**data, "name": args.name} if args.name and isinstance(data, dict) else data)
    with remote.client(args) as client:
        put = client.catalogs.put(catalog.name, catalog)
    print(f"{put.name}: {len(put.fields)} fields.")
    return 0


def _list(args: argparse.Namespace) -> int:
    with remote.client(args) as client:
        listing = client.catalogs.list()
    if args.json:
        output.print_json([one.model_dump(mode="json") for one in listing])
        return 0
    rows = ((one.name, str(one.fields), "packaged" if one.packaged else "yours", one.title) for one in listing)
    output.print_table(("name", "fields", "whose", "title"), rows)
    return 0


def _show(args: argparse.Namespace) -> int:
    with remote.client(args) as client:
        output.print_json(catalogs.to_json(client.catalogs.get(args.name)))
    return 0
