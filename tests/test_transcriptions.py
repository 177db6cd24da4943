"""Recordings go through the whole service: uploaded, cut, transcribed by real workers, and turned into filters."""

import json
import os
import re
import signal
from collections import Counter
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from nlp2filters.audio.decoding import SAMPLE_RATE, Samples
from tests.audio.sounds import encoded, read_wav, silence, tone, video_without_sound, wav
from tests.audio.transcribing import PATH, follow, result, spoken, submit, wait_for_audio
from tests.peers import webhook as receivers
from tests.service import Service, commands, started
from tools import recordings

AUDIO = commands(audio=True)["audio"]
# The suite tries little; `make speech` an hour and 20 kills.
MINUTES = float(os.environ.get("SPEECH_MINUTES", "1.5"))
KILLS = int(os.environ.get("SPEECH_KILLS", "2"))
QUESTIONS = int(os.environ.get("SPEECH_QUESTIONS", "2"))
MAX_MEMORY_MB = 700
# A catalog, what is said, and how people would type it.
ASKED = (
    ("cars", "Japanese cars with more than one hundred horsepower", "Japanese cars with more than 100 horsepower"),
    ("cars", "American cars under three thousand pounds", "American cars under 3000 pounds"),
    ("cars", "European cars from nineteen seventy five", "European cars from 1975"),
    ("cars", "cars with eight cylinders", "cars with 8 cylinders"),
    (
        "cars",
        "Toyota or Mazda with at least thirty miles per gallon",
        "Toyota or Mazda with at least 30 miles per gallon",
    ),
    ("movies", "comedies by Steven Spielberg", "comedies by Steven Spielberg"),
    ("movies", "horror movies released after two thousand and one", "horror movies released after 2001"),
    (
        "movies",
        "movies with a budget over one hundred million dollars",
        "movies with a budget over 100 million dollars",
    ),
    ("movies", "Ridley Scott movies, newest first", "Ridley Scott movies, newest first"),
    ("movies", "dramas longer than two hours", "dramas longer than 2 hours"),
)
MIN_SAME = 0.6
SMALL: Any = {"rate": 48_000, "bit_rate": 32_000}


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


@pytest.mark.timeout(3_600)
def test_spoken_questions_give_the_filters_of_typed_ones(client: httpx.Client, tmp_path: Path) -> None:
    """The voice is a synthesizer's, of which people also miss a word. The catalog's names are expected."""
    same, misheard = 0, []
    for catalog, said, typed in ASKED[:QUESTIONS]:
        then = json.dumps({"catalog": catalog, "strategy": "builtin"})
        answer = result(client, submit(client, spoken(said, tmp_path), language="en", then=then))
        question = {"catalog": catalog, "text": typed, "strategy": "builtin"}
        expected = client.post("/v1/jobs", json=question, headers={"Prefer": "wait=25"}).json()["result"]
        heard = answer["transcript"]["text"]
        outcome = [(one["filter"], one["sort"]) for one in (answer, expected)]
        same += outcome[0] == outcome[1]
        if plain(heard) != plain(typed):
            misheard.append(
                f"{typed!r} was heard as {heard!r}, with {'the same' if outcome[0] == outcome[1] else 'another'} filter"
            )
        else:
            assert outcome[0] == outcome[1], heard
    print(f"\n{same} of {QUESTIONS} spoken questions gave the filter of the typed one", *misheard, sep="\n")
    assert same >= MIN_SAME * QUESTIONS, misheard


def plain(text: str) -> list[str]:
    """The words without case and punctuation."""
    return re.findall(r"[a-z0-9]+", text.lower().replace(",", ""))


@pytest.mark.timeout(4 * 3_600)
def test_a_long_recording_survives_kills_and_delays_no_filter(
    service: Service, client: httpx.Client, people: list[recordings.Recording]
) -> None:
    """The text is the same as undisturbed, each part is told once, and no process takes much memory."""
    samples = conversation(people, MINUTES * 60)
    undisturbed = result(client, submit(client, encoded(samples, "ogg", "libopus", **SMALL)))
    # The same sound in another file, so that no result of before is taken.
    job = submit(client, encoded(samples, "ogg", "libopus", **SMALL, title="again"))
    kill_at = set(np.linspace(1, max(KILLS, len(undisturbed["segments"]) // 12), KILLS).astype(int))
    told: list[dict[str, Any]] = []
    peaks_mb: Counter[str] = Counter()
    filters = 0

    def on_transcript(part: dict[str, Any]) -> None:
        nonlocal filters
        told.append(part)
        if len(told) not in kill_at:
            return
        note_peaks(service, peaks_mb)
        service.processes["audio"].send_signal(signal.SIGKILL)
        service.processes["audio"].wait()
        service.start_command("audio", AUDIO)
        question = {"catalog": "cars", "text": f"cars with {len(told)} hp", "strategy": "builtin"}
        answer = client.post("/v1/jobs", json=question, headers={"Prefer": "wait=25"})
        filters += answer.status_code == 200 and answer.json()["status"] == "succeeded"
        running = client.get(job["urls"]["self"]).json()["status"]
        assert running in ("queued", "running"), "the filter has not waited for the recording"

    events = follow(client, job, on_transcript)
    note_peaks(service, peaks_mb)
    data = events[-1][1]
    print(f"\n{MINUTES} minutes, {KILLS} kills, {len(told)} parts, peaks in MB: {dict(peaks_mb)}")
    assert filters == KILLS
    assert data["result"]["text"] == undisturbed["text"]
    assert data["result"]["segments"] == undisturbed["segments"]
    assert " ".join(part["text"] for part in sorted(told, key=lambda part: part["start_s"])) == undisturbed["text"]
    assert max(peaks_mb.values()) < MAX_MEMORY_MB, peaks_mb


def conversation(people: list[recordings.Recording], seconds: float) -> Samples:
    """People who speak one after the other, with pauses."""
    pieces: list[Samples] = []
    for person in cycle(people):
        if sum(map(len, pieces)) > seconds * SAMPLE_RATE:
            return np.concatenate(pieces)
        pieces += [read_wav(person.file), silence(0.8)]
    raise AssertionError


def note_peaks(service: Service, peaks_mb: Counter[str]) -> None:
    """The most memory that each of the service's processes had, in MB; those of its children are not counted."""
    for name, process in service.processes.items():
        status = Path(f"/proc/{process.pid}/status").read_text()
        peak = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
        peaks_mb[name] = max(peaks_mb[name], peak // 1024)


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


def test_names_to_expect_may_be_those_of_a_catalog(client: httpx.Client) -> None:
    unknown = client.post(PATH, files={"file": ("a.wav", wav(silence(1)))}, data={"words": '{"catalog": "nowhere"}'})
    assert unknown.status_code == 404
    assert result(client, submit(client, wav(silence(1)), words='{"catalog": "cars"}'))["text"] == ""


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
        assert service.client.get("/v1/jobs").json()["jobs"] == []
