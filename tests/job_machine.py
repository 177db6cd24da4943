"""Jobs under everything that can happen to them: a stateful test of the real steps, commits and queues.

Two workers and their clients do what real ones do, in any order that Hypothesis can think of: they claim, work, fail,
freeze and thaw, lose their leases, are told to stop, die at any point, and lose replies of Redis, while jobs are
submitted, canceled, deleted and robbed of their queue entries. Some jobs are split into parts, which go the same way;
some kinds do without those that fail. After every step each job must be where it should be,
and what a late attempt does must change nothing. In the end each job has ended once, and has failed only by faults of
its own.

Leases end by a rule, `leases_run_out`, which stands for the time that passes.
"""

import asyncio
import itertools
import secrets
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Coroutine
from contextlib import asynccontextmanager, nullcontext, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeVar

import orjson
from arq.constants import in_progress_key_prefix
from arq.worker import Retry
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from nlp2filters.clock import now_ms
from nlp2filters.core import deliveries, jobs
from nlp2filters.core.jobs import Job
from nlp2filters.core.parts import Part
from nlp2filters.errors import IllegalTransition, JobNotFound, StaleAttempt
from nlp2filters.settings import Settings
from nlp2filters.storage import arq_format, parts_table
from nlp2filters.storage.commits import EventDraft
from nlp2filters.storage.connection import connect
from nlp2filters.storage.connection_pool import Pool
from nlp2filters.storage.heartbeat import Heartbeat
from nlp2filters.storage.leases import Lease, Leases, RecordFields
from nlp2filters.storage.redis_keys import Keys
from nlp2filters.storage.retrying_redis import RetryingRedis
from nlp2filters.storage.store import Store
from nlp2filters.webhooks.client import Attempt as SentMessage
from nlp2filters.worker import attempt, parts, rescue, webhook_delivery
from nlp2filters.worker.attempt import MAX_INTERRUPTIONS, NO_RESULT, Attempt, StageResult, WorkerContext
from nlp2filters.worker.delivery_services import DeliveryServices
from nlp2filters.worker.parts import Outcomes, PartAttempt, PartWork
from tests import contexts

MAX_ATTEMPTS = 3
HEARTBEAT_S = 0.05
LEASE_MS = 60_000  # they end by a rule, not by themselves
HOOK = "https://hook.example/"
OWNERS = ("anna", "ben")
DRAINED_AFTER = 60  # rounds
# Of a job's parts, so many have an entry at once.
PARTS_AT_ONCE = 2
# Jobs of these kinds are split in their first stage; the parts of the second may fail.
PIECES, TOLERANT = "pieces", "tolerant"

T = TypeVar("T")


class Redis(RetryingRedis):
    """A client that may lose replies: then it sends its command again, as `RetryingRedis` does."""

    loses_replies = False

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        """Send one command, or twice."""
        if self.loses_replies and args[0] in ("EVALSHA", "EVAL"):
            await super().execute_command(*args, **options)
        return await super().execute_command(*args, **options)


@dataclass(eq=False)
class Hold:
    """A worker's hold on an entry: its lease, and the function that runs."""

    stage: str
    lease: Lease
    orders: asyncio.Queue[str] = field(default_factory=asyncio.Queue)
    waits: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None
    attempt: jobs.AttemptId | None = None  # that it has begun

    @property
    def entry(self) -> str:
        return self.lease.entry

    @property
    def subject(self) -> str:
        return arq_format.job_of(self.entry)

    @property
    def job_id(self) -> str:
        return self.subject.partition("/")[0]

    @property
    def part(self) -> str:
        """The digest of the part that the entry is about, if any."""
        return self.subject.partition("/")[2]


@dataclass(eq=False)
class Worker:
    """A process that serves every queue."""

    name: str
    store: Store
    context: WorkerContext[None]
    holds: list[Hold] = field(default_factory=list)
    frozen: bool = False


class JobMachine(RuleBasedStateMachine):
    """See the module. `url` is the Redis server; `loop` runs everything."""

    url = ""
    loop: asyncio.AbstractEventLoop

    @initialize()
    def start(self) -> None:
        self.keys = Keys(f"machine-{secrets.token_hex(4)}")
        pool = connect(Settings(redis_url=self.url)).connection_pool
        assert isinstance(pool, Pool)
        self.redis = Redis(pool, patience_s=30)
        self.store = Store(self.redis, self.keys, retention_s=600)
        reads = RecordFields(self.keys.job(""), ("record", *attempt.reads(())))
        self.leases = {
            stage: Leases(self.redis, self.keys.queue(stage), self.keys.open, LEASE_MS, reads)
            for stage in ("embedding", "llm", "delivery")
        }
        self.names = itertools.count()
        self.ids: list[str] = []
        self.deleted: set[str] = set()
        self.with_hook: set[str] = set()
        self.faults: Counter[tuple[str, str]] = Counter()  # of a stage of a job: failures, and deaths of its workers
        self.silent: Counter[tuple[str, str]] = Counter()  # leases that ran out under a frozen worker
        self.seen_failed: set[str] = set()
        self.message_ids: dict[str, set[str]] = defaultdict(set)
        self.graveyard: list[Hold] = []
        self.usual_at_once, parts_table.AT_ONCE = parts_table.AT_ONCE, PARTS_AT_ONCE
        self.workers = [self.run(self._worker()) for _ in range(2)]

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(coroutine)

    async def _worker(self) -> Worker:
        name = f"w{next(self.names)}"
        heartbeat = Heartbeat(self.redis, self.keys, "any", name, timeout_s=HEARTBEAT_S)
        derived = contexts.derived(self.store)
        # Nothing waits but for an order.
        context = WorkerContext(name, self.store, heartbeat, None, derived, MAX_ATTEMPTS, quarantine=nullcontext())
        await heartbeat._beat()
        return Worker(name, self.store, context)

    # What clients do.

    @rule(owner=st.sampled_from(OWNERS), hook=st.booleans(), quick=st.booleans(), twice=st.booleans())
    def submit(self, owner: str, hook: bool, quick: bool, twice: bool) -> None:
        self._submit(owner, hook, twice, "filters", quick=quick)

    @rule(
        owner=st.sampled_from(OWNERS),
        hook=st.booleans(),
        twice=st.booleans(),
        kind=st.sampled_from((PIECES, TOLERANT)),
        pieces=st.lists(st.integers(0, 5), max_size=4),
        shared=st.booleans(),
        begun=st.booleans(),
    )
    def submit_pieces(
        self, owner: str, hook: bool, twice: bool, kind: str, pieces: list[int], shared: bool, begun: bool
    ) -> None:
        """Submit a job that is split. With `shared`, the owner's other jobs may have the same parts.

        With `begun`, a worker splits it at once, and begins some of its parts.
        """
        contents = [f"{number} of {'all' if shared else len(self.ids)}" for number in pieces]
        self._submit(owner, hook, twice, kind, contents=contents)
        if begun and not (worker := self.workers[0]).frozen:
            self.run(self._begin_parts(worker, self.ids[-1]))

    async def _begin_parts(self, worker: Worker, job_id: str) -> None:
        await self._claim(worker, "embedding", slots=5)
        for hold in [hold for hold in worker.holds if hold.subject == job_id]:
            await self._order(worker, hold, "work")
        await self._claim(worker, "embedding", slots=1)

    def _submit(
        self, owner: str, hook: bool, twice: bool, kind: str, *, quick: bool = False, contents: list[str] | None = None
    ) -> None:
        id_ = f"job_{self.keys.prefix}-{len(self.ids)}"
        notify: Any = ("succeeded", "failed", "canceled", "expired") if hook else ()
        url = HOOK if hook else None
        job = jobs.create(id_, "filters", owner, now_ms(), deadline_s=600, notify=notify, webhook=url, quick=quick)
        request = orjson.dumps({"contents": contents or []})
        self._with_losses(twice, self.store.jobs.create(replace(job, kind=kind), request))
        self.ids.append(id_)
        if hook:
            self.with_hook.add(id_)

    @precondition(lambda self: self.ids)
    @rule(data=st.data(), twice=st.booleans())
    def cancel(self, data: st.DataObject, twice: bool) -> None:
        if job := self._some_job(data):
            step = self.store.jobs.apply(job, lambda job: jobs.cancel(job, now_ms()), events=_cancel_events)
            self._with_losses(twice, _unless_refused(step))

    @precondition(lambda self: self.ids)
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        job = self._some_job(data)
        if job and job.done:
            self.run(self.store.jobs.delete(job))
            self.deleted.add(job.id)

    @precondition(lambda self: self.ids)
    @rule(data=st.data())
    def lose_entry(self, data: st.DataObject) -> None:
        """Somebody removes a queue entry by hand."""
        subject = data.draw(st.sampled_from([*self.ids, *self.run(self._open_parts())]))
        if place := self.run(self._place(subject)):
            name, entry, group = place
            self.run(self._remove(name, entry, group))

    # What workers do.

    @rule(data=st.data(), stage=st.sampled_from(("embedding", "llm", "delivery")), twice=st.booleans())
    def claim(self, data: st.DataObject, stage: str, twice: bool) -> None:
        if worker := self._awake(data):
            self._with_losses(twice, self._claim(worker, stage, slots=2))

    @rule(data=st.data(), order=st.sampled_from(("work", "work", "keep", "fail")), twice=st.booleans())
    def work_on(self, data: st.DataObject, order: str, twice: bool) -> None:
        if pair := self._some_hold(data):
            worker, hold = pair
            if order == "fail" and hold.stage != "delivery" and self.run(self._is_at(hold)):
                self.faults[hold.subject, hold.stage] += 1
            self._with_losses(twice, self._order(worker, hold, order))

    @rule(data=st.data())
    def be_overtaken(self, data: st.DataObject) -> None:
        """A worker is frozen for so long that another finishes the stage, and begins the next."""
        if pair := self._some_hold(data):
            late, hold = pair
            other = next(worker for worker in self.workers if worker is not late)
            if not other.frozen and hold.stage == "embedding":
                self.run(self._overtake(other))

    async def _overtake(self, other: Worker) -> None:
        await self._expire()
        before = list(other.holds)
        await self._claim(other, "embedding", slots=5)
        for hold in [hold for hold in other.holds if hold not in before]:
            await self._order(other, hold, "work")
        await self._claim(other, "llm", slots=5)

    @rule(data=st.data())
    def die_after_the_commit(self, data: st.DataObject) -> None:
        """The commit is written, the entry is not released."""
        if pair := self._some_hold(data):
            worker, hold = pair
            self.run(self._order(worker, hold, "work", release=False))
            self._die(worker)

    @rule(data=st.data())
    def die(self, data: st.DataObject) -> None:
        self._die(data.draw(st.sampled_from(self.workers)))

    @rule(data=st.data())
    def freeze(self, data: st.DataObject) -> None:
        data.draw(st.sampled_from(self.workers)).frozen = True

    @rule(data=st.data())
    def thaw(self, data: st.DataObject) -> None:
        worker = data.draw(st.sampled_from(self.workers))
        if worker.frozen:
            worker.frozen = False
            self.run(self._beat(worker))
            for hold in worker.holds:
                self.silent.pop((hold.subject, hold.stage), None)

    @rule(data=st.data(), twice=st.booleans())
    def be_told_to_stop(self, data: st.DataObject, twice: bool) -> None:
        if worker := self._awake(data):
            self._with_losses(twice, self._stop(worker, list(worker.holds)))
            self.run(self._beat(worker))

    @rule(data=st.data(), twice=st.booleans())
    def renew(self, data: st.DataObject, twice: bool) -> None:
        if worker := self._awake(data):
            self._with_losses(twice, self._renew(worker))

    @rule()
    def leases_run_out(self) -> None:
        self.run(self._expire())
        for worker in self.workers:
            for hold in worker.holds if worker.frozen else ():
                self.silent[hold.subject, hold.stage] += 1

    @rule()
    def rescue(self) -> None:
        self.run(rescue.sweep(self.store, "rescuer", 0.01))

    # What must hold after each step.

    @invariant()
    def every_job_is_where_it_should_be(self) -> None:
        if getattr(self, "ids", None):
            self.run(self._check_all())

    async def _check_all(self) -> None:
        orphans = {subject for subject, _, _ in (await self.store.unfinished.orphans("0", 10_000))[1]}
        for id_ in self.ids:
            if id_ not in self.deleted:
                await self._check(id_, orphans)

    async def _check(self, id_: str, orphans: set[str]) -> None:
        job, place = await self.store.jobs.get(id_), await self._place(id_)
        waits = await self._count_places(place)
        await self._check_parts(job, orphans)
        done = sum(fields[b"event"] == b"done" for _, fields in await self.redis.xrange(self.keys.events(id_)))
        assert done == job.done, f"{done} final events of a job that is {job.status}"
        if (job.entry and not job.done) or place:
            assert place, "the index has forgotten it"
            assert waits == (id_ not in orphans), f"in {waits} places"
            assert job.entry
            if place[0] != self.keys.queue("delivery"):
                assert place[:2] == (
                    self.keys.queue(job.entry.queue),
                    arq_format.entry_id(job.entry.queue, id_, job.entry.number),
                )
        if job.done and id_ in self.with_hook:
            assert place or deliveries.is_final(await self.store.deliveries.log(id_)), "nobody will tell its webhook"
        if job.status == "failed" and id_ not in self.seen_failed:
            self.seen_failed.add(id_)
            stage, run = job.stage, job.stages[job.stage]
            subjects = {subject for subject, _ in (*self.faults, *self.silent) if subject.startswith(f"{id_}/")}
            counted = max(self._counted(subject, stage) for subject in (id_, *subjects))
            assert counted >= MAX_ATTEMPTS or run.uncounted_attempts >= MAX_INTERRUPTIONS or _interrupted(job.error), (
                f"failed after {counted} faults of its own: {job.error}"
            )

    def _counted(self, subject: str, stage: str) -> int:
        return self.faults[subject, stage] + self.silent[subject, stage]

    async def _check_parts(self, job: Job, orphans: set[str]) -> None:
        """Each part that is being worked on has one entry, all others have none, and none is forgotten."""
        states, waiting, queued = (self.keys.parts(job.id, name) for name in ("states", "waiting", "queued"))
        digests: Any = await self.redis.smembers(queued)  # type: ignore[misc]
        open_parts = {part for part in await self._open_parts() if part.startswith(f"{job.id}/")}
        assert open_parts == {arq_format.part_subject(job.id, digest.decode()) for digest in digests}
        for hold in [hold for worker in self.workers for hold in worker.holds if hold.part and hold.job_id == job.id]:
            lease = await self.redis.get(in_progress_key_prefix + hold.entry)
            assert not job.done or lease != hold.lease.token.encode(), "nobody has told the worker to stop"
        for subject in open_parts:
            assert await self._count_places(await self._place(subject)) == (subject not in orphans)
        if job.stages[job.stage].status == "split":
            assert digests, "nobody will join the parts"
            assert len(digests) <= PARTS_AT_ONCE
            assert len(digests) == PARTS_AT_ONCE or not await self.redis.llen(waiting)  # type: ignore[misc]
            assert not await self._place(job.id)
        if job.done or job.stage != "embedding":
            # An attempt that was canceled, or late, may have stored payloads just before; these expire.
            assert not await self.redis.exists(states, waiting, queued)

    async def _open_parts(self) -> list[str]:
        subjects: Any = await self.redis.hkeys(self.keys.open)  # type: ignore[misc]
        return sorted(subject.decode() for subject in subjects if b"/" in subject)

    async def _count_places(self, place: tuple[str, str, str] | None) -> int:
        if place is None:
            return 0
        name, entry, group = place
        return bool(await self.redis.zscore(name, entry)) + bool(
            await self.redis.zscore(f"{name}:ready:{group}", entry)
        )

    def teardown(self) -> None:
        """Let everything come to its end: each job has ended, once, and each webhook was told, under one id."""
        if not hasattr(self, "ids"):
            return
        try:
            self.run(self._drain())
        finally:
            parts_table.AT_ONCE = self.usual_at_once
            self.run(self._bury())

    async def _drain(self) -> None:
        for worker in self.workers:
            worker.frozen = False
            await self._beat(worker)
            await self._renew(worker)
        for _ in range(DRAINED_AFTER):
            await self._expire()
            await rescue.sweep(self.store, "rescuer", 0.01)
            await asyncio.sleep(HEARTBEAT_S / 5)
            for worker in self.workers:
                await self._beat(worker)
            worker = self.workers[0]
            for stage in ("embedding", "llm", "delivery"):
                await self._claim(worker, stage, slots=50)
            for hold in list(worker.holds):
                await self._order(worker, hold, "work")
            if not await self.store.unfinished.count():
                break
        await self._check_all()
        assert not await self.store.unfinished.count(), "something never comes to its end"
        for id_ in self.with_hook:
            assert len(self.message_ids[id_]) == 1, f"webhook ids {self.message_ids[id_]}"

    async def _bury(self) -> None:
        holds = [*self.graveyard, *(hold for worker in self.workers for hold in worker.holds)]
        tasks = [hold.task for hold in holds if hold.task]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        names = [key async for key in self.redis.scan_iter(match=f"*{self.keys.prefix}*", count=1000)]
        if names:
            await self.redis.delete(*names)
        await self.redis.aclose()

    # How it is done.

    def _with_losses(self, twice: bool, step: Awaitable[Any]) -> None:
        async def run() -> None:
            self.redis.loses_replies = twice
            try:
                await step
            finally:
                self.redis.loses_replies = False

        self.run(run())

    def _some_job(self, data: st.DataObject) -> Job | None:
        id_ = data.draw(st.sampled_from(self.ids))
        return None if id_ in self.deleted else self.run(self.store.jobs.get(id_))

    def _awake(self, data: st.DataObject) -> Worker | None:
        worker = data.draw(st.sampled_from(self.workers))
        return None if worker.frozen else worker

    def _some_hold(self, data: st.DataObject) -> tuple[Worker, Hold] | None:
        pairs = [(worker, hold) for worker in self.workers if not worker.frozen for hold in worker.holds]
        return data.draw(st.sampled_from(pairs)) if pairs else None

    def _die(self, worker: Worker) -> None:
        for hold in worker.holds:
            if hold.stage != "delivery":
                self.faults[hold.subject, hold.stage] += 1
        self.graveyard += worker.holds
        self.workers[self.workers.index(worker)] = self.run(self._worker())

    async def _beat(self, worker: Worker) -> None:
        await worker.context.heartbeat._beat()

    async def _claim(self, worker: Worker, stage: str, slots: int) -> None:
        await self._beat(worker)
        lanes = dict.fromkeys((arq_format.MAIN, arq_format.QUICK, arq_format.PARTS), slots)
        claim = await self.leases[stage].claim(lanes, {}, owner_slots=99, receiver_slots=99)
        for lease in claim.leases:
            hold = Hold(stage, lease)
            hold.task = asyncio.ensure_future(self._function(worker, hold))
            worker.holds.append(hold)
            await self._settle(worker, hold)

    async def _function(self, worker: Worker, hold: Hold) -> None:
        if hold.part:
            await parts.run(worker.context, hold.stage, self._part_kinds(hold), (), hold.entry)
            return
        if hold.stage != "delivery":
            work = partial(self._work, hold)
            functions: Any = dict.fromkeys(("filters", PIECES, TOLERANT), work)
            if hold.stage == "embedding":
                functions |= {kind: row.run for kind, row in self._part_kinds(hold).items()}
            await attempt.run(worker.context, hold.stage, functions, (), hold.subject, hold.lease)
            return
        services = DeliveryServices(partial_sender(self, hold), ())
        context = WorkerContext(worker.name, self.store, worker.context.heartbeat, services, worker.context.derived)
        await webhook_delivery.deliver({"worker": context}, hold.subject)

    async def _work(self, hold: Hold, running: Attempt[None]) -> StageResult:
        hold.attempt = running.job.attempt
        while (order := await self._next_order(hold)) == "keep":
            await attempt.checkpoint(running, "answer", {})
        if order == "fail":
            raise ValueError("on purpose")
        return StageResult({"draft": {}}, "draft") if hold.stage == "embedding" else StageResult({"result": {}})

    def _part_kinds(self, hold: Hold) -> dict[str, PartWork[None]]:
        functions = (
            partial(self._split, hold),
            partial(self._run_part, hold),
            partial(self._join, hold),
            _piece_events,
        )
        return {PIECES: PartWork(*functions), TOLERANT: PartWork(*functions, partial=True)}

    async def _split(self, hold: Hold, running: Attempt[None]) -> list[Part]:
        await self._obey(hold, running.job.attempt)
        return [Part.of(content, payload=content) for content in running.request["contents"]]

    async def _run_part(self, hold: Hold, running: PartAttempt[None]) -> bytes:
        (state,) = await self.store.parts.load_batch(running.job, [running.part.digest])
        assert not state.state.done, "a part runs after its commit"
        await self._obey(hold, jobs.AttemptId(running.job.stage, running.number))
        content: bytes = running.part.payload.encode()
        return content

    async def _join(self, hold: Hold, running: Attempt[None], outcomes: Outcomes) -> StageResult:
        await self._obey(hold, running.job.attempt)
        ended = [outcome async for outcome in outcomes]
        assert [outcome.part.payload for outcome in ended] == running.request["contents"]
        for outcome in ended:
            subject = arq_format.part_subject(running.job.id, outcome.part.digest)
            if outcome.error:
                assert running.job.kind == TOLERANT
                assert self._counted(subject, hold.stage) >= MAX_ATTEMPTS or _interrupted(outcome.error)
            else:
                assert outcome.content == outcome.part.payload.encode()
        return StageResult({"draft": {}}, "draft")

    async def _obey(self, hold: Hold, running: jobs.AttemptId) -> None:
        hold.attempt = running
        while (order := await self._next_order(hold)) == "keep":
            pass
        if order == "fail":
            raise ValueError("on purpose")

    async def _next_order(self, hold: Hold) -> str:
        hold.waits.set()
        return await hold.orders.get()

    async def _order(self, worker: Worker, hold: Hold, order: str, *, release: bool = True) -> None:
        async with self._fenced(hold):
            hold.waits.clear()
            hold.orders.put_nowait(order)
            await self._settle(worker, hold, release=release)

    @asynccontextmanager
    async def _fenced(self, hold: Hold) -> AsyncIterator[None]:
        """What an attempt does after another has begun, or its stage has ended, leaves the job as it is."""
        before = await self._superseded(hold)
        yield
        if before:
            after = await self._superseded(hold)
            assert after == before, f"{hold.attempt} has changed what is not its own any more"

    async def _superseded(self, hold: Hold) -> tuple[Job, bytes] | None:
        """The job, and the state of the part, if the attempt is not the present one."""
        if hold.attempt is None or hold.job_id in self.deleted:
            return None
        job = await self.store.jobs.get(hold.job_id)
        run = job.stages[job.stage]
        if not hold.part:
            current = job.attempt == hold.attempt and run.status == "running"
            return None if current else (job, b"")
        (loaded,) = await self.store.parts.load_batch(job, [hold.part])
        part_run = loaded.state.run
        at_it = (part_run.status, part_run.attempt) == ("running", hold.attempt.number)
        current = job.stage == hold.stage and run.status == "split" and at_it
        return None if current else (job, loaded.record)

    async def _settle(self, worker: Worker, hold: Hold, *, release: bool = True) -> None:
        """Until the function of the entry waits for an order, or has ended; then the entry is released."""
        assert hold.task
        waits = asyncio.ensure_future(hold.waits.wait())
        await asyncio.wait({hold.task, waits}, return_when=asyncio.FIRST_COMPLETED)
        waits.cancel()
        if hold.task.done():
            worker.holds.remove(hold)
            if release:
                await self._release(hold)

    async def _release(self, hold: Hold) -> None:
        """As the worker does it, by how the function has ended."""
        assert hold.task
        due_ms = None
        try:
            await hold.task
        except Retry as exc:
            due_ms = exc.defer_score or 0
        except asyncio.CancelledError:
            due_ms = 0
        if not hold.lease.removed:
            await self.leases[hold.stage].release(hold.lease, due_ms)

    async def _stop(self, worker: Worker, holds: list[Hold]) -> None:
        for hold in holds:
            assert hold.task
            async with self._fenced(hold):
                hold.task.cancel()
                await asyncio.wait({hold.task})
                worker.holds.remove(hold)
                await self._release(hold)

    async def _renew(self, worker: Worker) -> None:
        for stage in {hold.stage for hold in worker.holds}:
            holds = [hold for hold in worker.holds if hold.stage == stage]
            lost = await self.leases[stage].renew([hold.lease for hold in holds])
            await self._stop(worker, [hold for hold in holds if hold.entry in lost])

    async def _expire(self) -> None:
        """Everything that is due some time, and every lease's end, is now."""
        for stage in ("embedding", "llm", "delivery"):
            name = self.keys.queue(stage)
            entries = await self.redis.zrange(name, 0, -1)
            if entries:
                await self.redis.delete(*(in_progress_key_prefix + entry.decode() for entry in entries))
                await self.redis.zadd(name, dict.fromkeys(entries, 1))

    async def _place(self, subject: str) -> tuple[str, str, str] | None:
        value: Any = await self.redis.hget(self.keys.open, subject)  # type: ignore[misc]
        if not value:
            return None
        name, entry, group = value.decode().split(arq_format.SEPARATOR, 2)
        return name, entry, group

    async def _remove(self, name: str, entry: str, group: str) -> None:
        async with self.redis.pipeline(transaction=True) as pipe:
            pipe.zrem(name, entry)
            pipe.zrem(arq_format.all_key(name), entry)
            pipe.zrem(f"{name}:ready:{group}", entry)
            pipe.delete(in_progress_key_prefix + entry)
            await pipe.execute()

    async def _is_at(self, hold: Hold) -> bool:
        """Whether the job of the entry is still there, and being worked on at that stage."""
        try:
            job = await self.store.jobs.get(hold.job_id)
        except JobNotFound:
            return False
        return job.stage == hold.stage


def partial_sender(machine: JobMachine, hold: Hold) -> Any:
    """The receiver of a webhook: takes it, or fails as it is told to."""

    class _Sender:
        async def send(self, url: str, *, message_id: str, **_: Any) -> SentMessage:
            order = await machine._next_order(hold)
            while order == "keep":
                order = await machine._next_order(hold)
            if order == "work":
                machine.message_ids[hold.subject].add(message_id)
            return SentMessage(204 if order == "work" else 500, None, 1)

    return _Sender()


async def _unless_refused(step: Awaitable[Job]) -> None:
    with suppress(IllegalTransition, StaleAttempt, JobNotFound):
        await step


def _piece_events(part: Part, content: bytes) -> list[EventDraft]:
    return [EventDraft("piece", {"digest": part.digest})]


def _interrupted(error: Any) -> bool:
    """Whether so many attempts ended through no fault of their own that there are no more."""
    return f"interrupted {MAX_INTERRUPTIONS} times" in error["detail"]


def _cancel_events(job: Job) -> list[EventDraft]:
    return [NO_RESULT] if job.done else [EventDraft("status", {})]
