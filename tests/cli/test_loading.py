"""Commands that only ask a service start at once: they load nothing of what the workers need."""

import json
import re
import subprocess
import sys

import pytest

from nlp2filters.cli.main import COMMANDS

SCRIPT = """
import contextlib, io, json, sys
from nlp2filters.cli.main import main
with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()) as said:
    main(sys.argv[1:])
print(json.dumps([said.getvalue(), sorted(name for name in sys.modules if "." not in name)]))
"""
WORKERS = {"fastembed", "onnxruntime", "numpy", "tokenizers", "huggingface_hub", "sqlalchemy", "uvicorn", "honcho"}
MODEL = {"fastembed", "onnxruntime", "tokenizers", "huggingface_hub"}
QUEUES = {"arq", "redis"}


def loaded(*words: str) -> tuple[str, set[str]]:
    """What a command says, and the libraries that it has loaded in an interpreter of its own."""
    run = subprocess.run([sys.executable, "-c", SCRIPT, *words], capture_output=True, text=True, check=True)
    said, modules = json.loads(run.stdout)
    return said, set(modules)


def test_help_names_every_command_and_loads_none() -> None:
    said, modules = loaded("--help")
    assert [
        name
        for name, (_, about, _) in COMMANDS.items()
        if not re.search(rf"^    {name}\s", said, re.MULTILINE) or about[:15] not in said
    ] == []
    assert not modules & (WORKERS | QUEUES | {"httpx", "pydantic", "rich"})


@pytest.mark.parametrize("action", ["list", "show", "watch", "cancel", "retry"])
def test_asking_a_service_loads_no_part_of_one(action: str) -> None:
    said, modules = loaded("jobs", action, "--help")
    assert "--server" in said
    assert not modules & (WORKERS | QUEUES)


def test_a_text_for_a_service_loads_no_part_of_one() -> None:
    said, modules = loaded("ask", "--help")
    assert "--server" in said
    assert not modules & (MODEL | QUEUES)


def test_keys_load_what_speaks_to_redis_only() -> None:
    said, modules = loaded("keys", "create", "--help")
    assert "--scope" in said
    assert not modules & WORKERS
    assert "redis" in modules  # the names above are those of libraries that there are


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name: str) -> None:
    said, _ = loaded(name, "--help")
    assert said.startswith(f"usage: nlp2filters {name}")


def test_no_such_command() -> None:
    run = subprocess.run([sys.executable, "-m", "nlp2filters", "jbos"], capture_output=True, text=True)
    assert run.returncode == 2
    assert "jobs" in run.stderr
