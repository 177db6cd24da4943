"""Write docs/performance.md: what a benchmark measured, with the machine, between the marks of its tables.

The sentences around the marks are the page's own, so that a rerun changes figures alone. The figures themselves are in
docs/performance.json, from which the table of goals is made.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from bench import machine, plan
from bench.goals import GOALS, Figures, Goal
from bench.sizes import ROUNDS, SMALL
from bench.text import number
from tools.dialects_table import markdown, with_section

DOCS = Path(__file__).parent.parent / "docs"
README, SCALING = DOCS.parent / "README.md", DOCS / "scaling.md"
PAGE, FIGURES, CHARTS = DOCS / "performance.md", DOCS / "performance.json", DOCS / "performance"


@dataclass(frozen=True)
class Table:
    """Rows of texts under a header."""

    header: Sequence[str]
    rows: Sequence[Sequence[str]]

    def __str__(self) -> str:
        return markdown(list(self.header), [list(row) for row in self.rows])


@dataclass
class Report:
    """What one benchmark measured: tables and charts (SVG) by their names on the page, and figures for the goals.

    `rounds` is how many rounds the figures are medians of; None where each was measured once.
    """

    tables: dict[str, Table] = field(default_factory=dict)
    figures: dict[str, float] = field(default_factory=dict)
    charts: dict[str, str] = field(default_factory=dict)
    rounds: int | None = ROUNDS


def write(name: str, report: Report) -> None:
    """Put what the benchmark `name` measured into the page, and its charts beside it."""
    page, conditions = PAGE.read_text("utf-8"), _conditions(report.rounds)
    for section, table in report.tables.items():
        page = with_section(page, section, f"{table}\n\n*{conditions}*")
    PAGE.write_text(page, "utf-8")
    measured: dict[str, Any] = orjson.loads(FIGURES.read_bytes()) if FIGURES.exists() else {}
    measured[name] = {"conditions": conditions, "figures": report.figures}
    FIGURES.write_bytes(orjson.dumps(measured, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS) + b"\n")
    CHARTS.mkdir(exist_ok=True)
    for chart, svg in report.charts.items():
        (CHARTS / f"{chart}.svg").write_text(svg, "utf-8")
    bring_up_to_date()


def bring_up_to_date() -> None:
    """Write what follows from the figures: the goals, the tables of docs/scaling.md, and the sentence of the README."""
    figures = recorded()
    sections = {
        PAGE: {"goals": str(goals_table(figures))},
        SCALING: plan.sections(figures),
        README: {"speed": speed(figures)},
    }
    for path, contents in sections.items():
        page = path.read_text("utf-8")
        for section, content in contents.items():
            page = with_section(page, section, content)
        path.write_text(page, "utf-8")


def recorded() -> Figures:
    """Return the figures of all benchmarks, as `benchmark.figure`."""
    measured: dict[str, Any] = orjson.loads(FIGURES.read_bytes())
    return {f"{name}.{figure}": value for name, one in measured.items() for figure, value in one["figures"].items()}


def speed(figures: Figures) -> str:
    """Write the sentence of the README that sets our figures beside those of others."""
    try:
        p50, older = figures["pipeline.builtin.p50_ms"], figures["pipeline.older.p50_ms"]
        passed = figures["pipeline.noop.jobs_per_s"] / figures["pipeline.older.jobs_per_s"]
        alone = figures["workers.ours.jobs_per_s"]
        saq, arq = (number(alone / figures[f"workers.{peer}.jobs_per_s"]) for peer in ("saq", "arq"))
    except KeyError:
        return "Not measured yet."
    return (
        f"a sentence is a filter after {number(p50)} ms, where Flask and RQ take {number(older)} ms for a job that "
        f"does nothing; the service completes {number(passed)} times as many of those; and its worker alone runs {saq} "
        f"times as many as SAQ's and {arq} times as many as ARQ's own."
    )


def goals_table(figures: Figures) -> Table:
    """Set each goal beside its figure."""
    return Table(["goal", "limit", "measured", "outcome"], [_goal_row(goal, figures) for goal in GOALS])


def _goal_row(goal: Goal, figures: Figures) -> list[str]:
    limit = f"{'at least' if goal.at_least else 'at most'} {number(goal.limit)} {goal.unit}".strip()
    try:
        value = goal.figure(figures)
    except (KeyError, ZeroDivisionError):
        return [goal.title, limit, "–", "not measured"]
    met = value >= goal.limit if goal.at_least else value <= goal.limit
    outcome = "met" if met else f"not met: {goal.reason}" if goal.reason else "not met"
    return [goal.title, limit, f"{number(value)} {goal.unit}".strip(), outcome]


def _conditions(rounds: int | None) -> str:
    """Describe where and how the figures were measured."""
    how = f"medians of {rounds} interleaved rounds" if rounds else "measured once"
    sizes = "; a trial with small sizes" if SMALL else ""
    return f"{machine.name()}; {dt.datetime.now(dt.UTC):%Y-%m-%d}; {how}{sizes}."


if __name__ == "__main__":
    bring_up_to_date()
