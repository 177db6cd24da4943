"""The report of an analysis, for people."""

from collections.abc import Iterable, Mapping
from typing import Any

from nlp2filters.cli import output

# A summary names so many definitions, findings and answers; `--json` has all.
SHOWN_DEFINITIONS, SHOWN_FINDINGS, SHOWN_ANSWERS = 15, 20, 5
QUOTED_LINES = 8


def print_report(report: dict[str, Any], question: str | None, *, lacks_model: bool) -> None:
    """Print what matters most. `lacks_model` is True if the embedding model is missing."""
    console = output.out()
    if report["summary"]:
        console.print(report["summary"], soft_wrap=True)
    if question:
        console.print(f"\n{question}", style="bold", soft_wrap=True)
        if lacks_model:
            console.print("By words only: the embedding model is not on this machine. `nlp2filters up` fetches it.")
        print_answers(report["answers"][:SHOWN_ANSWERS])
    if report["map"]:
        console.print("\nMost used", style="bold")
        output.print_table(
            ("definition", "kind", "place"),
            [
                (entry["name"], entry["kind"], f"{entry['path']}:{entry['start_line']}")
                for entry in report["map"]["definitions"][:SHOWN_DEFINITIONS]
            ],
        )
    findings = report["findings"]
    console.print(f"\n{len(findings):,} findings", style="bold")
    for entry in findings[:SHOWN_FINDINGS]:
        console.print(f"{entry['severity']}  {entry['path']}:{entry['start_line']}  {entry['message']}", soft_wrap=True)
    _print_omissions(report)


def print_answers(answers: Iterable[Mapping[str, Any]]) -> None:
    """Print the places that answer a question, each with its first lines."""
    console = output.out()
    for answer in answers:
        page = f", page {answer['page']}" if answer["page"] else ""
        place = f"{answer['path']}:{answer['start_line']}-{answer['end_line']}{page}"
        console.print(f"\n{place}", style="green", soft_wrap=True)
        console.print("\n".join(answer["quote"].split("\n")[:QUOTED_LINES]), soft_wrap=True)


def _print_omissions(report: dict[str, Any]) -> None:
    """Print what was left out, as nobody should take silence for health."""
    console, coverage = output.out(), report["coverage"]
    if (further := len(report["findings"]) - SHOWN_FINDINGS) > 0:
        console.print(f"… and {further:,} more: --json or --sarif FILE has all.")
    if skipped := sum(entry["skipped"] is not None for entry in report["files"]):
        console.print(f"\n{skipped:,} files were skipped; --json tells why.")
    if coverage["over_budget"]:
        console.print(
            f"Read by meaning: {coverage['analyzed']:,} of {coverage['chunks']:,} chunks, those of the most used files "
            "first; --max-chunks reads more."
        )
