"""The kinds of jobs: the stages that each passes through, and the models of its request and its result.

This is the table that all processes and clients share. What they do with a kind is bound to it elsewhere:
`worker/stages.py` has the function of each stage, and `api/kinds.py` the check of each kind's request.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module

from pydantic import BaseModel

from nlp2filters.core import schemas

# Webhooks are delivered by a queue of their own, whatever the kind of the job.
DELIVERY = "delivery"
JOBS_PATH = "/v1/jobs"
INFERENCE_PATH = "/v1/catalogs/infer"
ANALYSES_PATH = "/v1/analyses"
TRANSCRIPTIONS_PATH = "/v1/transcriptions"
# The queue of recordings.
AUDIO = "audio"


@dataclass(frozen=True, slots=True)
class StageInfo:
    """A stage of a kind: its `label` for people.

    With `quick_lane`, its queue has a separate lane for jobs that need not wait as long as others, such as those that
    call no LLM. With `slow_lane`, the kind's jobs take much longer than those of other kinds in the same queue, and
    wait in a lane of their own, so that they do not take all slots. A service can do without workers of a queue that
    is `optional`; then it refuses requests of such kinds. Jobs that take the quick lane
    have no stage that is `skipped_if_quick`.
    """

    label: str
    quick_lane: bool = False
    slow_lane: bool = False
    optional: bool = False
    skipped_if_quick: bool = False


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of job.

    A stage has the name of its queue, which kinds may share. `request` returns the model of the request's body, which
    is posted to `path`; it is a function, as a client loads no part of what validates requests.
    """

    name: str
    label: str
    stages: Mapping[str, StageInfo]
    request: Callable[[], type[BaseModel]]
    result: type[BaseModel]
    path: str = JOBS_PATH


def _submission() -> type[BaseModel]:
    from nlp2filters.core.requests import Submission

    return Submission


def _echo() -> type[BaseModel]:
    from nlp2filters.core.requests import Echo

    return Echo


def _transcription() -> type[BaseModel]:
    from nlp2filters.core.spoken import TranscriptionOptions

    return TranscriptionOptions


def _inference() -> type[BaseModel]:
    from nlp2filters.core.requests import InferenceRequest

    return InferenceRequest


def _analysis() -> type[BaseModel]:
    from nlp2filters.core.analyses import AnalysisRequest

    return AnalysisRequest


_AUDIO = StageInfo("Transcribe", optional=True)
_FILTER_STAGES = {
    "embedding": StageInfo("Embed, link, draft"),
    "llm": StageInfo("Translate, check, compile", quick_lane=True),
}

_kinds = {
    kind.name: kind
    for kind in (
        Kind(
            "filters",
            "Filter",
            _FILTER_STAGES,
            request=_submission,
            result=schemas.Result,
        ),
        Kind(
            "echo",
            "Echo",
            {"embedding": StageInfo("Embed"), "llm": StageInfo("Pass on", quick_lane=True)},
            request=_echo,
            result=schemas.Echoed,
            path="/embedding/echo",
        ),
        Kind(
            "inference",
            "Catalog inference",
            {"embedding": StageInfo("Read the table", slow_lane=True)},
            request=_inference,
            result=schemas.Inference,
            path=INFERENCE_PATH,
        ),
        Kind(
            "transcription",
            "Transcription",
            {AUDIO: _AUDIO},
            request=_transcription,
            result=schemas.Transcription,
            path=TRANSCRIPTIONS_PATH,
        ),
        Kind(
            "spoken_filters",
            "Spoken filter",
            {AUDIO: _AUDIO, **_FILTER_STAGES},
            request=_transcription,
            result=schemas.SpokenResult,
            path=TRANSCRIPTIONS_PATH,
        ),
        Kind(
            "analysis",
            "Code analysis",
            {
                "embedding": StageInfo("Read, embed, compare", slow_lane=True),
                "llm": StageInfo("Review, summarize, answer", quick_lane=True, skipped_if_quick=True),
            },
            request=_analysis,
            result=schemas.Analysis,
            path=ANALYSES_PATH,
        ),
    )
}
KINDS: Mapping[str, Kind] = _kinds
# Requests that name no kind are of this one.
DEFAULT = "filters"


def load(modules: Iterable[str]) -> None:
    """Add the `KIND` of each of these modules to the table."""
    for module in modules:
        kind: Kind = import_module(module).KIND
        _kinds[kind.name] = kind


def queues() -> tuple[str, ...]:
    """Return the names of all queues: one for each stage, and that of the webhooks."""
    return (*dict.fromkeys(stage for kind in KINDS.values() for stage in kind.stages), DELIVERY)


def required_queues() -> set[str]:
    """Return the names of the queues that must have workers for a service to be ready."""
    optional = {name for kind in KINDS.values() for name, stage in kind.stages.items() if stage.optional}
    return set(queues()) - optional


def stage_info(kind: str, stage: str) -> StageInfo:
    """Return the row of a stage. For one that only a newer version knows, it is labelled with its name."""
    stages = KINDS[kind].stages if kind in KINDS else {}
    return stages.get(stage) or StageInfo(stage)


def result_models() -> list[type[BaseModel]]:
    """Return the models of the results of all kinds."""
    return [kind.result for kind in KINDS.values()]


def accepted_at(path: str) -> dict[str, Kind]:
    """Return the kinds whose requests are posted to this path, by name."""
    return {name: kind for name, kind in KINDS.items() if kind.path == path}
