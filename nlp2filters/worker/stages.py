"""The stages: the work that workers do for a job. Each may run twice; only one attempt's result is committed.

embedding   embed the text, link its words to fields and values, draft a filter
llm         let the LLM write the filter, check it, compile it; without an LLM, the draft is the result
"""

import asyncio
import hashlib
import logging
import math
import random
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

import orjson
from arq.worker import Retry
from async_lru import alru_cache
from numpy.typing import NDArray

from nlp2filters import demo, fault_injection, logs
from nlp2filters.clock import now_ms
from nlp2filters.core import catalog as catalogs
from nlp2filters.core import interpretation, jobs
from nlp2filters.core.catalog import Catalog
from nlp2filters.core.jobs import STAGES, Job, Suspect
from nlp2filters.core.llm.prompt import Message
from nlp2filters.core.problems import problem
from nlp2filters.core.query import Query
from nlp2filters.embedding.embedder import Embedder
from nlp2filters.errors import (
    CancelRequested,
    IllegalTransition,
    JobNotFound,
    NewerRecord,
    PartGone,
    ProviderError,
    StaleAttempt,
    TextTooComplex,
)
from nlp2filters.fault_injection import Faults
from nlp2filters.llm import Answer, Provider
from nlp2filters.storage import arq_format, request_parts
from nlp2filters.storage.commits import EventDraft
from nlp2filters.storage.heartbeat import Heartbeat
from nlp2filters.storage.store import Store
from nlp2filters.storage.vector_index import AT_ONCE, Indexes
from nlp2filters.translator import ANSWERS, Translator
from nlp2filters.webhooks.client import Sender
from nlp2filters.worker.parsing.catalogs import CatalogParser, CatalogParsers
from nlp2filters.worker.progress import Teller

STAGE_TIMEOUT_S = 120.0
CHECKPOINT_TIMEOUT_S = 5.0
NEWER_VERSION_WAIT_S = 5.0
# While it is unknown whether a silent worker is dead, its job is checked again after this pause.
JUDGEMENT_WAIT_S = 1.0
# Interruptions that are not the job's fault do not count as attempts. This limits them, so that no job runs forever.
MAX_INTERRUPTIONS = 20
INDEX_WAIT_S = 2.0
NO_RESULT = EventDraft("done", {"result": None})

_log = logging.getLogger(__name__)


class Indexed(Protocol):
    """A catalog whose names are embedded."""

    @property
    def indexed(self) -> Sequence[str]:
        """The names."""


@dataclass(slots=True)
class Resources:
    """The resources that a worker process opens at its start and shares among its jobs."""

    store: Store
    worker: str
    max_attempts: int = 3
    heartbeat: Heartbeat | None = None
    embedder: Embedder | None = None
    parsers: CatalogParsers | None = None
    provider: Provider | None = None
    sender: Sender | None = None
    webhook_secrets: Sequence[str] = ()
    faults: Faults = field(default_factory=dict)
    indexes: Indexes = field(init=False)
    naming: asyncio.Lock = field(init=False, default_factory=asyncio.Lock)

    def __post_init__(self) -> None:
        self.indexes = Indexes(self.store.redis, self.store.keys)

    async def name_vectors(self, catalog: Indexed) -> NDArray[Any] | None:
        """Return the catalog's index. If it is large and does not exist yet, request it and return None."""
        assert self.embedder
        names = catalog.indexed
        if (vectors := await self.indexes.load(names)) is not None:
            return vectors
        if len(names) > AT_ONCE:
            await self.indexes.request(names)
            return None
        async with self.naming:  # If several jobs need the same names at the same time, only one embeds them.
            if (vectors := await self.indexes.load(names)) is None:
                vectors = await self.embedder.embed(names)
                await self.indexes.save(names, vectors)
        return vectors


@dataclass(frozen=True, slots=True)
class Task:
    """One attempt of one stage of a job. `found` holds the results of the earlier stages."""

    job: Job
    request: Mapping[str, Any]
    found: Mapping[str, Any]
    resources: Resources
    teller: Teller

    async def query(self) -> Query:
        """Load the query, with the parts of the request that are stored separately."""
        store, parts = self.resources.store, ("scope", "earlier")
        request = await request_parts.attach(store.redis, store.keys, self.job.owner, self.request, parts)
        return Query.from_request(request, self.job.created_at)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The fields that a stage adds to the record, and the event that announces them besides the change of status."""

    fields: Mapping[str, Any]
    event: str | None = None


Work = Callable[[Task], Awaitable[Outcome]]


async def embed(ctx: dict[str, Any], job_id: str) -> None:
    """Run the embedding stage of a job. ARQ calls it."""
    await _attempt(ctx["resources"], "embedding", job_id, _embed)


async def translate(ctx: dict[str, Any], job_id: str) -> None:
    """Run the llm stage of a job. ARQ calls it."""
    await _attempt(ctx["resources"], "llm", job_id, _translate)


async def index(ctx: dict[str, Any], digest: str) -> None:
    """Build a catalog's index, or continue building it. ARQ calls it.

    Raises:
        Retry: tells ARQ that another index is being built, or that this one continues after others had their turn.
    """
    resources: Resources = ctx["resources"]
    assert resources.embedder
    with logs.about(index=digest):
        if resources.indexes.busy:
            raise Retry(defer=INDEX_WAIT_S)
        if not await resources.indexes.build(digest, resources.embedder.embed):
            raise Retry
    _log.info("indexed", extra={"index": digest})


async def abandon(ctx: dict[str, Any], entry_id: str) -> None:
    """Record in the job that ARQ gave up its entry: it has expired, or cannot be read."""
    store, job_id = ctx["resources"].store, arq_format.job_of(entry_id)
    error = problem("worker-lost", "The job's queue entry could not be run.")
    with logs.about(job_id=job_id):
        try:
            job = await store.jobs.get(job_id)
            await store.jobs.apply(job, lambda job: jobs.abandon(job, error, now_ms()), events=[NO_RESULT])
        except (JobNotFound, IllegalTransition) as exc:
            _log.info("an abandoned entry of a job that has ended: %s", exc)


async def _embed(task: Task) -> Outcome:
    text: str = task.request["text"]
    embedder = task.resources.embedder
    assert embedder
    if task.job.kind == "echo":
        vectors = await embedder.embed([text])
        return Outcome({"result": {"text": text, "dimensions": vectors.shape[1]}})
    parser, query = await _parser(task), await task.query()

    async def load_index(_: Sequence[str]) -> NDArray[Any] | None:
        task.teller.say("indexing", "Preparing the catalog's words")
        vectors = await task.resources.name_vectors(parser)
        task.teller.say("embedding", "Reading the text")
        return vectors

    draft = await Translator(embedder, index=load_index).draft(query, parser)
    return Outcome({"draft": interpretation.to_json(draft)}, event="draft")


async def _translate(task: Task) -> Outcome:
    catalog, query = await _catalog(task), await task.query()
    draft = interpretation.from_json(task.found["draft"])
    provider = task.resources.provider
    complete = partial(_complete, provider, task) if provider else None
    translation = await Translator(llm=provider).translate(query, catalog, draft, complete)
    result = {"job_id": task.job.id, **translation.result, "timings_ms": _timings(task.job)}
    if translation.reading is draft:
        return Outcome({"result": result})
    return Outcome({"result": result, "reading": interpretation.to_json(translation.reading)})


async def _complete(
    provider: Provider, task: Task, name: str, messages: Sequence[Message], schema: Mapping[str, Any]
) -> Answer:
    """Get the LLM's answer and store it before it is used, so that a retry after a crash does not pay for it again."""
    if kept := task.found.get(name):
        return Answer(**kept)
    task.teller.asks(provider.model, repairs=name != ANSWERS[0])
    answer = await provider.complete(messages, schema, task.teller)
    fault_injection.reach(task.resources.faults, "llm-answered")
    attempt = task.job.attempt
    try:
        async with asyncio.timeout(CHECKPOINT_TIMEOUT_S):
            await _step(task, lambda job: jobs.checkpoint(job, attempt, name), [], {name: orjson.dumps(answer)})
    except TimeoutError:
        _log.warning("Redis does not take the LLM's answer now: going on with it")
    fault_injection.reach(task.resources.faults, "llm-kept")
    return answer


def _timings(job: Job) -> dict[str, int]:
    """Return the job's milliseconds so far, and those of each stage that has ended: queued, and running."""
    timings = {"total": now_ms() - job.created_at}
    for name, run in job.stages.items():
        if run.queued_at is not None and run.started_at is not None:
            timings[f"{name}_queued"] = run.started_at - run.queued_at
            timings[f"{name}_run"] = (run.finished_at or now_ms()) - run.started_at
    return timings


async def _parser(task: Task) -> CatalogParser:
    """Open the parser for the task's text and catalog."""
    parsers, owner, locale = task.resources.parsers, task.job.owner, task.request.get("locale", "en")
    assert parsers
    if stored := _stored_catalog(task):
        digest, key = stored
        return await parsers.open(owner, digest, locale, partial(_stored_source, task.resources.store, key))
    source = orjson.dumps(task.request["catalog"])

    async def inline() -> bytes:
        return source

    return await parsers.open(owner, hashlib.sha256(source).hexdigest(), locale, inline)


async def _catalog(task: Task) -> Catalog:
    """Load the request's catalog: packaged, inline, or stored separately in the version of the submission."""
    if stored := _stored_catalog(task):
        return await _owned(task.resources.store, stored[1])
    return await _understand(orjson.dumps(task.request["catalog"]))


def _stored_catalog(task: Task) -> tuple[str, str] | None:
    """Return digest and Redis key of a separately stored catalog; None for an inline or packaged one."""
    keys, owner = task.resources.store.keys, task.job.owner
    if digest := task.request.get("parts", {}).get("catalog"):
        return digest, keys.part(owner, digest)
    if digest := task.request.get("catalog_digest"):
        return digest, keys.catalog(owner, task.request["catalog"], digest)
    return None


async def _stored_source(store: Store, key: str) -> bytes:
    """Read an owner's catalog as JSON. Its key contains the digest of its content, so the content never changes.

    Raises:
        PartGone: the catalog was deleted longer ago than jobs are kept.
    """
    content: bytes | None = await store.redis.get(key)
    if content is None:
        raise PartGone("catalog")
    return content


@alru_cache(maxsize=32)
async def _owned(store: Store, key: str) -> Catalog:
    return await asyncio.to_thread(_read_catalog, await _stored_source(store, key))


@alru_cache(maxsize=32)
async def _understand(source: bytes) -> Catalog:
    """Parse the catalog that a request names or contains (as JSON)."""
    return await asyncio.to_thread(_read_catalog, source)


def _read_catalog(source: bytes) -> Catalog:
    data = orjson.loads(source)
    return demo.catalog(data) if isinstance(data, str) else catalogs.parse(data)


async def _attempt(resources: Resources, stage: str, job_id: str, work: Work) -> None:
    """Begin the stage, do its work and commit the outcome. However it ends, the record is correct afterwards."""
    with logs.about(job_id=job_id, stage=stage):
        if task := await _begin(resources, stage, job_id):
            await _run(task, work)


async def _run(task: Task, work: Work) -> None:
    """Work on a task that has begun. The final commit has no time limit: it waits until Redis accepts it."""
    reach = partial(fault_injection.reach, task.resources.faults)
    reach("stage-begun")
    try:
        async with asyncio.timeout(STAGE_TIMEOUT_S), task.teller:
            outcome = await work(task)
        reach("stage-done")
        await _succeeded(task, outcome)
    except asyncio.CancelledError:
        _log.info("this worker stops or has lost its lease, the job goes back to its queue")
        attempt = task.job.attempt
        await asyncio.shield(_step(task, lambda job: jobs.hand_back(job, attempt, now_ms()), []))
        raise
    except Exception as exc:
        await _failed(task, exc)


async def _begin(resources: Resources, stage: str, job_id: str) -> Task | None:
    """Begin an attempt of the job. Returns None if there is nothing (more) to do for this stage."""
    store = resources.store
    try:
        job, found = await store.jobs.load(job_id, "request", "draft", *ANSWERS)
        if job.status == "canceling":  # Its worker is dead: a live one would have finished the cancellation itself.
            await _let_go(store, job_id)
            return None
        if jobs.overdue(job, now_ms()):
            error = problem("deadline-passed", "The job's deadline passed before a worker could begin it.")
            await store.jobs.apply(job, lambda job: jobs.expire(job, error, now_ms()), events=[NO_RESULT])
            return None
        job, survivors = await _reckon(resources, stage, job)
        if job.done:
            return None
        job = await store.jobs.apply(
            job,
            lambda job: jobs.begin(job, stage, resources.worker, now_ms(), survivors=survivors),
            events=[EventDraft("status", {})],
        )
    except (JobNotFound, IllegalTransition, StaleAttempt) as exc:
        _log.info("nothing to do: %s", exc)
        return None
    except NewerRecord as exc:
        _log.warning("left to a worker of the newer version: %s", exc)
        raise Retry(defer=NEWER_VERSION_WAIT_S) from exc
    _log.info("begun", extra={"attempt": job.attempt.number})
    return Task(job, found["request"], found, resources, Teller(store, job))


async def _reckon(resources: Resources, stage: str, job: Job) -> tuple[Job, Collection[Suspect]]:
    """Count the attempts so far, and end the job if there were too many. Returns it with the workers that survived.

    Raises:
        IllegalTransition: the job is not at this stage.
        Retry: tells ARQ to try later, until it is known whether the job's earlier workers are dead.
    """
    if job.done or job.stage != stage:
        raise IllegalTransition(job.id, job.status, f"begin stage {stage}")
    store, heartbeat = resources.store, resources.heartbeat
    if job.stages[stage].status == "running":  # Its lease has expired: otherwise we could not have claimed it.
        attempt, now = job.attempt, await heartbeat.now() if heartbeat else now_ms()
        job = await store.jobs.apply(job, lambda job: jobs.lapse(job, attempt, now))
    suspects = job.stages[stage].suspects
    survivors, rest_is_dead = await heartbeat.judge(suspects) if heartbeat else (frozenset[Suspect](), True)
    if job.stages[stage].handed_back + len(survivors) >= MAX_INTERRUPTIONS:
        detail = f"This stage was interrupted {MAX_INTERRUPTIONS} times, by no fault of the job."
    elif job.tries - len(survivors) < resources.max_attempts:
        return job, survivors
    elif rest_is_dead:
        detail = f"{resources.max_attempts} workers died or gave up while they ran this stage."
    else:
        raise Retry(defer=JUDGEMENT_WAIT_S)
    _log.error("dead-lettered: %s", detail)
    error = problem("worker-lost", detail)
    return await store.jobs.apply(job, lambda job: jobs.abandon(job, error, now_ms()), events=[NO_RESULT]), survivors


async def _succeeded(task: Task, outcome: Outcome) -> None:
    job, attempt = task.job, task.job.attempt
    fields = {name: orjson.dumps(value) for name, value in outcome.fields.items()}
    if job.stage == STAGES[job.kind][-1]:
        events = [EventDraft("done", {"result": outcome.fields["result"]})]
        await _step(task, lambda job: jobs.succeed(job, attempt, now_ms()), events, fields)
        return
    events = [EventDraft(outcome.event, outcome.fields)] if outcome.event else []
    events.append(EventDraft("status", {}))
    await _step(task, lambda job: jobs.advance(job, attempt, now_ms()), events, fields)


async def _failed(task: Task, exc: Exception) -> None:
    """Schedule a retry after a short wait; after the last attempt, fail the job."""
    _log.exception("the stage failed", extra={"attempt": task.job.attempt.number})
    lasting = isinstance(exc, TextTooComplex) or (isinstance(exc, ProviderError) and not exc.retryable)
    if task.job.tries < task.resources.max_attempts and not lasting:
        wait_s = random.uniform(0, 2**task.job.tries)  # noqa: S311
        await task.teller.say_last("retrying", f"This did not work: trying again in {math.ceil(wait_s)} s")
        attempt, due = task.job.attempt, now_ms() + int(1000 * wait_s)
        await _step(task, lambda job: jobs.retry(job, attempt, due), [])
        return
    if isinstance(exc, ProviderError):
        await _end(task, problem("llm-unavailable", exc.public))
    elif isinstance(exc, TextTooComplex):
        await _end(task, problem("text-too-complex", str(exc)))
    elif isinstance(exc, TimeoutError):
        await _end(task, problem("job-timeout", f"The stage {task.job.stage} took longer than {STAGE_TIMEOUT_S} s."))
    else:
        await _end(task, problem("internal-error", "An error on our side; it has been logged."))


async def _end(task: Task, error: Mapping[str, Any]) -> None:
    attempt = task.job.attempt
    await _step(task, lambda job: jobs.fail(job, attempt, error, now_ms(), dead_lettered=True), [NO_RESULT])


async def _let_go(store: Store, job_id: str) -> None:
    """End a job that is being canceled, unless another process already has."""
    try:
        job = await store.jobs.get(job_id)
        await store.jobs.apply(job, lambda job: jobs.end_canceling(job, now_ms()), events=[NO_RESULT])
    except (JobNotFound, IllegalTransition) as exc:
        _log.info("canceled already: %s", exc)


async def _step(
    task: Task,
    step: Callable[[Job], Job],
    events: list[EventDraft],
    fields: Mapping[str, bytes] | None = None,
) -> None:
    """Commit, unless the job has moved on without us. A job that is being canceled is ended instead."""
    try:
        await task.resources.store.jobs.apply(task.job, step, fields=fields, events=events)
    except CancelRequested:
        await _let_go(task.resources.store, task.job.id)
    except (JobNotFound, IllegalTransition, StaleAttempt) as exc:
        _log.warning("this attempt's result is not needed any more: %s", exc)
