"""The table of stages: the function that each stage of each kind of job runs, and the worker that runs it.

The order of a kind's stages is in `core/kinds.py`. Kinds that share a stage share its queue and its worker. A row names
what it needs, so that a worker loads what it runs: no parser for webhooks.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from importlib import import_module
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar, cast

from arq.typing import WorkerCoroutine
from arq.worker import Function, func

from nlp2filters.core.kinds import DELIVERY
from nlp2filters.llm import ANSWERS
from nlp2filters.settings import Settings
from nlp2filters.storage import arq_format
from nlp2filters.storage.arq_format import MAIN, PARTS, QUICK, SLOW
from nlp2filters.storage.leases import Lease, RecordFields
from nlp2filters.storage.redis_keys import Keys
from nlp2filters.storage.store import Store
from nlp2filters.worker import attempt, parts, provider_calls
from nlp2filters.worker.attempt import Attempt, SplitResult, StageResult, Work, WorkerContext
from nlp2filters.worker.leased_worker import Slots
from nlp2filters.worker.parts import PartWork
from nlp2filters.worker.record_fields import CANDIDATES, EXCERPTS, OVERVIEW

if TYPE_CHECKING:  # A worker loads its own services only.
    from nlp2filters.worker.delivery_services import DeliveryServices
    from nlp2filters.worker.embedding_services import EmbeddingServices
    from nlp2filters.worker.llm_services import LLMServices
    from nlp2filters.worker.recordings import AudioServices

# Jobs whose texts wait for the embedding model share its batches; more than this share no larger ones.
EMBEDDING_SLOTS = 16
# Parts of analyses keep a core busy for a while, and so does each table that is read.
EMBEDDING_PART_SLOTS = 2
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
T = TypeVar("T")
# A function, or its name in this room, such as `filters:embed`: its module is loaded when it is needed first.
Named: TypeAlias = T | str


@dataclass(frozen=True, slots=True)
class WorkerSpec(Generic[S]):
    """The worker of one queue.

    `title` begins the name of its class in `worker_settings`. `open` opens the services that its attempts share;
    `slots` are the entries that it runs at once, each for at most `time_limit_s`. `functions` are what the queue's
    entries may call besides its stage, by name, and `abandon` is called for an entry of a job that cannot be run. The
    functions of the kinds in `at_hand` are loaded when the worker starts, others by the first job that needs them.
    """

    queue: str
    title: str
    open: Named[Callable[[Settings, Store], AbstractAsyncContextManager[S]]]
    slots: Callable[[Settings], Slots]
    functions: Mapping[str, str] = field(default_factory=dict)
    time_limit_s: Callable[[Settings], float] = lambda _: attempt.STAGE_TIMEOUT_S
    abandon: Named[Callable[[dict[str, Any], str], Awaitable[None]]] = attempt.abandon
    at_hand: tuple[str, ...] = ()

    def stage(self, run: Named[Work[S]], fields: tuple[str, ...] = ()) -> "Stage":
        """Make a row for the function of a stage that this worker runs, as it opens the services that it needs."""
        return Stage(run, self, fields)

    def split_stage(self, work: Named[PartWork[S]], fields: tuple[str, ...] = ()) -> "Stage":
        """Make a row for a stage that splits its job into parts."""
        return Stage(work, self, fields, splits=True)


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage of a kind of job. Its function needs these `fields` of the job's record besides the request.

    `work` is the function, or the functions of a stage that `splits` its job.
    """

    work: Named[Work[Any] | PartWork[Any]]
    worker: WorkerSpec[Any]
    fields: tuple[str, ...]
    splits: bool = False

    async def run(self, attempt: Attempt[Any]) -> StageResult | SplitResult:
        """Call the function."""
        work: Work[Any] | PartWork[Any] = await load(self.work)
        if isinstance(work, PartWork):
            return await work.run(attempt)
        return await work(attempt)


async def load(work: Named[T]) -> T:
    """Return what a name stands for. Its module is imported in a thread, as that may take half a second."""
    if not isinstance(work, str):
        return work
    if work not in _loaded:
        _loaded[work] = await asyncio.to_thread(resolve_name, f"{__package__}.{work}")
    return cast(T, _loaded[work])


_loaded: dict[str, Any] = {}


def one_lane(slots: int, *, receiver: int | None = None) -> Slots:
    """Return slots of one lane. One owner may take four of five, so that there is always one for another."""
    limits = {} if receiver is None else {"receiver": receiver}
    return Slots({MAIN: slots}, owner=_most_of(slots), **limits)


def _embedding_slots(settings: Settings) -> Slots:
    lanes = {MAIN: EMBEDDING_SLOTS, SLOW: TABLE_SLOTS, PARTS: EMBEDDING_PART_SLOTS}
    return Slots(lanes, owner=_most_of(EMBEDDING_SLOTS))


def _llm_slots(settings: Settings) -> Slots:
    slots = settings.llm_concurrency
    return Slots({MAIN: slots, QUICK: QUICK_SLOTS}, owner=_most_of(slots))


def _llm_time_limit_s(settings: Settings) -> float:
    """Return a limit that both answers of an LLM fit into, so that their own limit is always the first to end a job."""
    answer_s = provider_calls.answer_timeout_s(settings) + attempt.CHECKPOINT_TIMEOUT_S
    return attempt.STAGE_TIMEOUT_S + len(ANSWERS) * answer_s


def _most_of(slots: int) -> int:
    return max(1, slots - max(1, slots // 5))


# Embedding is CPU-bound: more processes serve more than more slots.
EMBEDDING: WorkerSpec["EmbeddingServices"] = WorkerSpec(
    "embedding",
    "Embedding",
    "embedding_services:open_embedding",
    _embedding_slots,
    functions={"index": "filters:build_index", arq_format.SEARCH_FUNCTION: "code_search:answer"},
    at_hand=("filters", "echo"),
)
LLM: WorkerSpec["LLMServices"] = WorkerSpec(
    "llm",
    "LLM",
    "llm_services:open_llm",
    _llm_slots,
    time_limit_s=_llm_time_limit_s,
    at_hand=("filters", "echo"),
)
# One recording is decoded at a time, and one part transcribed; more processes serve more recordings.
AUDIO: WorkerSpec["AudioServices"] = WorkerSpec(
    "audio",
    "Audio",
    "transcription:open_audio",
    lambda _: one_lane(AUDIO_SLOTS),
    time_limit_s=lambda _: DECODING_TIMEOUT_S,
    at_hand=("transcription",),
)
# A receiver may take 15 s to answer, so many are called at once.
WEBHOOKS: WorkerSpec["DeliveryServices"] = WorkerSpec(
    DELIVERY,
    "Delivery",
    "delivery_services:open_delivery",
    lambda _: one_lane(DELIVERY_SLOTS, receiver=DELIVERY_SLOTS // 5),
    functions={arq_format.function_of(DELIVERY): "webhook_delivery:deliver"},
    abandon="webhook_delivery:abandon",
)

_stages = {
    ("filters", "embedding"): EMBEDDING.stage("filters:embed"),
    ("filters", "llm"): LLM.stage("filters:translate", fields=("draft", CANDIDATES, *ANSWERS)),
    ("echo", "embedding"): EMBEDDING.stage("echo:embed"),
    ("echo", "llm"): LLM.stage("echo:pass_on", fields=("echoed", "result")),
    ("inference", "embedding"): EMBEDDING.stage("inference:infer"),
    ("rows", "embedding"): EMBEDDING.stage("rows:find"),
    ("analysis", "embedding"): EMBEDDING.split_stage("analysis:WORK"),
    ("analysis", "llm"): LLM.split_stage("review:WORK", fields=("result", EXCERPTS, OVERVIEW)),
    ("transcription", "audio"): AUDIO.split_stage("transcription:WORK"),
    ("spoken_filters", "audio"): AUDIO.split_stage("transcription:QUESTION_WORK"),
    ("spoken_filters", "embedding"): EMBEDDING.stage("transcription:embed_question", fields=("transcript",)),
    ("spoken_filters", "llm"): LLM.stage(
        "transcription:translate_question", fields=("transcript", "draft", CANDIDATES, *ANSWERS)
    ),
}
STAGES: Mapping[tuple[str, str], Stage] = _stages


def add(modules: Iterable[str]) -> None:
    """Add the `STAGES` of each of these modules to the table: its `KIND` has been added to that in `core/kinds.py`."""
    for name in modules:
        module = import_module(name)
        for stage, row in module.STAGES.items():
            _stages[module.KIND.name, stage] = row


def workers() -> dict[str, WorkerSpec[Any]]:
    """Return the workers by the names of their queues."""
    return {spec.queue: spec for spec in (*(stage.worker for stage in STAGES.values()), WEBHOOKS)}


async def load_at_hand(spec: WorkerSpec[Any]) -> None:
    """Load the functions that a worker needs for usual jobs, so that the first one does not wait for it."""
    rows = _rows(spec.queue)
    for work in (*(rows[kind].work for kind in spec.at_hand), *spec.functions.values()):
        await load(work)


def slots_of(spec: WorkerSpec[Any], settings: Settings) -> Slots:
    """Return the slots of a worker, with a lane for parts if one of its stages splits jobs."""
    slots = spec.slots(settings)
    if not any(row.splits for row in _rows(spec.queue).values()):
        return slots
    return replace(slots, lanes={PARTS: max(1, slots.lanes[MAIN] // SLOTS_PER_PART_SLOT), **slots.lanes})


def reads_of(spec: WorkerSpec[Any], keys: Keys) -> RecordFields | None:
    """Return what a worker's claims read of the record of each job; None if its queue has no stages."""
    queue = spec.queue
    return RecordFields(keys.job(""), ("record", *attempt.reads(_fields(queue)))) if _rows(queue) else None


def functions_of(spec: WorkerSpec[Any]) -> tuple[Function, ...]:
    """Return the functions that the entries of a worker's queue may call."""
    queue = spec.queue
    others = tuple(func(_named(work), name=name) for name, work in spec.functions.items())
    if not _rows(queue):
        return others

    async def run(ctx: dict[str, Any], job_id: str) -> None:
        await run_stage(ctx["worker"], queue, job_id, ctx.get("lease"))

    async def run_part(ctx: dict[str, Any], subject: str) -> None:
        await parts.run(ctx["worker"], queue, await _part_works(queue), _fields(queue), ctx["job_id"])

    stage, part = func(run, name=arq_format.function_of(queue)), func(run_part, name=arq_format.PART_FUNCTION)
    return (stage, part, *others)


def _named(name: str) -> WorkerCoroutine:
    """Return a function that calls the one of this name."""

    async def call(ctx: dict[Any, Any], *args: Any, **kwargs: Any) -> Any:
        function: WorkerCoroutine = await load(name)
        return await function(ctx, *args, **kwargs)

    return call


async def abandon(ctx: dict[str, Any], entry_id: str) -> None:
    """Record that ARQ gave up a queue entry: in its job, part or delivery. The worker calls it."""
    spec: WorkerSpec[Any] = ctx["spec"]
    if arq_format.part_of(arq_format.job_of(entry_id)):
        await parts.abandon(ctx["worker"], spec.queue, await _part_works(spec.queue), entry_id)
    else:
        await (await load(spec.abandon))(ctx, entry_id)


async def run_stage(worker: WorkerContext[Any], stage: str, job_id: str, lease: Lease | None = None) -> None:
    """Make an attempt of a job's stage, with the function of the job's kind; raises as `attempt.run` does."""
    functions = {kind: row.run for kind, row in _rows(stage).items()}
    await attempt.run(worker, stage, functions, _fields(stage), job_id, lease)


def _fields(stage: str) -> list[str]:
    """Return the fields of the record that the stage's functions need."""
    return list(dict.fromkeys(field for row in _rows(stage).values() for field in row.fields))


async def _part_works(stage: str) -> dict[str, PartWork[Any]]:
    """Return the functions of the kinds whose jobs the stage splits."""
    return {kind: cast(PartWork[Any], await load(row.work)) for kind, row in _rows(stage).items() if row.splits}


def _rows(stage: str) -> dict[str, Stage]:
    """Return a stage's rows by kind."""
    return {kind: row for (kind, name), row in STAGES.items() if name == stage}
