"""The wheel and the npm package: what they carry, and that it is what the tree has."""

import json
import re
import subprocess
import sys
import zipfile

import pytest

import nlp2filters
from tests.service import ROOT

JAVASCRIPT = ROOT / "clients" / "javascript"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    # setuptools writes beside what it builds.
    copy = subprocess.run(["git", "-C", ROOT, "ls-files", "-z"], capture_output=True, check=True).stdout
    files = folder / "files"
    files.write_bytes(copy)
    source = folder / "source"
    source.mkdir()
    archive = subprocess.run(["tar", "-C", ROOT, "--null", "-T", files, "-cf", "-"], capture_output=True, check=True)
    subprocess.run(["tar", "-C", source, "-xf", "-"], input=archive.stdout, check=True)
    options = ["--no-deps", "--no-build-isolation", "--quiet", "--wheel-dir", str(folder)]
    subprocess.run([sys.executable, "-m", "pip", "wheel", *options, str(source)], check=True)
    return zipfile.ZipFile(next(folder.glob("*.whl")))


def test_the_wheel_has_all_that_the_service_needs(wheel: zipfile.ZipFile) -> None:
    carried = set(wheel.namelist())
    for name in ("static", "Procfile"):
        for file in [ROOT / name, *(ROOT / name).rglob("*")]:
            if file.is_file():
                path = f"nlp2filters/{file.relative_to(ROOT)}"
                assert path in carried
                assert wheel.read(path) == file.read_bytes()
    tracked = subprocess.run(["git", "-C", ROOT, "ls-files", "nlp2filters"], capture_output=True, text=True, check=True)
    links = {"nlp2filters/static", "nlp2filters/Procfile"}
    assert sorted(set(tracked.stdout.splitlines()) - links - carried) == []


def test_its_metadata(wheel: zipfile.ZipFile) -> None:
    (name,) = (name for name in wheel.namelist() if name.endswith("/METADATA"))
    metadata = wheel.read(name).decode()
    assert "License-Expression: MIT AND CC-BY-SA-4.0" in metadata
    assert not re.search(r"^Requires-Dist: [^;]*==", metadata, re.MULTILINE)


def test_the_types_are_those_of_the_client() -> None:
    method = r"^  (?:async )?\*?(\w+)(?:<[^(]*>)?\("
    code = re.findall(
        method, (ROOT / "static" / "client.js").read_text().split("export class Client")[1].split("\n}")[0], re.M
    )
    types = re.findall(
        method, (JAVASCRIPT / "client.d.ts").read_text().split("export class Client")[1].split("\n}")[0], re.M
    )
    assert types == [name for name in code if name not in ("if", "for")]
    assert json.loads((JAVASCRIPT / "package.json").read_text())["version"] == nlp2filters.__version__
