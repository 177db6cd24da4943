"""The files in deploy/, by the linters and schemas of the tools that read them. KEDA's are not among these."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.service import ROOT, commands

DEPLOY = ROOT / "deploy"
BIN = Path(sys.executable).parent
KUBERNETES = sorted(path for path in (DEPLOY / "kubernetes").glob("*.yaml") if path.name != "kustomization.yaml")
UNITS = sorted((DEPLOY / "systemd").iterdir())


def check(*command: str | Path) -> str:
    run = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False, cwd=ROOT)
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout + run.stderr


def manifests() -> list[dict[str, Any]]:
    return [manifest for path in KUBERNETES for manifest in yaml.safe_load_all(path.read_text())]


def test_the_dockerfile() -> None:
    check(BIN / "hadolint", DEPLOY / "Dockerfile")


def test_what_the_image_copies_is_not_ignored() -> None:
    ignored = (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE)
    for name in " ".join(copied).replace("${REQUIREMENTS}", "requirements*.txt").split():
        assert f"!{name}" in ignored


def test_compose() -> None:
    check(BIN / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", DEPLOY / "compose.yaml")
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
    assert {name: service["command"] for name, service in services.items() if name != "valkey"} == {
        name: command.removeprefix("python -m nlp2filters ").split() for name, command in commands().items()
    }


def test_kubernetes() -> None:
    core = [path for path in KUBERNETES if path.name != "scaling.yaml"]
    assert check(BIN / "kubernetes-validate", "--strict", *core).count(" passed ") == 9


def test_kubernetes_runs_every_process() -> None:
    templates = [m["spec"]["template"]["spec"] for m in manifests() if m["kind"] == "Deployment"]
    runs = [container["args"] for template in templates for container in template["containers"]]
    assert sorted(runs) == sorted(
        command.removeprefix("python -m nlp2filters ").split() for command in commands().values()
    )


def test_what_is_scaled_is_deployed() -> None:
    deployed = {m["metadata"]["name"] for m in manifests() if m["kind"] == "Deployment"}
    scaled = [m for m in manifests() if m["kind"] == "ScaledObject"]
    assert scaled
    for manifest in scaled:
        target = manifest["spec"]["scaleTargetRef"]["name"]
        assert target in deployed
        assert f'queue="{target.removeprefix("nlp2filters-")}"' in manifest["spec"]["triggers"][0]["metadata"]["query"]


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd")
def test_systemd(tmp_path: Path) -> None:
    """With a Python that this machine has."""
    for unit in UNITS:
        (tmp_path / unit.name).write_text(unit.read_text().replace("/opt/nlp2filters/.venv/bin/python", sys.executable))
    check("systemd-analyze", "verify", *sorted(tmp_path.iterdir()))


def test_systemd_runs_every_process() -> None:
    wanted = (DEPLOY / "systemd" / "nlp2filters.target").read_text()
    for command in commands().values():
        assert command.removeprefix("python -m nlp2filters ").replace(" ", "@") + ".service" in wanted


def test_heroku_s_hook() -> None:
    check("bash", "-n", ROOT / "bin" / "post_compile")
