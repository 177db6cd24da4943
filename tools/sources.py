"""Sources of well-known packages, out of the package registries: for the tests and `make analysis`.

Nothing of them is installed: the archives are kept as they come, in the user's cache folder. To fetch a source archive,
pip builds its metadata, in an environment of its own.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from platformdirs import user_cache_path

# By the tool that fetches it. Celery is a version of its own, since figures and questions are about it.
PYTHON_PACKAGES = ("celery==5.4.0", "starlette==1.10.0", "lxml==6.1.3")
NODE_PACKAGES = ("express@5.3.0",)


def folder() -> Path:
    return user_cache_path("nlp2filters") / "sources"


def locate() -> dict[str, Path]:
    """Return the archives by the names of their packages, and fetch them if necessary; those that can be had."""
    target = folder()
    target.mkdir(parents=True, exist_ok=True)
    for package in PYTHON_PACKAGES:
        if not _archive(target, package):
            _fetch(target, [sys.executable, "-m", "pip", "download", "--no-deps", "--no-binary", ":all:", package])
    for package in NODE_PACKAGES:
        if not _archive(target, package) and shutil.which("npm"):
            _fetch(target, ["npm", "pack", package])
    packages = (*PYTHON_PACKAGES, *NODE_PACKAGES)
    archives = {_name(package): _archive(target, package) for package in packages}
    return {name: archive for name, archive in archives.items() if archive}


def _name(package: str) -> str:
    return package.replace("==", "@").partition("@")[0]


def _archive(target: Path, package: str) -> Path | None:
    name, _, version = package.replace("==", "@").partition("@")
    return next(target.glob(f"{name}-{version}.t*gz"), None)


def _fetch(target: Path, command: list[str]) -> None:
    """Let the registry's tool write an archive, and move it to the others when it is complete."""
    with tempfile.TemporaryDirectory(dir=target.parent) as work:
        subprocess.run(command, cwd=work, capture_output=True, check=False)
        for archive in Path(work).iterdir():
            archive.rename(target / archive.name)


if __name__ == "__main__":
    for name, archive in locate().items():
        print(f"{name}: {archive}")
    if len(locate()) < len(PYTHON_PACKAGES) + len(NODE_PACKAGES):
        print("Some sources are missing: what needs them is left out. They need pip, and npm.", file=sys.stderr)
