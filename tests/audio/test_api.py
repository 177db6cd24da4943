"""A speech API instead of the model on this machine: its wire format, its bad days, times and costs."""

import io
import wave
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from nlp2filters.audio.api_transcriber import ApiTranscriber
from nlp2filters.core.transcripts import UNDETERMINED
from nlp2filters.core.usage import PriceTable
from nlp2filters.errors import (
    InvalidAnswer,
    ProviderError,
    ProviderRejected,
    ProviderTimeout,
    ProviderUnavailable,
    RateLimited,
)
from nlp2filters.llm.http import MAX_TRIES
from nlp2filters.llm.opening import create_transcriptions
from nlp2filters.llm.registry import PROVIDERS, TranscriptionConfig
from tests.audio.sounds import tone
from tests.llm.test_wires import validator
from tests.peers import wires
from tests.peers.wires import Peer, Sent, sent

SPEECH = tone(2)
WORDS = [{"word": "Japanese", "start": 0.1, "end": 0.7}, {"word": "cars.", "start": 0.7, "end": 1.2}]
SEGMENT = {
    "id": 0, "seek": 0, "start": 0.0, "end": 1.3, "text": " Japanese cars.", "tokens": [50364, 7047],
    "temperature": 0.0, "avg_logprob": -0.2, "compression_ratio": 1.1, "no_speech_prob": 0.01,
}  # fmt: skip
VERBOSE = {
    "task": "transcribe",
    "language": "english",
    "duration": 2.0,
    "text": "Japanese cars.",
    "segments": [SEGMENT],
}
PLAIN = {"text": "Japanese cars."}


@pytest.fixture
def peer() -> Iterator[Peer]:
    with wires.running("/audio/transcriptions") as peer:
        yield peer


def api(peer: Peer, **options: Any) -> ApiTranscriber:
    defaults: dict[str, Any] = {"provider": "openai", "model": "whisper-1", "timeout_s": 9, "api_key": "sk-test"}
    return ApiTranscriber(create_transcriptions(TranscriptionConfig(base_url=peer.url, **defaults | options)))


def error(text: str = "no", *, param: str | None = None, code: str | None = None) -> dict[str, Any]:
    return {"error": {"message": text, "type": "invalid_request_error", "param": param, "code": code}}


async def test_sound_goes_out_and_text_with_times_comes_back(peer: Peer) -> None:
    peer.script(sent(200, {**VERBOSE, "words": WORDS}))
    spent: Counter[str] = Counter()
    async with api(peer) as transcriber:
        transcript = await transcriber.transcribe(
            SPEECH, language=None, names=["Datsun", "Mazda"], words=True, spent=spent
        )
    assert (transcript.language, transcript.text) == ("en", "Japanese cars.")
    (segment,) = transcript.segments
    assert (segment.start_s, segment.end_s) == (0.0, 1.3)
    assert [(word.text, word.start_s, word.probability) for word in segment.words] == [
        ("Japanese", 0.1, None),
        ("cars.", 0.7, None),
    ]
    assert spent == {"audio_seconds": 2, "calls": 1}
    (request,) = peer.requests
    with wave.open(io.BytesIO(request.pop("file"))) as file:
        assert (file.getframerate(), file.getnchannels(), file.readframes(99_999)) == (16_000, 1, SPEECH.tobytes())
    assert request == {
        "model": "whisper-1",
        "prompt": "Datsun, Mazda",
        "response_format": "verbose_json",
        "timestamp_granularities[]": ["segment", "word"],
    }
    assert peer.headers[0]["authorization"] == "Bearer sk-test"


def test_the_peer_answers_as_openai_specifies_it() -> None:
    checked = validator("CreateTranscriptionResponseVerboseJson")
    assert [str(fault) for fault in checked.iter_errors({**VERBOSE, "words": WORDS})] == []


async def test_a_server_without_times_gives_one_segment_and_is_not_asked_twice(peer: Peer) -> None:
    def answer(request: dict[str, Any]) -> Sent:
        if request["response_format"] == "verbose_json":
            return sent(400, error(param="response_format", code="unsupported_value"))
        return sent(
            200, {**PLAIN, "usage": {"type": "tokens", "input_tokens": 20, "output_tokens": 3, "total_tokens": 23}}
        )

    peer.rule = answer
    spent: Counter[str] = Counter()
    async with api(peer) as transcriber:
        first = await transcriber.transcribe(SPEECH, language="en", spent=spent)
        again = await transcriber.transcribe(SPEECH, spent=spent)
    assert [(part.text, part.start_s, part.end_s) for part in first.segments] == [("Japanese cars.", 0.0, 2.0)]
    assert (first.language, again.language) == ("en", UNDETERMINED)
    assert [request["response_format"] for request in peer.requests] == ["verbose_json", "verbose_json", "json", "json"]
    assert (spent["input_tokens"], spent["output_tokens"], spent["calls"], spent["failed_calls"]) == (40, 6, 4, 2)
    assert PriceTable.parse("whisper-*=100, gpt-4o-*=2.5/10").micros(spent, "gpt-4o-transcribe") == 160


def test_a_minute_of_sound_has_a_price() -> None:
    assert PriceTable.parse("whisper-1=100").micros({"audio_seconds": 60}, "whisper-1") == 6_000


def bad_days() -> Iterator[tuple[str, list[Sent], type[ProviderError] | None, int]]:
    """What the server sends, the outcome (None: a transcript), and the number of requests."""
    good = sent(200, VERBOSE)
    for status in (408, 409, 429, 500, 502, 503):
        yield f"{status} once", [sent(status, error(), retry_after="0"), good], None, 2
    for status in (401, 403, 404, 413):
        yield str(status), [sent(status, error())], ProviderRejected, 1
    yield "400 whatever is asked for", [sent(400, error())], ProviderRejected, 3
    yield "no money left", [sent(400, error(code="insufficient_quota"))], ProviderRejected, 1
    yield "503 always", [sent(503, error(), retry_after="0")], ProviderUnavailable, MAX_TRIES
    yield "no JSON", [sent(200, "<html>")], InvalidAnswer, 1
    yield "half a JSON", [sent(200, '{"text": "Japa')], InvalidAnswer, 1
    yield "other JSON", [sent(200, [1])], InvalidAnswer, 1
    yield "no text", [sent(200, {"segments": []})], InvalidAnswer, 1
    yield "text of another type", [sent(200, {"text": 3})], InvalidAnswer, 1
    yield "times of another type", [sent(200, {**VERBOSE, "segments": [{**SEGMENT, "start": "x"}]})], InvalidAnswer, 1
    yield "endless times", [sent(200, {**VERBOSE, "segments": [{**SEGMENT, "end": "inf"}]})], InvalidAnswer, 1
    yield "segments of another form", [sent(200, {**VERBOSE, "segments": ["Japanese"]})], InvalidAnswer, 1
    yield "endless body", [sent(200, b" " * 1_100_000)], InvalidAnswer, 1


DAYS = list(bad_days())


@pytest.mark.parametrize(("script", "outcome", "requests"), [day[1:] for day in DAYS], ids=[day[0] for day in DAYS])
async def test_bad_days(script: list[Sent], outcome: type[ProviderError] | None, requests: int, peer: Peer) -> None:
    peer.script(*script)
    spent: Counter[str] = Counter()
    async with api(peer) as transcriber:
        if outcome is None:
            assert (await transcriber.transcribe(SPEECH, spent=spent)).text == "Japanese cars."
        else:
            with pytest.raises(outcome) as caught:
                await transcriber.transcribe(SPEECH, spent=spent)
            assert "LLM" not in caught.value.public
    assert len(peer.requests) == requests
    assert spent["calls"] == requests
    assert spent["failed_calls"] == requests - (outcome is None)


async def test_a_server_that_hangs_is_given_up(peer: Peer) -> None:
    peer.script(Sent(ends="never"))
    async with api(peer, timeout_s=0.3) as transcriber:
        with pytest.raises(ProviderTimeout):
            await transcriber.transcribe(SPEECH)


async def test_a_limit_of_the_rate_is_told_with_its_wait(peer: Peer) -> None:
    peer.script(sent(429, error(), retry_after="30"))
    async with api(peer, patience_s=0.2) as transcriber:
        with pytest.raises(RateLimited) as caught:
            await transcriber.transcribe(SPEECH)
    assert 25 < caught.value.wait_s < 35


async def test_the_key_is_never_quoted(peer: Peer) -> None:
    peer.script(sent(401, error("The key sk-test is wrong.")))
    async with api(peer) as transcriber:
        with pytest.raises(ProviderRejected) as caught:
            await transcriber.transcribe(SPEECH)
    assert "sk-test" not in str(caught.value)


async def test_what_was_made_up_of_silence_is_left_out_and_times_stay_within_the_sound(peer: Peer) -> None:
    ghost = {**SEGMENT, "text": " Thank you.", "no_speech_prob": 0.9, "avg_logprob": -1.4}
    late = {**SEGMENT, "start": 1.5, "end": 30.0, "text": " Red ones."}
    peer.script(sent(200, {**VERBOSE, "segments": [ghost, late]}))
    async with api(peer) as transcriber:
        transcript = await transcriber.transcribe(SPEECH)
    assert [(part.text, part.end_s) for part in transcript.segments] == [("Red ones.", 2.0)]


def test_every_provider_that_transcribes_has_openais_api() -> None:
    assert {name for name, spec in PROVIDERS.items() if spec.transcribes} >= {"openai", "groq", "vllm"}
