"""`nlp2filters doctor`: every part of the configuration, and what to do about it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from nlp2filters.cli.doctor import EXTRAS, Finding, examine
from nlp2filters.cli.main import main
from tests.peers import llm
from tests.ports import free_port


def findings(**environment: str) -> dict[str, Finding]:
    return {finding.subject: finding for finding in examine(environment)}


def test_all_is_well(redis_url: str, model_folder: Path) -> None:
    report = findings(REDIS_URL=redis_url, PORT=str(free_port()))
    assert {finding.level for finding in report.values()} == {"ok"}, report
    assert "MB in use" in report["Redis"].detail


def test_a_wrong_setting_is_named() -> None:
    report = findings(LLM_TIMEOUT_S="soon")
    assert report["settings"].level == "fail"
    assert "LLM_TIMEOUT_S" in report["settings"].detail


def test_a_redis_that_is_not_there() -> None:
    report = findings(REDIS_URL=f"redis://127.0.0.1:{free_port()}/0")
    assert report["Redis"].level == "fail"
    assert "REDIS_URL" in report["Redis"].detail


def test_providers_are_asked_for_their_models() -> None:
    with llm.running() as server:
        report = findings(
            OPENAI_BASE_URL=server.url,
            LLM_MODEL="m",
            LLM_PROVIDER="openai, ollama:q",
            OLLAMA_BASE_URL="http://127.0.0.1:9",
        )
    assert report["LLM openai:m"].level == "ok"
    assert report["LLM ollama:q"].level == "fail"
    assert "OLLAMA_BASE_URL" in report["LLM ollama:q"].detail
    assert findings(OPENAI_API_KEY="sk")["LLM"].level == "warn"


def test_models_and_ports(tmp_path: Path, redis_url: str) -> None:
    port = redis_url.rpartition(":")[2].partition("/")[0]  # something listens there
    report = findings(MODEL_CACHE=str(tmp_path), PORT=port, NLP2FILTERS_SERVER=f"http://127.0.0.1:{free_port()}")
    assert {name: report[name].level for name in ("embedding model", "port", "service")} == {
        "embedding model": "warn", "port": "warn", "service": "fail"
    }  # fmt: skip
    assert findings(PORT="http")["port"].level == "fail"


def test_weights_that_the_folder_does_not_have(model_folder: Path, int8_folder: Path) -> None:
    report = findings(MODEL_PATH=str(model_folder), EMBEDDING_WEIGHTS="int8")
    assert report["embedding model"].level == "fail"
    assert "EMBEDDING_WEIGHTS=int8" in report["embedding model"].detail
    assert findings(MODEL_PATH=str(int8_folder), EMBEDDING_WEIGHTS="int8")["embedding model"].level == "ok"
    assert "EMBEDDING_WEIGHTS" in findings(EMBEDDING_WEIGHTS="int4")["settings"].detail


def test_the_exit_code_is_for_scripts(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("MAX_RATE", "many")
    assert main(["doctor", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)[-1]["level"] == "fail"
    assert main(["ask", "8 cylinders", "--catalog", "cars"]) == 2
    assert "MAX_RATE" in capsys.readouterr().err


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_completion_knows_commands_and_options(shell: str) -> None:
    words = [sys.executable, "-m", "nlp2filters", "completion", shell]
    script = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    assert all(word in script for word in ("transcribe", "--catalog", "meilisearch"))
    if shell == "bash":
        subprocess.run(["bash", "-n"], input=script, text=True, check=True)


def test_traces_are_told_where_they_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}
    assert "traces" not in findings()
    assert findings(**asked)["traces"].level == "ok"
    monkeypatch.setitem(EXTRAS, "otel", "no_such_package.exporter")
    assert findings(**asked)["traces"].level == "warn"
    assert "nlp2filters[otel]" in findings(**asked)["traces"].detail
