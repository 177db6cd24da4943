"""The alert rules and the dashboard, by Prometheus's own tool and against the metrics of a running service."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from tests.operating.conftest import Operated
from tests.service import ROOT
from tools import grafana_dashboard

RULES = ROOT / "deploy" / "prometheus"
METRIC = re.compile(r"\bnlp2filters_[a-z_0-9]+")

needs_promtool = pytest.mark.skipif(
    not shutil.which("promtool"), reason="no promtool: on Debian, apt install prometheus"
)


def promtool(*arguments: str | Path) -> None:
    run = subprocess.run(["promtool", *map(str, arguments)], cwd=RULES, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr


@needs_promtool
def test_the_alert_rules_are_correct() -> None:
    promtool("check", "rules", "--lint=all", "--lint-fatal", "alerts.yaml")


@needs_promtool
def test_the_alerts_fire_when_they_should() -> None:
    promtool("test", "rules", "alerts_test.yaml")


@needs_promtool
def test_the_queries_of_the_dashboard_are_promql(tmp_path: Path) -> None:
    queries = [query for panel in grafana_dashboard.PANELS for query, _ in panel.queries]
    rules = [
        {"record": f"panel:{number}", "expr": query.replace("$__rate_interval", "5m")}
        for number, query in enumerate(queries)
    ]
    file = tmp_path / "rules.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
    promtool("check", "rules", file)


@needs_promtool
def test_prometheus_finds_no_fault_with_the_metrics(operated: Operated) -> None:
    run = subprocess.run(
        ["promtool", "check", "metrics"], input=operated.metrics(), capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout + run.stderr


def test_the_dashboard_is_that_of_its_table() -> None:
    assert grafana_dashboard.FILE.read_bytes() == grafana_dashboard.content(), "run: python -m tools.grafana_dashboard"


@pytest.mark.parametrize("file", [RULES / "alerts.yaml", grafana_dashboard.FILE], ids=lambda file: file.name)
def test_every_metric_exists_in_a_running_service(operated: Operated, file: Path) -> None:
    families = list(text_string_to_metric_families(operated.metrics()))
    names = {f"{family.name}{end}" for family in families for end in _ENDS.get(family.type, ("",))}
    assert set(METRIC.findall(file.read_text())) <= names


_ENDS = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}


def test_the_page_explains_every_alert() -> None:
    page = (ROOT / "docs" / "operating.md").read_text("utf-8")
    (group,) = yaml.safe_load((RULES / "alerts.yaml").read_text())["groups"]
    assert [rule["alert"] for rule in group["rules"] if f"`{rule['alert']}`" not in page] == []
