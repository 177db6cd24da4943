"""Clients that others generate from the OpenAPI document: they are whole, compile, and work."""

import json
import os
import re
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
from tests.service import Service

HERE = Path(__file__).parent
TYPESCRIPT = HERE / "typescript"
MODULES = TYPESCRIPT / "node_modules"
FILTER = {"op": "=", "args": [{"property": "Cylinders"}, 8]}
# openapi-python-client sends JSON, forms and one kind of file. It leaves out other types of a body or an answer.
UNSUPPORTED = {
    "POST /v1/analyses": {"application/gzip", "application/x-tar", "application/zip"},
    "GET /v1/batches/{batch_id}/results": {"application/x-ndjson"},
    "POST /v1/catalogs/infer": {*SUFFIXES} - {JSON},
}
REMARK = re.compile(r"^(?:WARNING|ERROR|Unable|Unsupported|Cannot|Could|Invalid|Attempted|Failure).*$", re.MULTILINE)
OMISSION = re.compile(r"WARNING parsing (.+) within \w+\.\n(?:.*[uU]nsupported content[ _]type ([^\s)]+).*)")


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The OpenAPI document as a file."""
    file = tmp_path_factory.mktemp("openapi") / "openapi.json"
    file.write_bytes(orjson.dumps(openapi.document(OPERATIONS)))
    return file


def run(*command: str | Path, folder: Path) -> str:
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "PYTHONPATH": str(folder), "COLUMNS": "200", "NO_COLOR": "1"}
    ran = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert ran.returncode == 0, f"{command}\n{ran.stdout}\n{ran.stderr}"
    return ran.stdout + ran.stderr


def test_a_python_client_is_generated_and_works(document: Path, service: Service, tmp_path: Path) -> None:
    generator = ("openapi-python-client", "generate", "--path", document, "--meta", "none")
    said = run(*generator, "--output-path", "generated", folder=tmp_path)
    assert unsupported(said) == UNSUPPORTED
    shutil.copy(HERE / "generated_program.py", tmp_path)
    printed = json.loads(run(sys.executable, "-W", "error", "generated_program.py", service.url, folder=tmp_path))
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


@pytest.mark.skipif(not MODULES.exists() or shutil.which("node") is None, reason="no packages of npm: `make test`")
def test_typescript_types_are_generated_and_work(document: Path, service: Service, tmp_path: Path) -> None:
    (tmp_path / "node_modules").symlink_to(MODULES)
    (tmp_path / "package.json").write_text('{"type": "module"}')
    shutil.copy(TYPESCRIPT / "program.ts", tmp_path)
    programs = MODULES / ".bin"
    said = run(
        programs / "openapi-typescript", document, "--default-non-nullable=false", "-o", "api.ts", folder=tmp_path
    )
    assert not re.search("warn|error", said, re.IGNORECASE)
    options = ("--strict", "--target", "es2022", "--module", "nodenext", "--lib", "es2022,dom", "--skipLibCheck")
    run(programs / "tsc", *options, "program.ts", folder=tmp_path)
    printed = json.loads(run("node", "program.js", service.url, folder=tmp_path))
    assert printed == {
        "filter": FILTER,
        "spans": [[0, 11]],
        "fields": [field.name for field in demo.catalog("cars").fields],
        "pointer": "/filter",
    }
