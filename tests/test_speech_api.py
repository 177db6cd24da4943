"""An audio worker with a speech API needs neither the speech model nor its library, and bad days lose no job."""

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from tests.audio.sounds import silence, tone, wav
from tests.audio.transcribing import follow, result, submit, wait_for_audio
from tests.peers import wires
from tests.peers.wires import Peer, Sent, sent
from tests.service import Service, started

pytestmark = pytest.mark.timeout(600)
# Two parts: a pause after 22 seconds.
LONG = np.concatenate([tone(22), silence(1), tone(12)])


@pytest.fixture(scope="module")
def peer() -> Iterator[Peer]:
    with wires.running("/audio/transcriptions") as peer:
        yield peer


@pytest.fixture(scope="module")
def service(peer: Peer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("api")
    for library in ("faster_whisper", "ctranslate2"):
        (folder / f"{library}.py").write_text(f"raise ModuleNotFoundError('{library} is not installed here')\n")
    environment = {
        "AUDIO_PROVIDER": "openai",
        "AUDIO_MODEL": "whisper-1",
        "OPENAI_BASE_URL": peer.url,
        "OPENAI_API_KEY": "sk-test",
        "LLM_PRICES": "whisper-1=100",
        "PYTHONPATH": f"{folder}:{Path.cwd()}",
    }
    with started(folder, "web", "audio", **environment) as service:
        wait_for_audio(service)
        yield service


@pytest.fixture
def client(service: Service) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=service.url, timeout=60, trust_env=False) as client:
        yield client


def heard(text: str) -> Sent:
    segment = {"start": 0.5, "end": 2.0, "text": text, "avg_logprob": -0.1, "no_speech_prob": 0.0}
    return sent(200, {"text": text, "language": "german", "segments": [segment]})


def test_parts_go_to_the_api_and_are_joined(client: httpx.Client, peer: Peer) -> None:
    first = len(wav(LONG)) / 2
    failures = iter([sent(500, "out of order"), sent(429, {}, retry_after="2")])

    def answer(request: dict[str, Any]) -> Sent:
        if failure := next(failures, None):
            return failure
        return heard("eins" if len(request["file"]) > first else "zwei")

    peer.rule = answer
    job = submit(client, wav(LONG), words="Dashwood, Elinor")
    transcription = result(client, job)
    assert (transcription["text"], transcription["language"]) == ("eins zwei", "de")
    starts = [segment["start_s"] for segment in transcription["segments"]]
    assert starts == [pytest.approx(0.5, abs=0.2), pytest.approx(23.4, abs=0.3)]
    usage = transcription["usage"]
    assert usage["audio_seconds"] == pytest.approx(35, abs=2)
    assert usage["cost"] == pytest.approx(usage["audio_seconds"] * 0.0001)
    assert all(request["prompt"] == "Dashwood, Elinor" for request in peer.requests)
    assert counted(client, outcome="answered") == 2


def counted(client: httpx.Client, outcome: str) -> int:
    """The calls that the metrics have of an outcome, once there are any: workers write their counts now and then."""
    labels = f'{{operation="transcription",outcome="{outcome}",provider="openai"}}'
    deadline = time.monotonic() + 30
    while not (line := re.search(rf"llm_calls_total{labels} (\d+)", client.get("/metrics").text)):
        assert time.monotonic() < deadline, f"no call was {outcome}"
        time.sleep(0.2)
    return int(line[1])


def test_a_wrong_key_is_a_clear_failure_without_the_operators_words(client: httpx.Client, peer: Peer) -> None:
    peer.script(sent(401, {"error": {"message": "The key sk-test of account 17 is wrong."}}))
    job = follow(client, submit(client, wav(tone(3))))[-1][1]["job"]
    assert job["error"]["type"] == "/problems/speech-unavailable"
    assert job["error"]["detail"] == "The speech model's API rejected the request (status 401)."
    peer.script(heard("drei"))
    again = client.post(job["urls"]["retry"]).json()
    assert result(client, again)["text"] == "drei"


def test_silence_costs_nothing(client: httpx.Client, peer: Peer) -> None:
    peer.script(sent(500, "not to be asked"))
    transcription = result(client, submit(client, wav(silence(3))))
    assert (transcription["text"], "usage" in transcription, peer.requests) == ("", False, [])
