"""Jobs with a recording, of the kinds `transcription` and `spoken_filters`.

audio       decode the recording, find speech, cut it in silence into parts; transcribe each; join them in order
embedding   of a spoken question: as for a text
llm         as for a text
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any, TypeVar

import orjson

from nlp2filters.clock import now_ms
from nlp2filters.core.parts import Part
from nlp2filters.core.requests import MAX_TEXT
from nlp2filters.core.transcripts import Segment, Transcript, Word, join, to_json
from nlp2filters.errors import ModelUnavailable, PutOff, RateLimited, RecordingRefused
from nlp2filters.settings import Settings
from nlp2filters.storage.commits import EventDraft
from nlp2filters.storage.store import Store
from nlp2filters.worker import filters
from nlp2filters.worker.attempt import Attempt, StageResult
from nlp2filters.worker.metering import Meter
from nlp2filters.worker.parts import Outcomes, PartAttempt, PartWork

if TYPE_CHECKING:
    from nlp2filters.audio.decoding import Samples
    from nlp2filters.worker.embedding_services import EmbeddingServices
    from nlp2filters.worker.llm_services import LLMServices
    from nlp2filters.worker.recordings import AudioServices

# A part waits so long, counted from the job's creation, for a provider that limits the rate of calls.
MAX_WAIT_MS = 3_600_000

S = TypeVar("S")


@asynccontextmanager
async def open_audio(settings: Settings, store: Store) -> AsyncIterator["AudioServices"]:
    """Load the speech model.

    Raises:
        ModelUnavailable: its libraries are not installed, or no source has the model.
    """
    try:
        from nlp2filters.worker import recordings  # The other workers do without its libraries.
    except ModuleNotFoundError as exc:
        extra = "audio-api" if settings.transcription else "audio"
        raise ModelUnavailable(f"An audio worker needs the extra: pip install 'nlp2filters[{extra}]'.") from exc
    async with recordings.open_services(settings, store) as services:
        yield services


async def split(attempt: Attempt["AudioServices"]) -> Sequence[Part]:
    """Return the parts of the recording in which somebody speaks."""
    services, request = attempt.worker.services, attempt.request
    attempt.progress.report("decoding", "Reading the recording")
    recording = await services.recordings.open(attempt.job.owner, request["blob"])
    attempt.progress.report("listening", "Looking for speech")
    options = orjson.dumps([request["language"], request["words"], request["word_times"]])
    parts = []
    for span in await services.parts(recording):
        place = {"start_s": span.start_s, "end_s": span.end_s}
        payload = {**place, "recording_s": recording.seconds}
        parts.append(Part.of(services.transcriber.name, request["blob"], options, orjson.dumps(place), payload=payload))
    return parts


async def transcribe_part(attempt: PartAttempt["AudioServices"]) -> bytes:
    """Transcribe a part."""
    place = attempt.part.payload
    recording = await attempt.worker.services.recordings.open(attempt.job.owner, attempt.request["blob"])
    samples = await asyncio.to_thread(recording.read, place["start_s"], place["end_s"])
    transcript = await _transcribed(attempt, samples)
    return orjson.dumps(asdict(transcript), option=orjson.OPT_SERIALIZE_NUMPY)


def transcript_events(part: Part, content: bytes) -> Sequence[EventDraft]:
    """Tell the text of a part."""
    place, transcript = part.payload, _transcript(content)
    return [EventDraft("transcript", {"start_s": place["start_s"], "end_s": place["end_s"], "text": transcript.text})]


async def _transcribed(attempt: PartAttempt["AudioServices"], samples: "Samples") -> Transcript:
    """Transcribe samples, and count what that cost.

    Raises:
        PutOff: the provider limits the rate of calls.
        ProviderError: it gave no usable answer.
    """
    services, request, spent = attempt.worker.services, attempt.request, Counter[str]()
    meter, transcriber = Meter(attempt, services.prices), services.transcriber
    await meter.check(services.max_daily_micros)
    options = {"language": request["language"], "names": request["words"], "words": request["word_times"]}
    try:
        return await transcriber.transcribe(samples, **options, spent=spent)
    except RateLimited as exc:
        if now_ms() - attempt.job.created_at > MAX_WAIT_MS:
            raise
        reason = f"{transcriber.name} has reached its limit of calls"
        raise PutOff(reason, exc.wait_s, turn=exc.takes_calls) from exc
    finally:
        provider, _, model = transcriber.name.partition("/")
        await meter.add(provider, model, spent)


async def join_parts(attempt: Attempt["AudioServices"], outcomes: Outcomes) -> StageResult:
    """Join the parts to the result of a transcription."""
    usage = await Meter(attempt, attempt.worker.services.prices).total()
    return StageResult({"result": {**await _joined(attempt, outcomes), **({"usage": usage} if usage else {})}})


async def join_question(attempt: Attempt["AudioServices"], outcomes: Outcomes) -> StageResult:
    """Join the parts of a spoken question.

    Raises:
        RecordingRefused: nobody speaks, or too much is said.
    """
    transcript = await _joined(attempt, outcomes)
    if not transcript["text"]:
        raise RecordingRefused("Nobody speaks in this recording. Speak up, or check the microphone.")
    if len(transcript["text"]) > MAX_TEXT:
        raise RecordingRefused(f"A question may have {MAX_TEXT} characters. Leave out `then` to get the text only.")
    return StageResult({"transcript": transcript})


async def embed_question(attempt: Attempt["EmbeddingServices"]) -> StageResult:
    """Draft a filter for what was said."""
    return await filters.embed(_with_text(attempt))


async def translate_question(attempt: Attempt["LLMServices"]) -> StageResult:
    """Write the final filter for what was said."""
    translated = await filters.translate(_with_text(attempt))
    result = {**translated.fields["result"], "transcript": attempt.fields["transcript"]}
    return replace(translated, fields={**translated.fields, "result": result})


def _with_text(attempt: Attempt[S]) -> Attempt[S]:
    return replace(attempt, request={**attempt.request, "text": attempt.fields["transcript"]["text"]})


async def _joined(attempt: Attempt["AudioServices"], outcomes: Outcomes) -> dict[str, Any]:
    parts, seconds = [], None
    async for outcome in outcomes:
        assert outcome.content is not None, "a part that failed has ended the job"
        place, seconds = outcome.part.payload, outcome.part.payload["recording_s"]
        parts.append((place["start_s"], _transcript(outcome.content)))
    if seconds is None:
        recording = await attempt.worker.services.recordings.open(attempt.job.owner, attempt.request["blob"])
        seconds = recording.seconds
    return to_json(join(parts), seconds)


def _transcript(content: bytes) -> Transcript:
    data = orjson.loads(content)
    segments = (
        Segment(**{**segment, "words": tuple(Word(**word) for word in segment["words"])})
        for segment in data["segments"]
    )
    return Transcript(data["language"], tuple(segments))


WORK = PartWork(split, transcribe_part, join_parts, transcript_events)
QUESTION_WORK = PartWork(split, transcribe_part, join_question, transcript_events)
