"""The table of stages: the function that each stage of each kind of job runs, and the worker that runs it.

The order of a kind's stages is in `core/kinds.py`. Kinds that share a stage share its queue and its worker.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Generic, TypeVar

from arq.worker import Function, func

from nlp2filters.core.kinds import DELIVERY
from nlp2filters.settings import Settings
from nlp2filters.storage import arq_format
from nlp2filters.storage.arq_format import MAIN, QUICK, SLOW
from nlp2filters.storage.store import Store
from nlp2filters.translator import ANSWERS
from nlp2filters.worker import attempt, echo, filters, services, webhook_delivery
from nlp2filters.worker.attempt import Work, WorkerContext
from nlp2filters.worker.inference import stage as inference
from nlp2filters.worker.leased_worker import Slots

EMBEDDING_SLOTS = 8
# Each table that is read keeps a core busy for a while.
TABLE_SLOTS = 2
# Jobs that call no LLM have these slots of an llm worker.
QUICK_SLOTS = 16
DELIVERY_SLOTS = 50

S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class WorkerSpec(Generic[S]):
    """The worker of one queue.

    `title` begins the name of its class in `worker_settings`. `open` opens the services that its attempts share;
    `slots` are the entries that it runs at once, each for at most `time_limit_s`. `functions` are what the queue's
    entries may call besides its stage, and `abandon` is called for an entry that cannot be run.
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


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage of a kind of job. Its function needs these `fields` of the job's record besides the request."""

    run: Work[Any]
    worker: WorkerSpec[Any]
    fields: tuple[str, ...]


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
    functions=(func(filters.build_index, name="index"),),
)
LLM = WorkerSpec("llm", "LLM", services.open_llm, _llm_slots, time_limit_s=_llm_time_limit_s)
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
    ("filters", "llm"): LLM.stage(filters.translate, fields=("draft", *ANSWERS)),
    ("echo", "embedding"): EMBEDDING.stage(echo.embed),
    ("inference", "embedding"): EMBEDDING.stage(inference.infer),
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


def functions_of(spec: WorkerSpec[Any]) -> tuple[Function, ...]:
    """Return the functions that the entries of a worker's queue may call."""
    queue = spec.queue
    if not _rows(queue):
        return spec.functions

    async def run(ctx: dict[str, Any], job_id: str) -> None:
        await run_stage(ctx["worker"], queue, job_id)

    return (func(run, name=arq_format.function_of(queue)), *spec.functions)


async def run_stage(worker: WorkerContext[Any], stage: str, job_id: str) -> None:
    """Make an attempt of a job's stage, with the function of the job's kind; raises as `attempt.run` does."""
    rows = _rows(stage)
    fields = dict.fromkeys(field for row in rows.values() for field in row.fields)
    await attempt.run(worker, stage, {kind: row.run for kind, row in rows.items()}, list(fields), job_id)


def _rows(stage: str) -> dict[str, Stage]:
    """Return a stage's rows by kind."""
    return {kind: row for (kind, name), row in STAGES.items() if name == stage}
