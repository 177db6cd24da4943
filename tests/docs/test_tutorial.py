"""The tutorial, block by block: with its own table, and as a newcomer with a table that nobody here wrote."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import expect

import tests.browser
from tests.docs.blocks import Block, blocks, replaced
from tests.ports import free_port
from tests.service import ROOT

PAGE = "docs/tutorial.md"
READY = re.compile(r"NLP2Filters is ready at (http://\S+)")
QUESTION = "wireless, under $100, not Beats, lightest first"
PENGUINS = ROOT / "tests" / "data" / "files" / "penguins.csv"  # of the package palmerpenguins

pytestmark = tests.browser.needed


@pytest.fixture(scope="module")
def own_port() -> int:
    """The port of the reader's server."""
    return free_port()


@pytest.fixture(scope="module")
def service(own_port: int, tmp_path_factory: pytest.TempPathFactory, model_folder: Path) -> Iterator[str]:
    """The address of the service that the tutorial's own command has started."""
    (command,) = (block.text for block in shell() if "nlp2filters up" in block.text)
    folder = tmp_path_factory.mktemp("tutorial")
    environment = {**os.environ, "XDG_DATA_HOME": str(folder), "PORT": str(free_port()), "COLUMNS": "200"}
    environment.pop("REDIS_URL", None)
    process = subprocess.Popen(
        ["bash", "-c", "exec env " + installed(command.replace("5000", str(own_port)))],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout
    ready = next(found for line in process.stdout if (found := READY.search(line)))
    yield ready[1]
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)


def shell() -> list[Block]:
    return [block for block in blocks(PAGE) if block.language == "sh"]


def installed(command: str) -> str:
    """The command with this environment, where everything is installed already, instead of the reader's."""
    return command.replace(".venv/bin/", f"{Path(sys.executable).parent}/")


def run(command: str, folder: Path) -> str:
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT)}
    ran = subprocess.run(["bash", "-ec", command], cwd=folder, env=environment, capture_output=True, text=True)
    assert ran.returncode == 0, f"{command}\n{ran.stderr}"
    return ran.stdout


def follow(folder: Path, replacing: dict[str, str], files: dict[str, str]) -> tuple[str, subprocess.Popen[bytes]]:
    """Carry out the page from its third step on; returns what the commands printed, and the running server.

    `files` are the reader's own contents of files, instead of the page's.
    """
    printed, server = "", None
    for block in blocks(PAGE):
        text = replaced(block.text, replacing)
        if block.file:
            name = replaced(block.file, replacing)
            (folder / name).write_text(files.get(name, text))
        elif text.startswith("python serve.py"):
            environment = {**os.environ, "PYTHONPATH": str(ROOT)}
            server = subprocess.Popen([sys.executable, "serve.py"], cwd=folder, env=environment)
        elif not any(step in text for step in ("-m venv", "nlp2filters up", "export PATH")):
            printed += run(text, folder)
    assert server
    return printed, server


def search(url: str, question: str) -> tuple[str, list[list[str]]]:
    """Ask the reader's page in a browser; returns the sentence below the box, and the rows."""
    with tests.browser.running() as browser, tests.browser.page_of(browser, url) as page:
        page.goto("/search.html")
        page.get_by_label("Search").fill(question)
        page.get_by_role("button").click()
        expect(page.get_by_role("status")).to_contain_text("found.")
        rows = [row.locator("td").all_inner_texts() for row in page.locator("tr").all()]
        return page.get_by_role("status").inner_text(), rows


def wait_for(url: str) -> None:
    for _ in range(600):
        try:
            httpx.get(f"{url}/search.html", trust_env=False)
            return
        except httpx.TransportError:
            time.sleep(0.05)
    raise TimeoutError(url)


def test_the_tutorial_ends_in_a_page_that_searches(service: str, own_port: int, tmp_path: Path) -> None:
    own = f"http://127.0.0.1:{own_port}"
    replacing = {"http://127.0.0.1:8000": service, "5000": str(own_port)}
    printed, server = follow(tmp_path, replacing, {})
    try:
        assert "price is less than $100" in printed  # not what a shell makes of "$100"
        assert printed.count(':p_2 = "Sony"') == 2
        wait_for(own)
        said, rows = search(own, QUESTION)
        assert said.endswith("3 found.")
        assert [row[0] for row in rows] == ["WH-CH520", "Tune 520BT", "ATH-M20xBT"]
    finally:
        server.kill()
        server.wait()


def test_a_newcomer_with_a_table_of_their_own(service: str, own_port: int, tmp_path: Path) -> None:
    """Only what the page says to change is changed: the name, the questions, and what the words of the catalog are."""
    own = f"http://127.0.0.1:{own_port}"
    replacing = {
        "http://127.0.0.1:8000": service,
        "5000": str(own_port),
        QUESTION: "female penguins on Dream, heavier than 3900 g, heaviest first",
        "bluetooth cans by Sony": "hefty birds of the Gentoo species",
        'fields["wireless"]["synonyms"] = ["bluetooth"]': 'fields["island"]["synonyms"] = ["home"]',
        '["cans"]': '["birds"]',
        "headphones": "penguins",
    }
    printed, server = follow(tmp_path, replacing, {"penguins.csv": PENGUINS.read_text()})
    try:
        assert "Gentoo" in printed
        wait_for(own)
        said, rows = search(own, "female penguins on Dream, heavier than 3900 g, heaviest first")
        expected = [
            line.split(",")
            for line in PENGUINS.read_text().splitlines()[1:]
            if ",Dream," in line and ",female," in line and int(line.split(",")[5]) > 3900
        ]
        assert said.endswith(f"{len(expected)} found.")
        assert sorted(row[5] for row in rows) == sorted(row[5] for row in expected)
        assert [int(row[5]) for row in rows] == sorted((int(row[5]) for row in rows), reverse=True)
    finally:
        server.kill()
        server.wait()


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash")
def test_the_steps_that_install_are_valid() -> None:
    for block in shell():
        subprocess.run(["bash", "-n"], input=block.text, text=True, check=True)
