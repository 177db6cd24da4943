"""The client stands alone: importing it loads no part of the server."""

import subprocess
import sys

SCRIPT = """
import sys
import nlp2filters.client
server = {"redis", "arq", "starlette", "fastembed", "uvicorn", "numpy", "sqlalchemy", "onnxruntime"}
print(sorted(server & set(sys.modules)))
ours = sorted(name for name in sys.modules if name.startswith("nlp2filters."))
print([name for name in ours if name.split(".")[1] not in ("client", "core", "errors", "retry")])
"""


def test_no_part_of_the_server_is_loaded() -> None:
    run = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    assert run.stdout.split("\n") == ["[]", "[]", ""]
