"""`nlp2filters ask`, `jobs` and `catalog` as somebody types them."""

import contextlib
import json
import os
import pty
import re
import shlex
import subprocess
import sys
import tarfile
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from nlp2filters.cli.main import main
from nlp2filters.client import Client
from tests.peers import llm
from tests.peers.gateway import Gateway, answered
from tests.service import ROOT, Service, started

CATALOG = {"name": "shop", "fields": [{"name": "price", "type": "money", "currency": "USD"}]}


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the environment names a service or an LLM; and no embedding model is looked for."""
    for name in ("NLP2FILTERS_SERVER", "NLP2FILTERS_API_KEY", "LLM_MODEL", "OPENAI_API_KEY", "REDIS_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("nlp2filters.model_files.ModelFiles.find", lambda self, path, cache: None)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Runs a command; gives the exit code and what it wrote."""

    def run(*words: str) -> tuple[int, str, str]:
        try:
            code = main(words)
        except SystemExit as exc:
            code = int(str(exc.code))
        written = capsys.readouterr()
        return code, written.out, written.err

    return run


Run = Callable[..., tuple[int, str, str]]


def test_texts_that_go_on_from_one_another(run: Run) -> None:
    code, out, err = run(
        "ask", "japanese cars", "--catalog", "cars", "--then", "also european", "--then", "under 2000 lbs"
    )
    assert (code, err) == (0, "")
    assert "Either origin is Japan or origin is Europe" in out
    assert "Added: Weight is less than 2000 lb." in out


def test_there_are_no_jobs_to_go_on_from_here(run: Run) -> None:
    code, _, err = run("ask", "also european", "--refines", "job_1")
    assert code != 0
    assert "name a service" in err
    assert "catalog" in run("ask", "also european")[2]


def test_a_text_is_read_here(run: Run) -> None:
    text = "japanese cars under 2500 lbs, lightest first, top 5"
    code, out, err = run("ask", text, "--catalog", "cars", "--dialect", "sql", "--dialect", "elasticsearch")
    assert (code, err) == (0, "")
    plain = re.sub(" +", " ", out)
    assert out.startswith("Origin is Japan and weight is less than 2500 lb;")
    assert "Filter Origin = Japan “japanese” 95 %" in plain
    assert "Weight_in_lbs < 2500 “under 2500 lbs”" in plain
    assert "Sort Weight_in_lbs, lowest first" in plain
    assert "Limit 5" in plain
    assert "Ignored “cars” names the records" in plain
    assert ':p_1 = "Japan"' in out
    assert '"size": 5' in out
    assert "\x1b" not in out


def test_questions_are_shown(run: Run) -> None:
    code, out, _ = run("ask", "gritty films under $50 million", "--catalog", "movies")
    assert code == 0
    assert re.search(r"Words +“gritty”", out)
    assert re.search(r"Question +\S", out)
    assert len(re.findall(r"^ +- ", out, re.MULTILINE)) == 3


def test_a_catalog_from_a_file_and_json_out(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "shop.json"
    path.write_text(json.dumps(CATALOG))
    code, out, _ = run("ask", "under 20 dollars", "--catalog", str(path), "--json")
    result = json.loads(out)
    assert code == 0
    assert result["conditions"][0]["field"] == "price"
    assert result["dialects"]["sql"]["params"] == {"p_1": 20}
    assert result["provider"] == "builtin"


def test_the_configured_llm_is_asked(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with llm.running() as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        monkeypatch.setenv("LLM_MODEL", "test-1")
        monkeypatch.setenv("LLM_SKIP_CERTAIN", "false")
        server.script(llm.unauthorized)
        code, out, err = run("ask", "8 cylinders", "--catalog", "cars")
        assert (code, err) == (0, "")
        assert "The LLM failed (ProviderRejected); the built-in parser answered." in out
        assert len(server.requests) == 1
        code, out, err = run("ask", "8 cylinders", "--catalog", "cars", "--strategy", "llm")
        assert (code, out) == (1, "")
        assert err.startswith("nlp2filters: ")
        run("ask", "8 cylinders", "--catalog", "cars", "--strategy", "builtin")
        assert len(server.requests) == 2


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ("ask '8 cylinders' --catalog nowhere", 1, "There is no catalog 'nowhere'. Packaged ones: cars, movies."),
        ("ask '8 cylinders' --catalog nowhere.json", 1, "nowhere.json: No such file or directory."),
        ("ask '' --catalog cars", 2, "/text: "),
        ("ask x --catalog cars --timezone Mars", 2, "/timezone: "),
        ("ask x --catalog cars --dialect cobol", 2, "invalid choice: 'cobol'"),
        ("ask x", 2, "give a catalog, or the job to refine"),
        ("ask x --catalog cars --server http://127.0.0.1:9", 1, "`nlp2filters up` starts one"),
        ("ask x --catalog cars --server here", 1, "missing an 'http://' or 'https://' protocol"),
        ("jobs show job_1 --server http://127.0.0.1:9", 1, "--server or NLP2FILTERS_SERVER names another"),
        ("jobs", 2, "ACTION"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(
    run: Run, monkeypatch: pytest.MonkeyPatch, words: str, code: int, said: str
) -> None:
    monkeypatch.setattr("nlp2filters.cli.remote.PATIENCE_S", 0.2)
    got, out, err = run(*shlex.split(words))
    assert (got, out) == (code, "")
    assert said in err
    assert "Traceback" not in err
    if not err.startswith("usage"):
        assert len(err.splitlines()) == 1


def test_a_service_is_asked(run: Run, service: Service) -> None:
    code, out, err = run("ask", "8 cylinders", "--catalog", "cars", "--server", service.url)
    assert (code, err) == (0, "")
    assert re.search(r"Filter +Cylinders = 8 +“8 cylinders”", out)


def test_jobs(run: Run, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NLP2FILTERS_SERVER", service.url)
    job_id = service.submit("8 cylinders", metadata={"for": "[red]test[/red]"})
    code, out, err = run("jobs", "watch", job_id)
    assert (code, err) == (0, "")
    assert "Cylinders = 8" in out
    code, out, _ = run("jobs", "show", job_id)
    assert re.search(r"status +succeeded", out)
    assert "[red]test[/red]" in out
    assert "Cylinders = 8" in out
    assert json.loads(run("jobs", "show", job_id, "--json")[1])["result"]["limit"] is None
    code, out, _ = run("jobs", "list", "--limit", "1")
    assert out.splitlines()[1].startswith(f"{job_id} ")
    assert [job["id"] for job in json.loads(run("jobs", "list", "--limit", "1", "--json")[1])] == [job_id]
    code, out, err = run("jobs", "cancel", job_id)
    assert (code, out) == (1, "")
    assert "succeeded" in err
    code, _, err = run("jobs", "show", "job_none")
    assert (code, err) == (1, "nlp2filters: There is no job 'job_none'. It may have passed its retention time.\n")


def test_a_job_without_result_is_a_failure(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with started(tmp_path, "web") as service:
        monkeypatch.setenv("NLP2FILTERS_SERVER", service.url)
        job_id = service.submit("8 cylinders")
        assert run("jobs", "list", "--status", "queued")[1].count("queued, embedding") == 1
        assert run("jobs", "cancel", job_id)[:2] == (0, f"{job_id} is canceled.\n")
        code, out, err = run("jobs", "watch", job_id)
        assert (code, out) == (1, "")
        assert err == f"nlp2filters: Job {job_id} is canceled. `nlp2filters jobs retry {job_id}` asks again.\n"
        code, out, _ = run("jobs", "retry", job_id, "--json")
        assert (code, json.loads(out)["retry_of"]) == (0, job_id)


def test_a_watch_survives_a_service_that_goes_away(run: Run, service: Service, gateway: Gateway) -> None:
    job_id = service.submit("8 cylinders")
    gateway.leave()
    threading.Timer(0.5, gateway.come_back).start()
    code, out, err = run("jobs", "watch", job_id, "--server", gateway.url)
    assert (code, err) == (0, "")
    assert "Cylinders = 8" in out


def test_the_key_is_sent_and_asked_for(run: Run, gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NLP2FILTERS_API_KEY", "n2f_from_the_environment\n")
    denied = answered(401, '{"title": "No key", "detail": "Send an API key."}')
    gateway.script(denied, denied)
    code, _, err = run("jobs", "list", "--server", gateway.url)
    assert (code, err) == (1, "nlp2filters: Send an API key. Here: --key or NLP2FILTERS_API_KEY.\n")
    run("jobs", "list", "--server", gateway.url, "--key", "n2f_given")
    assert [asked.headers["authorization"] for asked in gateway.asked] == [
        "Bearer n2f_from_the_environment",
        "Bearer n2f_given",
    ]


def test_catalogs(run: Run, service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NLP2FILTERS_SERVER", service.url)
    path = tmp_path / "shop.json"
    path.write_text(json.dumps(CATALOG))
    assert run("catalog", "put", str(path), "--name", "our-shop") == (0, "our-shop: 1 fields.\n", "")
    listed = run("catalog", "list")[1]
    assert re.search(r"^our-shop +1 +yours", listed, re.MULTILINE)
    assert re.search(r"^cars +9 +packaged", listed, re.MULTILINE)
    assert json.loads(run("catalog", "show", "our-shop")[1])["fields"] == CATALOG["fields"]
    assert "price < 20" in run("ask", "under 20 dollars", "--catalog", "our-shop")[1]
    with Client(service.url, trust_env=False) as client:
        client.catalogs.delete("our-shop")
    code, _, err = run("catalog", "show", "our-shop")
    assert (code, len(err.splitlines())) == (1, 1)
    path.write_text("{")
    code, _, err = run("catalog", "put", str(path))
    assert code == 1
    assert "is not JSON" in err


def test_the_documented_commands_run(service: Service, tmp_path: Path) -> None:
    """Through a pipe: no colours, no progress; and whoever reads it may stop."""
    text = (ROOT / "docs" / "clients.md").read_text()
    example = re.search(r"## Command line\n\n(( {4}.*\n|\n)+)", text)
    assert example
    commands = [line.strip() for line in example[1].splitlines() if line.strip()]
    assert any("--server" in command for command in commands)
    with tarfile.open(tmp_path / "celery-5.4.0.tar.gz", "w:gz") as archive:
        archive.add(ROOT / "nlp2filters" / "clock.py", "celery/beat.py")
    analysis = ""
    for command in commands:
        local = command.replace("http://127.0.0.1:8000", service.url).replace("job_…", analysis)
        words = shlex.split(local, comments=True)
        assert words[0] == "nlp2filters"
        made = subprocess.run([sys.executable, "-m", *words], capture_output=True, text=True, cwd=tmp_path, check=True)
        assert made.stdout
        if words[1] == "analyze" and service.url in words:
            with Client(service.url, trust_env=False) as client:
                analysis = next(job.id for job in client.jobs.list() if job.kind == "analysis")
        assert "\x1b" not in made.stdout
        assert made.stderr == ""


def test_a_terminal_is_shown_where_the_job_is_and_a_pipe_is_not(service: Service, tmp_path: Path) -> None:
    terminal, theirs = pty.openpty()
    words = [sys.executable, "-m", "nlp2filters", "ask", "8 cylinders", "--catalog", "cars", "--server", service.url]
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "120"}
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=theirs, cwd=tmp_path, env=environment) as process:
        os.close(theirs)
        shown = b""
        with contextlib.suppress(OSError):  # that is how a terminal ends
            while data := os.read(terminal, 1 << 16):
                shown += data
        assert process.stdout
        out = process.stdout.read().decode()
    os.close(terminal)
    assert process.returncode == 0
    assert re.search(rb"job_\w+: (queued|running|succeeded)", shown)
    assert "Cylinders = 8" in out
    assert "\x1b" not in out


def test_a_reader_that_has_enough(tmp_path: Path) -> None:
    command = f"{shlex.quote(sys.executable)} -m nlp2filters ask '8 cylinders' --catalog cars --json"
    script = f"set -o pipefail; {command} | true"
    made = subprocess.run(["bash", "-c", script], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert made.stderr == ""
