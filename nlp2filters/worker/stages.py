"""The table of stages: the function that each stage of each kind of job runs, and the worker that runs it.

The order of a kind's stages is in `core/kinds.py`. Kinds that share a stage share its queue and its worker.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any, Generic, TypeVar

from arq.worker import Function, func

from nlp2filters.core.kinds import DELIVERY
from nlp2filters.llm_reader import ANSWERS
from nlp2filters.settings import Settings
from nlp2filters.storage import arq_format
from nlp2filters.storage.arq_format import MAIN, PARTS, QUICK, SLOW
from nlp2filters.storage.store import Store
from nlp2filters.worker import (
    analysis,
    attempt,
    code_search,
    echo,
    filters,
    inference,
    parts,
    review,
    services,
    transcription,
    webhook_delivery,
)
from nlp2filters.worker.attempt import Work, WorkerContext
from nlp2filters.worker.leased_worker import Slots
from nlp2filters.worker.parts import PartWork

EMBEDDING_SLOTS = 8
# Each table that is read keeps a core busy for a while.
TABLE_SLOTS = 2
# Jobs that call no LLM have these slots of an llm worker.
QUICK_SLOTS = 16
DELIVERY_SLOTS = 50
AUDIO_SLOTS = 2
# Two hours of sound take some minutes to decode and to search for speech on a slow machine.
DECODING_TIMEOUT_S = 900.0
# Parts have slots of their own, so that those of one large job leave room for jobs that are not split.
SLOTS_PER_PART_SLOT = 4

S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class WorkerSpec(Generic[S]):
    """The worker of one queue.

    `title` begins the name of its class in `worker_settings`. `open` opens the services that its attempts share;
    `slots` are the entries that it runs at once, each for at most `time_limit_s`. `functions` are what the queue's
    entries may call besides its stage, and `abandon` is called for an entry of a job that cannot be run.
    """

    queue: str
    title: str
    open: Callable[[Settings, Store], AbstractAsyncContextManager[S]]
    slots: Callable[[Settings], Slots]
    functions: tuple[Function, ...] = ()
    time_limit_s: Callable[[Settings], float] = lambda _: attempt.STAGE_TIMEOUT_S
    abandon: Callable[[dict[str, Any], str], Awaitable[None]] = attempt.abandon

    def stage(self, run: Work[S], fields: tuple[str, ...] = ()) -> "Stage":
        """Make a row for the function of a stage that this worker runs, as it opens the services that it needs."""
        return Stage(run, self, fields)

    def split_stage(self, work: PartWork[S], fields: tuple[str, ...] = ()) -> "Stage":
        """Make a row for a stage that splits its job into parts."""
        return Stage(work.run, self, fields, work)


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage of a kind of job. Its function needs these `fields` of the job's record besides the request.

    `parts` has the functions of a stage that splits its job.
    """

    run: Work[Any]
    worker: WorkerSpec[Any]
    fields: tuple[str, ...]
    parts: PartWork[Any] | None = None


def one_lane(slots: int, *, receiver: int | None = None) -> Slots:
    """Return slots of one lane. One owner may take four of five, so that there is always one for another."""
    limits = {} if receiver is None else {"receiver": receiver}
    return Slots({MAIN: slots}, owner=_most_of(slots), **limits)


def _embedding_slots(settings: Settings) -> Slots:
    return Slots({MAIN: EMBEDDING_SLOTS, SLOW: TABLE_SLOTS}, owner=_most_of(EMBEDDING_SLOTS))


def _llm_slots(settings: Settings) -> Slots:
    slots = settings.llm_concurrency
    return Slots({MAIN: slots, QUICK: QUICK_SLOTS}, owner=_most_of(slots))


def _llm_time_limit_s(settings: Settings) -> float:
    """Return a limit that both answers of an LLM fit into, so that their own limit is always the first to end a job."""
    answer_s = services.answer_timeout_s(settings) + attempt.CHECKPOINT_TIMEOUT_S
    return attempt.STAGE_TIMEOUT_S + len(ANSWERS) * answer_s


def _most_of(slots: int) -> int:
    return max(1, slots - max(1, slots // 5))


# Embedding is CPU-bound: more processes serve more than more slots.
EMBEDDING = WorkerSpec(
    "embedding",
    "Embedding",
    services.open_embedding,
    _embedding_slots,
    functions=(func(filters.build_index, name="index"), func(code_search.answer, name=arq_format.SEARCH_FUNCTION)),
)
LLM = WorkerSpec("llm", "LLM", services.open_llm, _llm_slots, time_limit_s=_llm_time_limit_s)
# One recording is decoded at a time, and one part transcribed; more processes serve more recordings.
AUDIO = WorkerSpec(
    "audio",
    "Audio",
    transcription.open_audio,
    lambda _: one_lane(AUDIO_SLOTS),
    time_limit_s=lambda _: DECODING_TIMEOUT_S,
)
# A receiver may take 15 s to answer, so many are called at once.
WEBHOOKS = WorkerSpec(
    DELIVERY,
    "Delivery",
    services.open_delivery,
    lambda _: one_lane(DELIVERY_SLOTS, receiver=DELIVERY_SLOTS // 5),
    functions=(func(webhook_delivery.deliver, name=arq_format.function_of(DELIVERY)),),
    abandon=webhook_delivery.abandon,
)

_stages = {
    ("filters", "embedding"): EMBEDDING.stage(filters.embed),
    ("filters", "llm"): LLM.stage(filters.translate, fields=("draft", filters.CANDIDATES, *ANSWERS)),
    ("echo", "embedding"): EMBEDDING.stage(echo.embed),
    ("echo", "llm"): LLM.stage(echo.pass_on, fields=("echoed", "result")),
    ("inference", "embedding"): EMBEDDING.stage(inference.infer),
    ("analysis", "embedding"): EMBEDDING.split_stage(analysis.WORK),
    ("analysis", "llm"): LLM.split_stage(review.WORK, fields=("result", analysis.EXCERPTS, review.OVERVIEW)),
    ("transcription", "audio"): AUDIO.split_stage(
        PartWork(
            transcription.split,
            transcription.transcribe_part,
            transcription.join_parts,
            transcription.transcript_events,
        )
    ),
    ("spoken_filters", "audio"): AUDIO.split_stage(
        PartWork(
            transcription.split,
            transcription.transcribe_part,
            transcription.join_question,
            transcription.transcript_events,
        )
    ),
    ("spoken_filters", "embedding"): EMBEDDING.stage(transcription.embed_question, fields=("transcript",)),
    ("spoken_filters", "llm"): LLM.stage(
        transcription.translate_question, fields=("transcript", "draft", filters.CANDIDATES, *ANSWERS)
    ),
}
STAGES: Mapping[tuple[str, str], Stage] = _stages


def load(modules: Iterable[str]) -> None:
    """Add the `STAGES` of each of these modules to the table: its `KIND` has been added to that in `core/kinds.py`."""
    for name in modules:
        module = import_module(name)
        for stage, row in module.STAGES.items():
            _stages[module.KIND.name, stage] = row


def workers() -> dict[str, WorkerSpec[Any]]:
    """Return the workers by the names of their queues."""
    return {spec.queue: spec for spec in (*(stage.worker for stage in STAGES.values()), WEBHOOKS)}


def slots_of(spec: WorkerSpec[Any], settings: Settings) -> Slots:
    """Return the slots of a worker, with a lane for parts if one of its stages splits jobs."""
    slots = spec.slots(settings)
    if not _part_kinds(spec.queue):
        return slots
    return replace(slots, lanes={**slots.lanes, PARTS: max(1, slots.lanes[MAIN] // SLOTS_PER_PART_SLOT)})


def functions_of(spec: WorkerSpec[Any]) -> tuple[Function, ...]:
    """Return the functions that the entries of a worker's queue may call."""
    queue = spec.queue
    if not _rows(queue):
        return spec.functions

    async def run(ctx: dict[str, Any], job_id: str) -> None:
        await run_stage(ctx["worker"], queue, job_id)

    async def run_part(ctx: dict[str, Any], subject: str) -> None:
        await parts.run(ctx["worker"], queue, _part_kinds(queue), _fields(queue), ctx["job_id"])

    stage, part = func(run, name=arq_format.function_of(queue)), func(run_part, name=arq_format.PART_FUNCTION)
    return (stage, part, *spec.functions)


async def abandon(ctx: dict[str, Any], entry_id: str) -> None:
    """Record that ARQ gave up a queue entry: in its job, part or delivery. The worker calls it."""
    spec: WorkerSpec[Any] = ctx["spec"]
    if arq_format.part_of(arq_format.job_of(entry_id)):
        await parts.abandon(ctx["worker"], spec.queue, _part_kinds(spec.queue), entry_id)
    else:
        await spec.abandon(ctx, entry_id)


async def run_stage(worker: WorkerContext[Any], stage: str, job_id: str) -> None:
    """Make an attempt of a job's stage, with the function of the job's kind; raises as `attempt.run` does."""
    functions = {kind: row.run for kind, row in _rows(stage).items()}
    await attempt.run(worker, stage, functions, _fields(stage), job_id)


def _fields(stage: str) -> list[str]:
    """Return the fields of the record that the stage's functions need."""
    return list(dict.fromkeys(field for row in _rows(stage).values() for field in row.fields))


def _part_kinds(stage: str) -> dict[str, PartWork[Any]]:
    """Return the functions of the kinds whose jobs the stage splits."""
    return {kind: row.parts for kind, row in _rows(stage).items() if row.parts}


def _rows(stage: str) -> dict[str, Stage]:
    """Return a stage's rows by kind."""
    return {kind: row for (kind, name), row in STAGES.items() if name == stage}
