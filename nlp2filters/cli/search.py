"""`nlp2filters search`: find the places of code that a service has analysed, by a question."""

import argparse

from nlp2filters.cli import output, remote, report_output


def add_to(command: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    command.add_argument("id", help="the id of the analysis, as `jobs list` shows it")
    command.add_argument("question", help="what to look for, in plain language")
    command.add_argument("--count", type=int, default=5, metavar="N", help="how many places at the most; else 5")
    command.add_argument("--json", action="store_true", help="for programs")
    remote.add_to(command)
    command.set_defaults(run=_search)


def _search(args: argparse.Namespace) -> int:
    with remote.client(args) as client:
        results = client.analyses.search(args.id, args.question, count=args.count)
    answers = [result.model_dump(mode="json") for result in results]
    if args.json:
        output.print_json(answers)
    else:
        report_output.print_answers(answers)
    return 0
