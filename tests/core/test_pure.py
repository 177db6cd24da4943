"""The core stands alone: importing all of it loads no client library."""

import subprocess
import sys

SCRIPT = """
import importlib, pkgutil, sys
import nlp2filters.core
for module in pkgutil.walk_packages(nlp2filters.core.__path__, "nlp2filters.core."):
    importlib.import_module(module.name)
print(sorted({"redis", "arq", "httpx", "starlette", "fastembed", "uvicorn"} & set(sys.modules)))
"""


def test_no_client_library_is_loaded() -> None:
    run = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
