"""The documented examples run as they stand, but for the address."""

import re
import subprocess
import sys

import pytest

from tests.service import ROOT, Service

TEXT = (ROOT / "docs" / "clients.md").read_text()
PYTHON = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (0, ["Origin is Japan and fuel economy is at least 30 mpg", "Miles_per_Gallon >= 30 from 'at least 30 mpg'"]),
        (1, [" done succeeded llm", "Steven Spielberg"]),
        (2, []),
    ],
)
def test_the_python_examples_run(service: Service, number: int, said: list[str]) -> None:
    code = PYTHON[number].replace("http://127.0.0.1:8000", service.url)
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    for words in said:
        assert words in run.stdout
    assert run.stderr == ""
