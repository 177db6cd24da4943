"""The chaos suite in its small edition: the promises of docs/reliability.md, tried by killing real processes."""

import subprocess
import sys

import pytest

from tests.service import ROOT


@pytest.mark.timeout(900)
def test_what_is_promised_holds() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "chaos", "--small"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    print(run.stdout, run.stderr)
    assert run.returncode == 0
