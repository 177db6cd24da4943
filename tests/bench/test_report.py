"""The page of the benchmarks: what is between its marks follows from the figures, and goals are judged by them."""

from collections.abc import Mapping
from pathlib import Path
from xml.etree import ElementTree

import orjson
import pytest

from bench import chart, plan, report
from bench.goals import GOALS, Goal
from bench.report import Report, Table
from tools.dialects_table import with_section

SECTION = "<!-- {0} -->\nold\n<!-- /{0} -->\n"


@pytest.fixture
def docs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Pages of the test's own."""
    places = {"PAGE": "performance.md", "SCALING": "scaling.md", "README": "README.md"}
    for name, file in places.items():
        monkeypatch.setattr(report, name, tmp_path / file)
    monkeypatch.setattr(report, "FIGURES", tmp_path / "performance.json")
    monkeypatch.setattr(report, "CHARTS", tmp_path / "performance")
    (tmp_path / "performance.md").write_text("Before.\n" + SECTION.format("goals") + SECTION.format("workers"))
    (tmp_path / "scaling.md").write_text(SECTION.format("plan") + SECTION.format("retention"))
    (tmp_path / "README.md").write_text(SECTION.format("speed"))
    return tmp_path


def test_a_rerun_changes_tables_alone(docs: Path) -> None:
    for jobs_per_s in (1_000.0, 3_000.0):
        table = Table(["worker", "jobs/s"], [["ours", f"{jobs_per_s:,.0f}"]])
        report.write("workers", Report({"workers": table}, {"ours.jobs_per_s": jobs_per_s, "saq.jobs_per_s": 900.0}))
    page = (docs / "performance.md").read_text()
    assert page.startswith("Before.\n")
    assert "| ours | 3,000 |" in page
    assert "1,000" not in page.split("<!-- workers -->")[1]
    assert orjson.loads((docs / "performance.json").read_bytes())["workers"]["figures"]["ours.jobs_per_s"] == 3_000


def test_each_table_tells_the_machine_and_the_day(docs: Path) -> None:
    report.write("workers", Report({"workers": Table(["worker"], [["ours"]])}))
    assert "cores of " in (docs / "performance.md").read_text().split("<!-- workers -->")[1]


@pytest.mark.parametrize(
    ("figures", "outcome"),
    [
        ({"workers.ours.jobs_per_s": 3_000, "workers.saq.jobs_per_s": 1_000}, "met"),
        ({"workers.ours.jobs_per_s": 2_900, "workers.saq.jobs_per_s": 1_000}, "not met"),
        ({}, "not measured"),
    ],
)
def test_a_goal_is_judged_by_its_figure(figures: Mapping[str, float], outcome: str) -> None:
    row = next(row for row in report.goals_table(figures).rows if row[0] == "the worker alone, beside SAQ")
    assert row[-1].startswith(outcome)
    assert (row[-1] == "met") == (outcome == "met")


def test_a_goal_that_is_not_met_has_its_reason() -> None:
    goal = Goal("speed", 5, "ms", lambda _: 7.0, reason="the network")
    assert report._goal_row(goal, {}) == ["speed", "at most 5 ms", "7 ms", "not met: the network"]


def test_the_page_is_in_step_with_its_figures() -> None:
    """After a change in bench/goals.py or bench/plan.py: `python -m bench.report`."""
    figures = report.recorded()
    page, scaling = report.PAGE.read_text("utf-8"), report.SCALING.read_text("utf-8")
    assert with_section(page, "goals", str(report.goals_table(figures))) == page
    for name, content in plan.sections(figures).items():
        assert with_section(scaling, name, content) == scaling
    readme = report.README.read_text("utf-8")
    assert with_section(readme, "speed", report.speed(figures)) == readme
    assert len({goal.title for goal in GOALS}) == len(GOALS)


def test_more_jobs_need_more_of_everything_and_shorter_retention_less_memory() -> None:
    cpu = {f"pipeline.builtin.cpu_ms.{name}": 6.0 for name in plan.PROCESSES}
    sections = plan.sections({**cpu, "ceiling.filter.redis_ms": 0.6, "growth.kb.finished": 16.0})
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in sections["plan"].splitlines()[2:]]
    # 100,000 a minute are 1,667 a second, of 6 ms each at 60 %: 16.7 cores.
    assert [row[1] for row in rows] == ["1", "1", "17"]
    last = sections["retention"].splitlines()[-1]
    # 100,000 × 10 minutes × 16 KB = 15.3 GB.
    assert "15.3 GB (premium-10)" in last
    assert "(none)" in last


def test_charts_are_images_that_name_everything() -> None:
    bars = chart.bars("Jobs & more", {"ours": 3_000, "<others>": 900})
    lines = chart.lines("Growth", "waiting jobs", {"jobs/s": [(0, 5), (100_000, 4)]})
    for svg, names in ((bars, ("Jobs & more", "ours", "<others>", "3,000")), (lines, ("Growth", "100,000", "jobs/s"))):
        texts = [element.text for element in ElementTree.fromstring(svg).iter() if element.text]
        assert set(names) <= set(texts)
