"""Sources of well-known packages, out of the package registries: for the tests and `make analysis`.

Nothing of them is installed: the archives are kept as they come, in the user's cache folder. To fetch a source archive,
pip builds its metadata, in an environment of its own. `SOURCES="django==5.2.4 fastify@5.2.1"` in the environment names
further ones.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from platformdirs import user_cache_path

# pip fetches those with "==", npm those with "@". Celery is a version of its own, since figures and questions are
# about it.
PACKAGES = ("celery==5.4.0", "starlette==1.10.0", "lxml==6.1.3", "express@5.3.0")


def folder() -> Path:
    return user_cache_path("nlp2filters") / "sources"


def locate() -> dict[str, Path]:
    """Return the archives by the names of their packages, and fetch them if necessary; those that can be had."""
    target = folder()
    target.mkdir(parents=True, exist_ok=True)
    for package in packages():
        if not _archive(target, package):
            _fetch(target, package)
    archives = {_name(package): _archive(target, package) for package in packages()}
    return {name: archive for name, archive in archives.items() if archive}


def packages() -> tuple[str, ...]:
    """Return the packages with their versions, those that the environment names last."""
    return (*PACKAGES, *os.environ.get("SOURCES", "").split())


def _name(package: str) -> str:
    return package.replace("==", "@").partition("@")[0]


def _archive(target: Path, package: str) -> Path | None:
    name, _, version = package.replace("==", "@").partition("@")
    return next(target.glob(f"{name}-{version}.t*gz"), None)


def _fetch(target: Path, package: str) -> None:
    """Let the registry's tool write an archive, if it is there, and move it to the others when it is complete."""
    pip = [sys.executable, "-m", "pip", "download", "--no-deps", "--no-binary", ":all:", package]
    command = pip if "==" in package else ["npm", "pack", package]
    if not shutil.which(command[0]):
        return
    with tempfile.TemporaryDirectory(dir=target.parent) as work:
        subprocess.run(command, cwd=work, capture_output=True, check=False)
        for archive in Path(work).iterdir():
            archive.rename(target / archive.name)


if __name__ == "__main__":
    for name, archive in locate().items():
        print(f"{name}: {archive}")
    if len(locate()) < len(packages()):
        print("Some sources are missing: what needs them is left out. They need pip, and npm.", file=sys.stderr)
