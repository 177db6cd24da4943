"""The chaos suite in its small edition: the promises of docs/reliability.md, tried by killing real processes."""

import subprocess
import sys

import pytest

from chaos.__main__ import SMALL
from tests.service import ROOT


@pytest.mark.parametrize("trial", list(SMALL))
@pytest.mark.timeout(400)
def test_what_is_promised_holds(trial: str) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "chaos", "--small", trial], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout + run.stderr
