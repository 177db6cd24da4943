"""`nlp2filters web`: one web process, or several that share a port."""

import subprocess
import sys
from pathlib import Path

import pytest

from nlp2filters.cli.main import main
from tests.service import started


def test_a_port_that_is_no_number_is_told(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "http")
    with pytest.raises(SystemExit) as exit_:
        main(["web"])
    assert exit_.value.code == 2
    assert "--port" in capsys.readouterr().err


def test_a_port_that_is_taken_ends_it_with_a_reason(tmp_path: Path) -> None:
    with started(tmp_path, "web") as service:
        port = service.url.rpartition(":")[2]
        command = [sys.executable, "-m", "nlp2filters", "web", "--port", port]
        run = subprocess.run(command, env=service.environment, capture_output=True, text=True, check=False)
        assert run.returncode != 0
        assert "address already in use" in run.stdout + run.stderr


def test_web_concurrency_is_the_number_of_processes(tmp_path: Path) -> None:
    with started(tmp_path, "web", WEB_CONCURRENCY="2") as service:
        assert service.client.get("/healthz").status_code == 200
        children = Path(f"/proc/{service.processes['web'].pid}/task/{service.processes['web'].pid}/children")
        commands = [Path(f"/proc/{pid}/cmdline").read_bytes() for pid in children.read_text().split()]
        assert sum(b"spawn_main" in command for command in commands) == 2
