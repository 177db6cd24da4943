"""`nlp2filters jobs`: list, show, watch, cancel and retry the jobs of a service."""

import argparse
from collections.abc import Callable
from itertools import islice
from typing import Any, TypeAlias

from nlp2filters.cli import output, remote, watching
from nlp2filters.client import Client, Job
from nlp2filters.core.statuses import STATUSES

# The service may be upgraded while a job is watched.
WATCH_PATIENCE_S = 120.0

Action: TypeAlias = Callable[[Client, argparse.Namespace], int]


def add_to(command: argparse.ArgumentParser) -> None:
    """Add the command's actions."""
    actions = command.add_subparsers(required=True, metavar="ACTION")

    listing = actions.add_parser("list", help="your jobs, the newest first")
    listing.add_argument("--status", choices=STATUSES, help="only those")
    listing.add_argument("--limit", type=int, default=20, metavar="N", help="how many at the most; else 20")
    _finish(listing, _list)
    for name, action, about in (
        ("show", _show, "a job, and what came of it"),
        ("watch", _watch, "follow a job to its end, then show what came of it"),
        ("cancel", _cancel, "cancel a job"),
        ("retry", _retry, "ask the same again for a job that failed, was canceled or expired"),
    ):
        parser = actions.add_parser(name, help=about)
        parser.add_argument("id", help="the job's id, as `jobs list` shows it")
        _finish(parser, action)


def _finish(parser: Any, action: Action) -> None:
    parser.add_argument("--json", action="store_true", help="for programs")
    remote.add_to(parser)
    parser.set_defaults(run=lambda args: _run(action, args))


def _run(action: Action, args: argparse.Namespace) -> int:
    with remote.client(args, patience_s=WATCH_PATIENCE_S if action is _watch else remote.PATIENCE_S) as client:
        return action(client, args)


def _list(client: Client, args: argparse.Namespace) -> int:
    pages = client.jobs.list(status=args.status, page_size=min(max(args.limit, 1), 200))
    jobs = list(islice(pages, max(args.limit, 0)))
    if args.json:
        output.print_json([job.model_dump(mode="json") for job in jobs])
        return 0
    output.print_table(("id", "status", "catalog", "created", "error"), map(_row, jobs))
    return 0


def _row(job: Job) -> list[str | None]:
    error = job.error.detail if job.error else None
    return [job.id, output.status_of(job), job.catalog, output.local_time(job.created_at), error]


def _show(client: Client, args: argparse.Namespace) -> int:
    job = client.jobs.get(args.id)
    result = client.jobs.any_result(job) if job.status == "succeeded" else None
    if args.json:
        output.print_json({**job.model_dump(mode="json"), "result": output.plain(result)})
        return 0
    output.print_job(job)
    if result:
        print()
        output.print_any_result(result)
    return 0


def _watch(client: Client, args: argparse.Namespace) -> int:
    result = watching.to_its_end(client, client.jobs.get(args.id))
    if args.json:
        output.print_json(result)
    else:
        output.print_any_result(result)
    return 0


def _cancel(client: Client, args: argparse.Namespace) -> int:
    job = client.jobs.cancel(args.id)
    if args.json:
        output.print_json(job)
    else:
        print(f"{job.id} is {job.status}.")
    return 0


def _retry(client: Client, args: argparse.Namespace) -> int:
    job = client.jobs.retry(args.id)
    if args.json:
        output.print_json(job)
    else:
        print(f"{job.id} asks the same again.")
    return 0
