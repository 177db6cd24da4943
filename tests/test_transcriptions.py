"""Recordings go through the whole service: uploaded, cut, transcribed by real workers, and turned into filters."""

import json
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from httpx_sse import connect_sse

from tests.audio.sounds import encoded, read_wav, silence, tone, video_without_sound, wav
from tests.peers import webhook as receivers
from tests.service import Service, commands, started
from tools import recordings

AUDIO = commands(audio=True)["audio"]
PATH = "/v1/transcriptions"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    environment = {"LEASE_S": "4", "HEARTBEAT_TIMEOUT_S": "6", "WEBHOOK_ALLOW_PRIVATE": "true"}
    with started(tmp_path_factory.mktemp("speech"), *commands(audio=True), **environment) as service:
        wait_for_audio(service)
        service.wait_until_ready()
        yield service


@pytest.fixture
def client(service: Service) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=service.url, timeout=60, trust_env=False) as client:
        yield client


@pytest.fixture(scope="module")
def people() -> list[recordings.Recording]:
    if not (spoken := recordings.locate()):
        pytest.skip("there are no recordings here: see tools/recordings.py")
    return spoken


def wait_for_audio(service: Service) -> None:
    deadline = time.monotonic() + 240
    while not httpx.get(f"{service.url}/readyz").json()["workers"]["audio"]:
        assert time.monotonic() < deadline, "no audio worker came up"
        time.sleep(0.1)


def submit(client: httpx.Client, content: bytes, **fields: str) -> dict[str, Any]:
    response = client.post(PATH, files={"file": ("recording.wav", content)}, data=fields)
    assert response.status_code == 202, response.text
    job: dict[str, Any] = response.json()
    return job


def follow(client: httpx.Client, job: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """The events of the job: name and data."""
    with connect_sse(client, "GET", job["urls"]["events"], timeout=240) as source:
        return [(event.event, json.loads(event.data)) for event in source.iter_sse() if event.data]


def result(client: httpx.Client, job: dict[str, Any]) -> Any:
    name, data = follow(client, job)[-1]
    assert name == "done"
    assert data["job"]["status"] == "succeeded", data["job"]["error"]
    return data["result"]


def spoken(text: str, folder: Path) -> bytes:
    if not (espeak := shutil.which("espeak-ng")):
        pytest.skip("there is no espeak-ng here")
    file = folder / "spoken.wav"
    subprocess.run([espeak, "-v", "en-us", "-s", "140", "-w", str(file), text], check=True)
    return file.read_bytes()


def test_a_recording_becomes_text(client: httpx.Client, people: list[recordings.Recording]) -> None:
    job = submit(client, people[1].file.read_bytes(), word_times="true")
    assert job["kind"] == "transcription"
    transcription = result(client, job)
    assert transcription["text"].lower().replace("-", " ") == "he was not an ill disposed young man."
    assert transcription["language"] == "en"
    assert len(transcription["segments"][0]["words"]) >= 7
    assert transcription["srt"].startswith("1\n00:00:0")
    assert transcription["vtt"].startswith("WEBVTT")


def test_a_spoken_question_becomes_a_filter(client: httpx.Client, tmp_path: Path) -> None:
    question = spoken("Japanese cars from nineteen eighty", tmp_path)
    job = submit(client, question, then=json.dumps({"catalog": "cars", "dialects": ["sql"], "strategy": "builtin"}))
    assert job["kind"] == "spoken_filters"
    events = follow(client, job)
    assert [name for name, _ in events].count("done") == 1
    assert "draft" in [name for name, _ in events]
    filtered = events[-1][1]["result"]
    typed = client.post(
        "/v1/jobs",
        json={"catalog": "cars", "text": filtered["transcript"]["text"], "strategy": "builtin"},
        headers={"Prefer": "wait=20"},
    ).json()["result"]
    assert filtered["filter"] == typed["filter"]
    assert "Japan" in json.dumps(filtered["filter"])
    refined = client.post(
        "/v1/jobs",
        json={"refines": job["id"], "text": "also european", "strategy": "builtin"},
        headers={"Prefer": "wait=20"},
    ).json()["result"]
    assert "Europe" in json.dumps(refined["filter"])


def test_a_long_recording_is_split_told_as_it_goes_and_survives_kills(
    service: Service, client: httpx.Client, people: list[recordings.Recording]
) -> None:
    pieces = [piece for person in people[:26] for piece in (read_wav(person.file), silence(0.8))]
    content = encoded(np.concatenate(pieces), "flac", "flac")
    undisturbed = result(client, submit(client, content, language="en"))
    # Other names to expect, so that no result of before is taken.
    job = submit(client, content, language="en", words="Dashwood")
    killed, told = 0, []
    with connect_sse(client, "GET", job["urls"]["events"], timeout=240) as source:
        for event in source.iter_sse():
            if not event.data:
                continue
            data = json.loads(event.data)
            if event.event == "transcript":
                told.append(data)
                if killed < 2:
                    service.processes["audio"].send_signal(signal.SIGKILL)
                    service.processes["audio"].wait()
                    service.start_command("audio", AUDIO)
                    killed += 1
    assert event.event == "done"
    assert killed == 2
    text = data["result"]["text"]
    assert len(told) >= 3
    assert " ".join(part["text"] for part in sorted(told, key=lambda part: part["start_s"])) == text
    assert len(text) == pytest.approx(len(undisturbed["text"]), rel=0.1)
    starts = [segment["start_s"] for segment in data["result"]["segments"]]
    assert starts == sorted(starts)


def test_a_filter_beside_a_long_transcription_is_not_delayed(
    client: httpx.Client, people: list[recordings.Recording]
) -> None:
    pieces = [piece for person in people[26:46] for piece in (read_wav(person.file), silence(0.8))]
    job = submit(client, encoded(np.concatenate(pieces), "flac", "flac"))
    answer = client.post(
        "/v1/jobs",
        json={"catalog": "cars", "text": "japanese cars", "strategy": "builtin"},
        headers={"Prefer": "wait=25"},
    )
    assert answer.status_code == 200
    assert client.get(job["urls"]["self"]).json()["status"] in ("queued", "running"), "it has not waited for the other"
    client.post(job["urls"]["cancel"])
    assert follow(client, job)[-1][1]["job"]["status"] == "canceled"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"A letter that somebody has named letter.wav, as one does.", "no recording"),
        (wav(silence(0)), "no sound"),
        (video_without_sound(), "no sound"),
    ],
    ids=["text", "no samples", "video"],
)
def test_what_cannot_be_transcribed_fails_at_once(content: bytes, reason: str, client: httpx.Client) -> None:
    job = follow(client, submit(client, content))[-1][1]["job"]
    assert (job["status"], job["stages"]["audio"]["attempt"]) == ("failed", 1)
    assert job["error"]["type"] == "/problems/recording-refused"
    assert reason in job["error"]["detail"]


def test_silence_is_an_empty_text_but_no_question(client: httpx.Client) -> None:
    transcription = result(client, submit(client, wav(silence(3))))
    assert (transcription["text"], transcription["segments"], transcription["seconds"]) == ("", [], 3.0)
    job = follow(client, submit(client, wav(tone(3)), then='{"catalog": "cars"}'))[-1][1]["job"]
    assert "Nobody speaks" in job["error"]["detail"]


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"language": "English"}, "/language"),
        ({"then": "{"}, "/then"),
        ({"then": '{"dialects": ["sql"]}'}, "/then/catalog"),
        ({"then": '{"catalog": "cars", "text": "japanese"}'}, "/then/text"),
        ({"then": '{"catalog": "cars", "kind": "filters"}'}, "/then/kind"),
        ({"word_times": "perhaps"}, "/word_times"),
        ({"colour": "red"}, "/colour"),
    ],
)
def test_faults_have_pointers(fields: dict[str, str], pointer: str, client: httpx.Client) -> None:
    response = client.post(PATH, files={"file": ("a.wav", wav(silence(1)))}, data=fields)
    assert response.status_code == 422, response.text
    assert [fault["pointer"] for fault in response.json()["errors"]] == [pointer]


def test_a_form_without_a_file(client: httpx.Client) -> None:
    assert client.post(PATH, files={"other": ("a.wav", b"x")}).status_code == 422
    assert client.post(PATH, files={"file": ("a.wav", b"")}).status_code == 422
    assert client.post(PATH, json={}).status_code == 415
    assert client.post(PATH, content=b"x", headers={"Content-Type": "multipart/form-data"}).status_code == 422


def test_an_unknown_catalog(client: httpx.Client) -> None:
    response = client.post(PATH, files={"file": ("a.wav", wav(silence(1)))}, data={"then": '{"catalog": "nowhere"}'})
    assert response.status_code == 404


def test_more_than_25_mb_are_refused(client: httpx.Client) -> None:
    response = client.post(PATH, files={"file": ("a.wav", bytes(27 << 20))})
    assert response.status_code == 413


def test_a_repeated_upload_creates_one_job(client: httpx.Client) -> None:
    def post(content: bytes) -> httpx.Response:
        return client.post(PATH, files={"file": ("a.wav", content)}, headers={"Idempotency-Key": "upload-1"})

    first, again, other = post(wav(silence(1))), post(wav(silence(1))), post(wav(silence(2)))
    assert first.json()["id"] == again.json()["id"]
    assert again.headers["Idempotency-Replayed"] == "true"
    assert other.status_code == 422


def test_a_failed_job_can_be_retried(client: httpx.Client) -> None:
    job = submit(client, b"no recording at all")
    follow(client, job)
    again = client.post(job["urls"]["retry"])
    assert (again.status_code, again.json()["kind"]) == (202, "transcription")
    assert follow(client, again.json())[-1][1]["job"]["error"]["type"] == "/problems/recording-refused"


def test_an_older_client_sends_a_recording(
    service: Service, people: list[recordings.Recording], tmp_path: Path
) -> None:
    with receivers.running() as receiver:
        receiver.script(receivers.ok, receivers.ok)
        for name, content in (("reader.wav", people[1].file.read_bytes()), ("letter.wav", b"Dear Madam")):
            response = httpx.post(
                f"{service.url}/send", files={"file": (name, content)}, data={"callback": receiver.url}, trust_env=False
            )
            assert (response.status_code, response.content) == (204, b"")
        told = sorted((json.loads(receiver.next(timeout_s=60).body) for _ in range(2)), key=lambda one: one["success"])
    assert (told[0]["success"], "no recording" in told[0]["error"]) == (False, True)
    assert told[1]["data"].lower().replace("-", " ") == "he was not an ill disposed young man."


def test_without_a_worker_recordings_are_refused_at_once(tmp_path: Path) -> None:
    with started(tmp_path, "web") as service:
        response = httpx.post(f"{service.url}{PATH}", files={"file": ("a.wav", wav(silence(1)))}, trust_env=False)
        assert response.status_code == 503
        assert response.json()["type"] == "/problems/no-worker"
        assert httpx.get(f"{service.url}/v1/jobs", trust_env=False).json()["jobs"] == []
