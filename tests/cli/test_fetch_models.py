"""`nlp2filters fetch-models`, which an image's build runs."""

from pathlib import Path

import pytest

from nlp2filters.cli.main import main


def test_it_says_where_the_model_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fetch-models"]) == 0
    assert (Path(capsys.readouterr().out.strip()) / "model.onnx").is_file()


def test_int8_weights_are_fetched_if_set(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, int8_folder: Path
) -> None:
    monkeypatch.setenv("EMBEDDING_WEIGHTS", "int8")
    assert main(["fetch-models"]) == 0
    assert Path(capsys.readouterr().out.strip()) == int8_folder


def test_a_folder_without_the_model_is_refused(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MODEL_PATH", str(tmp_path))
    assert main(["fetch-models"]) == 1
    assert "MODEL_PATH" in capsys.readouterr().err
