"""Clients that others generate from the OpenAPI document: they are whole, compile, and work."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import orjson
import pytest

from nlp2filters import demo
from nlp2filters.api import openapi
from nlp2filters.app import OPERATIONS
from nlp2filters.core.media_types import JSON, SUFFIXES
from tests import node_packages
from tests.docs.blocks import blocks
from tests.service import Service

HERE = Path(__file__).parent
FILTER = {"op": "=", "args": [{"property": "Cylinders"}, 8]}
# openapi-python-client sends JSON, forms and one kind of file. It leaves out other types of a body or an answer.
UNSUPPORTED = {
    "POST /v1/analyses": {"application/gzip", "application/x-tar", "application/zip"},
    "GET /v1/batches/{batch_id}/results": {"application/x-ndjson"},
    "GET /v1/owner/export": {"application/zip"},
    "GET /v1/operator/owners/{owner}/export": {"application/zip"},
    "POST /v1/catalogs/infer": {*SUFFIXES} - {JSON},
}
REMARK = re.compile(r"^(?:WARNING|ERROR|Unable|Unsupported|Cannot|Could|Invalid|Attempted|Failure).*$", re.MULTILINE)
OMISSION = re.compile(r"WARNING parsing (.+) within \w+\.\n(?:.*[uU]nsupported content[ _]type ([^\s)]+).*)")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the OpenAPI document."""
    (tmp_path / "openapi.json").write_bytes(orjson.dumps(openapi.document(OPERATIONS)))
    return tmp_path


def documented(program: str) -> list[str]:
    """The command of a generator, as docs/clients.md has it."""
    lines = "".join(block.text for block in blocks("docs/clients.md") if block.language == "sh").splitlines()
    return next(shlex.split(line) for line in lines if line.startswith(program))


def run(*command: str | Path, folder: Path) -> str:
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "PYTHONPATH": str(folder), "COLUMNS": "200", "NO_COLOR": "1"}
    ran = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert ran.returncode == 0, f"{command}\n{ran.stdout}\n{ran.stderr}"
    return ran.stdout + ran.stderr


def test_a_python_client_is_generated_and_works(service: Service, folder: Path) -> None:
    said = run(*documented("openapi-python-client"), folder=folder)
    assert unsupported(said) == UNSUPPORTED
    shutil.copy(HERE / "generated_program.py", folder)
    printed = json.loads(run(sys.executable, "-W", "error", "generated_program.py", service.url, folder=folder))
    assert printed == {
        "filter": FILTER,
        "filter of an own catalog": FILTER,
        "fields": [field.name for field in demo.catalog("cars").fields],
        "pointer": "/filter",
    }


def unsupported(said: str) -> dict[str, set[str]]:
    """The media types that the generator has left out, by operation; it may have warned of nothing else."""
    remarks = "\n".join(REMARK.findall(said))
    omissions: defaultdict[str, set[str]] = defaultdict(set)
    for operation, media_type in OMISSION.findall(remarks):
        omissions[operation].add(media_type)
    assert OMISSION.sub("", remarks).strip() == ""
    return omissions


@node_packages.needed
def test_typescript_types_are_generated_and_work(service: Service, folder: Path) -> None:
    programs = node_packages.link_packages(folder)
    shutil.copy(HERE / "generated_program.ts", folder)
    generator, *options = documented("openapi-typescript")
    said = run(programs / generator, *options, folder=folder)
    assert not re.search("warn|error", said, re.IGNORECASE)
    strict = ("--strict", "--target", "es2022", "--module", "nodenext", "--lib", "es2022,dom", "--skipLibCheck")
    run(programs / "tsc", *strict, "generated_program.ts", folder=folder)
    printed = json.loads(run("node", "generated_program.js", service.url, folder=folder))
    assert printed == {
        "filter": FILTER,
        "spans": [[0, 11]],
        "fields": [field.name for field in demo.catalog("cars").fields],
        "pointer": "/filter",
    }
