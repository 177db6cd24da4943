"""The code blocks of the README and of guides: each one runs, as it stands but for addresses, or the test says why not.

Each test takes all blocks of its page, so that a new block is a test that fails until it is run here.
"""

import io
import json
import os
import re
import shutil
import subprocess
import sys
import time
from contextlib import redirect_stdout, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from playwright.sync_api import Browser, expect
from redis import Redis
from redis.exceptions import RedisError
from standardwebhooks import Webhook

import tests.browser
from nlp2filters.api import examples
from nlp2filters.storage.embedded_server import find_server, running
from tests import node_packages
from tests.docs.blocks import Block, blocks, replaced, write_files
from tests.ports import free_port
from tests.service import ROOT, Service

pytestmark = pytest.mark.timeout(300)

REACT = "docs/how-to/react.md"
WEBHOOKS = "docs/how-to/webhooks.md"
ELSEWHERE = ("docs/tutorial.md", "docs/how-to/event-source.md")  # they have test files of their own
# Their commands are those of Heroku, Docker, Kubernetes and systemd, of which there are none here.
PARSED = ("docs/scaling.md", "docs/deployment.md")
PAGES = ("README.md", "docs/how-to/backup.md", "docs/how-to/python.md", REACT, WEBHOOKS)
# The reader's application around the component of the page.
MAIN = """import { createRoot } from "react-dom/client";
import { Search } from "./Search.jsx";
createRoot(document.querySelector("main")).render(<Search catalog="cars" />);
"""
HTML = "<!doctype html><title>Cars</title><main></main><script type='module' src='/app.js'></script>"
# redis-cli, where it is not installed.
REDIS_CLI = """import sys
from redis import Redis
answer = Redis(port={port}, decode_responses=True).execute_command(*sys.argv[1:])
answers = answer.items() if isinstance(answer, dict) else ()
print(answer, *(f"{{name}}:{{value}}" for name, value in answers), sep="\\n")
"""


def run(script: str, folder: Path, **environment: str) -> str:
    """Run commands of a shell; returns what they printed."""
    path = f"{folder}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    ran = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        env={**os.environ, "PATH": path, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, f"{script}\n{ran.stdout}\n{ran.stderr}"
    return ran.stdout


def check_syntax(block: Block) -> None:
    subprocess.run(["bash", "-n"], input=block.text, text=True, check=True)


def test_every_guide_is_tested() -> None:
    guides = [str(page.relative_to(ROOT)) for page in (ROOT / "docs" / "how-to").glob("*.md")]
    with_code = {page for page in guides if blocks(page)}
    assert with_code <= {*PAGES, *ELSEWHERE, *PARSED}


@pytest.mark.parametrize("page", PARSED)
def test_commands_for_other_machines_are_valid(page: str) -> None:
    assert blocks(page)
    for block in blocks(page):
        check_syntax(block)


@pytest.mark.parametrize("page", [*PAGES, *ELSEWHERE, *PARSED])
def test_all_code_is_in_fenced_blocks(page: str) -> None:
    """Indented code would escape the tests."""
    outside = re.sub(r"^( *)```.*?^\1```$", "", (ROOT / page).read_text(), flags=re.MULTILINE | re.DOTALL)
    assert re.findall(r"\n\n(    .+)", outside) == []


def test_the_readme(service: Service, tmp_path: Path) -> None:
    making, submitting, following, answer, asking, deploying = blocks("README.md")
    at_service = {"http://127.0.0.1:8000": service.url}
    run("make --dry-run " + " ".join(re.findall(r"^make (\w+)", making.text, re.MULTILINE)), ROOT)
    job = json.loads(run(replaced(submitting.text, at_service), tmp_path))
    *events, result = run(replaced(following.text, at_service), tmp_path, JOB=job["id"]).splitlines()
    assert "event: done" in events
    expected = json.loads(re.sub(r",\s*…", "", answer.text))
    assert shared(json.loads(result), expected) == expected
    readings = run(asking.text, tmp_path)
    assert "Origin is Japan and fuel economy is at least 30 mpg" in readings
    assert "either origin is Japan or origin is Europe" in readings
    check_syntax(deploying)  # There is no Heroku here.


def shared(actual: Any, expected: Any) -> Any:
    """Leave out what the other has no member for, as the page does with "…"."""
    match actual, expected:
        case dict(), dict():
            return {name: shared(value, expected[name]) for name, value in actual.items() if name in expected}
    return actual


def test_the_guide_to_python(service: Service) -> None:
    outputs = []
    for block in blocks("docs/how-to/python.md"):
        printed = io.StringIO()
        with redirect_stdout(printed):
            exec(replaced(block.text, {"http://127.0.0.1:8000": service.url}), {"__name__": "__main__"})
        outputs.append(printed.getvalue())
    query, refined, batch, scoped = outputs
    assert "`Miles_per_Gallon` >= :p_2 {'p_1': 'Japan', 'p_2': 30}" in query
    assert refined == "Either origin is Japan or origin is Europe; sorted by weight, lowest first.\n"
    assert sorted(batch.splitlines()) == ["first Cylinders is 8.", "second Year is less than 1975."]
    assert '"Origin" = ' in scoped


def test_the_guide_to_webhooks(tmp_path: Path) -> None:
    making, receiver = blocks(WEBHOOKS)
    secret = run(making.text, tmp_path).strip()
    port = free_port()
    write_files(WEBHOOKS, tmp_path, {"9000": str(port)})
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "MY_WEBHOOK_SECRET": secret}
    with subprocess.Popen(
        [sys.executable, receiver.file], cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            body = orjson.dumps(examples.of_answer("", {"$ref": "JobEnded"})["example"])
            now = datetime.now(UTC)
            headers = {"webhook-id": "msg_1", "webhook-timestamp": str(int(now.timestamp()))}
            headers["webhook-signature"] = Webhook(secret).sign("msg_1", now, body.decode())
            statuses = [posted(port, content, headers) for content in (body, body, body + b" ")]
        finally:
            process.kill()
        assert process.stdout
        assert process.stdout.read() == "job.succeeded succeeded\n"  # once: the second message is the same one
    assert statuses == [204, 204, 400]


def posted(port: int, body: bytes, headers: dict[str, str]) -> int:
    """Post to a server that may not listen yet; returns the status of its answer."""
    with httpx.Client(trust_env=False) as client:
        for _ in range(1000):
            with suppress(httpx.ConnectError):
                return client.post(f"http://127.0.0.1:{port}", content=body, headers=headers).status_code
            time.sleep(0.02)
    raise TimeoutError


@tests.browser.needed
@node_packages.needed
def test_the_guide_to_react(service: Service, browser: Browser, tmp_path: Path) -> None:
    hook, component = blocks(REACT)
    assert (hook.file, component.file) == ("useFilter.jsx", "Search.jsx")
    write_files(REACT, tmp_path, {"http://127.0.0.1:8000": service.url})
    shutil.copy(ROOT / "static" / "client.js", tmp_path)
    (tmp_path / "main.jsx").write_text(MAIN)
    programs = node_packages.link_packages(tmp_path)
    options = ("--bundle", "--format=esm", "--jsx=automatic", "--log-level=warning", "--outfile=app.js")
    built = subprocess.run([programs / "esbuild", "main.jsx", *options], cwd=tmp_path, capture_output=True, text=True)
    assert (built.returncode, built.stderr) == (0, "")
    with tests.browser.page_of(browser, service.url) as page:
        page.route("/search.html", lambda route: route.fulfill(body=HTML, content_type="text/html"))
        page.route("/app.js", lambda route: route.fulfill(path=tmp_path / "app.js", content_type="text/javascript"))
        page.goto("/search.html")
        for text, explanation in (("8 cylinders", "Cylinders is 8."), ("japanese cars", "Origin is Japan.")):
            page.get_by_label("Search").fill(text)
            page.get_by_label("Search").press("Enter")
            expect(page.get_by_role("status")).to_have_text(explanation)


@pytest.fixture
def folders(tmp_path: Path) -> dict[str, str]:
    """The folders of the guide to back-ups, and those of the test."""
    folders = {"/var/lib/redis": str(tmp_path / "redis"), "/backup": str(tmp_path / "backup")}
    (tmp_path / "backup").mkdir()
    return folders


def test_the_guide_to_backups(folders: dict[str, str], tmp_path: Path) -> None:
    saving, switching, copying = blocks("docs/how-to/backup.md")
    data, backup = Path(folders["/var/lib/redis"]), Path(folders["/backup"])
    with running(data, free_port()) as server, Redis(port=server.port, decode_responses=True) as redis:
        redis.mset({f"key {i}": i for i in range(1000)})
        for block in (saving, copying):
            carry_out(block, folders, server.port, tmp_path)
    assert contents(backup / "dump.rdb", "--appendonly", "no", tmp_path=tmp_path, then=switching) == 1000
    assert contents(backup / "appendonlydir", "--appendonly", "yes", tmp_path=tmp_path) == 1000


def carry_out(block: Block, folders: dict[str, str], port: int, folder: Path) -> None:
    """Carry out the commands of a block, each as often as its comment says ("until …")."""
    program = folder / "redis-cli"
    program.write_text(f"#!{sys.executable}\n{REDIS_CLI.format(port=port)}")
    program.chmod(0o755)
    for line in replaced(block.text, folders).splitlines():
        command, _, until = line.partition("# until ")
        for _ in range(1000):
            if until in run(command, folder):
                break
        else:
            raise TimeoutError(line)


def contents(files: Path, *options: str, tmp_path: Path, then: Block | None = None) -> int:
    """Restore a back-up into the empty folder of a new server; returns its number of keys."""
    data = tmp_path / f"restored-{files.name}"
    data.mkdir()
    (shutil.copytree if files.is_dir() else shutil.copy)(files, data / files.name)
    port = free_port()
    command: list[str | Path] = [find_server(), "--port", str(port), "--bind", "127.0.0.1", "--dir", data, *options]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as server, Redis(port=port) as redis:
        try:
            wait_for(redis)
            if then:
                carry_out(then, {}, port, tmp_path)
                assert redis.config_get("appendonly") == {"appendonly": "yes"}
            return int(redis.dbsize())
        finally:
            server.kill()  # It refuses to end while it writes its first append-only file.


def wait_for(redis: Redis) -> None:
    """Wait until the server answers and has loaded its data."""
    for _ in range(1000):
        with suppress(RedisError):
            redis.ping()
            return
        time.sleep(0.02)
    raise TimeoutError
