"""`nlp2filters transcribe` and `ask --voice`, on recordings of people and of a speech synthesizer."""

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from nlp2filters.cli.main import main
from tools import recordings

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command; gives the exit code and what it wrote."""

    def run(*words: str) -> tuple[int, str, str]:
        try:
            code = main(words)
        except SystemExit as exc:
            code = int(str(exc.code))
        written = capsys.readouterr()
        return code, written.out, written.err

    return run


@pytest.fixture(scope="module")
def reader() -> Path:
    if not (spoken := recordings.locate()):
        pytest.skip("there are no recordings here: see tools/recordings.py")
    return spoken[1].file


def test_the_text(run: Run, reader: Path) -> None:
    code, out, err = run("transcribe", str(reader))
    assert (code, out.lower().replace("-", " "), err) == (0, "he was not an ill disposed young man.\n", "")


def test_subtitles(run: Run, reader: Path) -> None:
    code, out, _ = run("transcribe", str(reader), "--srt", "--language", "en")
    assert code == 0
    assert out.startswith("1\n00:00:00,")
    code, out, _ = run("transcribe", str(reader), "--vtt", "--language", "en")
    assert (code, out.splitlines()[0]) == (0, "WEBVTT")


def test_json_with_words(run: Run, reader: Path) -> None:
    code, out, _ = run("transcribe", str(reader), "--json", "--words")
    transcription = json.loads(out)
    assert (code, transcription["language"]) == (0, "en")
    assert [word["text"].lower() for word in transcription["segments"][0]["words"]][:3] == ["he", "was", "not"]
    assert 2 < transcription["seconds"] < 4


@pytest.mark.parametrize(
    ("content", "reason"), [(b"Dear Madam, this is a letter.", "no recording"), (None, "No such file")]
)
def test_what_is_no_recording(content: bytes | None, reason: str, run: Run, tmp_path: Path) -> None:
    file = tmp_path / "letter.wav"
    if content:
        file.write_bytes(content)
    code, out, err = run("transcribe", str(file))
    assert (code, out) == (1, "")
    assert reason in err
    assert "Traceback" not in err


def test_a_spoken_question(run: Run, tmp_path: Path) -> None:
    if not (espeak := shutil.which("espeak-ng")):
        pytest.skip("there is no espeak-ng here")
    file = tmp_path / "question.wav"
    subprocess.run(
        [espeak, "-v", "en-us", "-s", "140", "-w", str(file), "Japanese cars from nineteen eighty"], check=True
    )
    code, out, err = run("ask", "--voice", str(file), "--catalog", "cars", "--strategy", "builtin")
    assert code == 0, err
    assert "Japanese cars" in err
    assert "origin is Japan" in out.replace("Origin", "origin")


def test_a_text_and_a_recording_are_one_too_many(run: Run, reader: Path) -> None:
    code, _, err = run("ask", "japanese cars", "--voice", str(reader), "--catalog", "cars")
    assert (code, "either" in err) == (2, True)
    code, _, err = run("ask", "--catalog", "cars")
    assert (code, "either" in err) == (2, True)
