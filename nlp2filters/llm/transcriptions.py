"""Speech APIs: OpenAI's `{base_url}/audio/transcriptions`, which many servers offer."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from nlp2filters.core import usage
from nlp2filters.core.transcripts import UNDETERMINED, Segment, Transcript, Word, is_made_up, prompt_of
from nlp2filters.errors import InvalidAnswer, ProviderError
from nlp2filters.llm import rejections, telemetry
from nlp2filters.llm.http import APICalls, LLMHTTPClient, LLMResponse, read_json
from nlp2filters.llm.languages import code_of
from nlp2filters.llm.provider import failure

# How much an answer may tell: models and servers differ. The first that a server accepts is used from then on.
FORMS: Sequence[str] = ("times", "segments", "text")


@dataclass(frozen=True, slots=True)
class Sound:
    """A part of a recording as a WAV file, and its length in seconds."""

    wav: bytes
    seconds: float


class TranscriptionCalls(APICalls):
    """The calls of one speech API over HTTP. Open it with `async with`. `name` is the provider's."""

    path: ClassVar[str] = "audio/transcriptions"

    def __init__(self, name: str, model: str, http: LLMHTTPClient) -> None:
        super().__init__(name, model, http)
        # The form that the server has accepted, with and without the times of words.
        self._accepted: dict[bool, str] = {}

    async def transcribe(
        self, sound: Sound, *, language: str | None, names: Sequence[str], words: bool, spent: Counter[str]
    ) -> Transcript:
        """Transcribe a part of a recording. `spent` gets the usage of the calls.

        Where the server tells no times, there is one segment with the whole text.

        Raises:
            ProviderError: the calls gave nothing usable.
        """
        options = {"language": language, "prompt": prompt_of(names)}
        fields = {name: value for name, value in options.items() if value}
        calls: Counter[str] = Counter()
        with telemetry.call("transcription", self.name, self.model, self.on_call) as span:
            try:
                data = await self._http.retrying(lambda: self._try(sound, fields, calls, words=words))
                calls.update(_usage(data, sound.seconds))
                transcript = _transcript(data, sound.seconds, language)
                calls["failed_calls"] = calls["calls"] - 1
            except ProviderError as exc:
                exc.service = "speech model"
                calls["failed_calls"] = calls["calls"]
                raise
            finally:
                spent.update(+calls)
                span.used(calls)
        return transcript

    async def _try(self, sound: Sound, fields: Mapping[str, Any], calls: Counter[str], *, words: bool) -> Any:
        """Make one try, which may take several requests to a server that cannot tell times."""
        first_rejection: LLMResponse | None = None
        accepted = self._accepted.get(words)
        for form in (accepted,) if accepted else FORMS:
            calls["calls"] += 1
            about = {"model": self.model, **fields, **_form(form, words=words)}
            response = await self._http.post_form(self.path, about, ("speech.wav", sound.wav, "audio/wav"))
            if response.status == 200:
                self._accepted[words] = form
                return read_json(response.body)
            if response.status not in rejections.STATUSES or rejections.read(response.body).final:
                raise failure(response)
            first_rejection = first_rejection or response
        assert first_rejection
        raise failure(first_rejection)


def _form(form: str, *, words: bool) -> dict[str, Any]:
    """Return the members of a request that ask for an answer of this form."""
    if form == "text":
        return {"response_format": "json"}
    granularities = ["segment", "word"] if words else ["segment"]
    times = {"timestamp_granularities[]": granularities} if form == "times" else {}
    return {"response_format": "verbose_json", **times}


def _usage(data: Any, seconds: float) -> usage.Usage:
    """Return the tokens that the answer reports, or else the seconds of sound."""
    counts = data.get("usage") if isinstance(data, Mapping) else None
    reported = counts if isinstance(counts, Mapping) else {}
    tokens = usage.tokens(reported.get("input_tokens"), reported.get("output_tokens"))
    return tokens or {usage.AUDIO_SECONDS: math.ceil(seconds)}


def _transcript(data: Any, seconds: float, language: str | None) -> Transcript:
    """Read an answer.

    Raises:
        InvalidAnswer: it is not that of a speech API.
    """
    try:
        text = data["text"].strip()
        words = tuple(_words(data, seconds))
        segments = tuple(_segments(data, seconds, words)) or _whole(text, seconds, words)
        spoken = language or code_of(data.get("language") or "") or UNDETERMINED
    except (LookupError, TypeError, ValueError, AttributeError) as exc:
        raise InvalidAnswer("The body is not that of a transcription.") from exc
    return Transcript(spoken, segments)


def _whole(text: str, seconds: float, words: tuple[Word, ...]) -> tuple[Segment, ...]:
    return (Segment(text, 0.0, seconds, words),) if text else ()


def _segments(data: Mapping[str, Any], seconds: float, words: Sequence[Word]) -> Iterator[Segment]:
    for row in data.get("segments") or ():
        start, end, text = *_times(row, seconds), row["text"].strip()
        if text and not is_made_up(row.get("no_speech_prob") or 0.0, row.get("avg_logprob") or 0.0):
            within = tuple(word for word in words if start <= (word.start_s + word.end_s) / 2 < end)
            yield Segment(text, start, end, within)


def _words(data: Mapping[str, Any], seconds: float) -> Iterator[Word]:
    for row in data.get("words") or ():
        if text := row["word"].strip():
            yield Word(text, *_times(row, seconds))


def _times(row: Mapping[str, Any], seconds: float) -> tuple[float, float]:
    """Return the times of a row, which some servers let exceed the sound."""
    start, end = float(row["start"]), float(row["end"])
    if not (math.isfinite(start) and math.isfinite(end)):
        raise ValueError(f"{row} has no times")
    start = min(max(start, 0.0), seconds)
    return start, min(max(end, start), seconds)
