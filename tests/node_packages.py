"""Packages of npm for tests, which `make test` installs into `tests/node`."""

import shutil
from pathlib import Path

import pytest

PACKAGES = Path(__file__).parent / "node" / "node_modules"

needed = pytest.mark.skipif(
    not PACKAGES.exists() or shutil.which("node") is None, reason="no packages of npm: `make test` installs them"
)


def link_packages(folder: Path) -> Path:
    """Let programs in the folder import the packages; returns the folder of the packages' own programs."""
    (folder / "node_modules").symlink_to(PACKAGES)
    (folder / "package.json").write_text('{"type": "module"}')
    return PACKAGES / ".bin"
