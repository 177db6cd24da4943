"""ARQ's worker with three additions: it is woken up, it claims in one round trip, and it holds leases.

Plain ARQ polls its queue twice a second, claims job by job, and takes over a dead worker's jobs only after the longest
job timeout. Here (measured figures are in docs/performance.md):

- wake-up: a commit puts a marker beside the queue, and an idle worker blocks on it with BZPOPMIN;
- claim: one script takes as many due entries as there are free slots and pushes their scores past the lease,
  so that running jobs do not block waiting ones. It returns what ARQ would read of each entry before it runs it, and
  the fields of the job's record that its stage needs;
- lease: the in-progress key lives `lease_s`, and its owner renews it three times within that time. A worker that finds
  its lease taken by another stops the job, and can neither finish nor requeue it. While Redis is unreachable, a job
  keeps running; its worker takes up the lease again afterwards, unless another worker has claimed the entry meanwhile.

Entries are claimed in turn from each group of a lane (see lua/queue.lua in storage): one owner's thousand jobs do not
delay another's single job, and jobs that wait for an LLM take no slot of a lane that needs none. Entries that a worker
passes over, as their owner has enough slots there, are for another one, which a second marker wakes.

An entry leaves its queue by a commit of its job, which takes the lease with it, or else when its function has
returned. ARQ would remove it after any error but `Retry`, even its own timeout, and then nobody would look after the
job any more. An entry whose function crashes `MAX_CRASHES` times, which is a fault of ours, is given up in the same way
as one that ARQ cannot read; an unreachable Redis is no crash.

It overrides `_poll_iteration`, `_sleep_until_tasks_complete`, `finish_job` and `finish_failed_job` of ARQ 0.28.0, which
is pinned.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from signal import Signals
from typing import Any, cast

from arq.constants import job_key_prefix, retry_key_prefix
from arq.typing import WorkerCoroutine
from arq.worker import Retry, Worker

from nlp2filters import background
from nlp2filters.clock import now_ms
from nlp2filters.errors import UnsupportedRecordVersion
from nlp2filters.settings import LEASE_S
from nlp2filters.storage.arq_format import MAIN, lane_of
from nlp2filters.storage.errors import StorageError, is_unavailable
from nlp2filters.storage.heartbeat import Activity
from nlp2filters.storage.leases import Lease, Leases, RecordFields
from nlp2filters.storage.retrying_redis import RetryingRedis
from nlp2filters.worker.markers import Markers

_log = logging.getLogger(__name__)


POLL_FALLBACK_S = 5.0
# Redis 6.2 reads a timeout of 0.001 s as no timeout at all.
MIN_WAIT_S = 0.01
MAX_PAUSE_S = 2.0
# Nobody claims entries right after an outage of Redis, so that workers can take up their leases again.
GRACE_S = 1.0
UNLIMITED = 1_000_000
# An entry whose function failed other than by `Retry` runs again after this time, which doubles with each crash.
CRASH_RETRY_MS = 5_000
# Five crashes take at least 75 s.
MAX_CRASHES = 5
CRASHES_TTL_S = 86_400
# A worker that stops waits so long for the claim under way.
CLAIM_TIMEOUT_S = 2.0
# These follow the 20 s that ARQ gives jobs to end, and keep the whole shutdown well within 25 s.
RELEASE_TIMEOUT_S, CLOSE_TIMEOUT_S = 2.0, 1.0


@dataclass(frozen=True, slots=True)
class Slots:
    """Limits on the entries that a worker runs at once: for each lane, for one owner, and for one receiver."""

    lanes: Mapping[str, int]
    owner: int = UNLIMITED
    receiver: int = UNLIMITED


class LeasedWorker(Worker):
    """An ARQ worker that holds leases. It calls `on_abandoned` of its `ctx` for entries that ARQ itself gave up.

    `open_key` is the index of unfinished work. Without `slots`, the worker has one lane with `max_jobs` slots. A
    function finds its entry's lease in its `ctx`, with the fields of its job's record that the worker `reads`.
    """

    def __init__(
        self,
        *args: Any,
        open_key: str,
        lease_s: float = LEASE_S,
        slots: Slots | None = None,
        reads: RecordFields | None = None,
        **kwargs: Any,
    ) -> None:
        if slots:
            kwargs["max_jobs"] = sum(slots.lanes.values())
        super().__init__(*args, **{**kwargs, "poll_delay": 0})
        for name, function in self.functions.items():
            self.functions[name] = replace(function, coroutine=self._recorded(function.coroutine))
        self._lease_s = lease_s
        self._slots = slots or Slots({MAIN: self.max_jobs})
        self._redis = cast(RetryingRedis, self.pool)
        self._markers = Markers(self._redis, self.queue_name)
        self._slot_free = asyncio.Event()
        self._claiming = asyncio.Lock()
        self._held: dict[str, Lease] = {}
        self._running: dict[asyncio.Task[None], str] = {}  # Maps each entry that has a slot to its group.
        self._running_in_lane: Counter[str] = Counter()
        self._ended = 0
        # Some due entries were not claimed, since their owner or receiver has no free slot here.
        self._skipped_some = False
        self._lost_redis = False
        self._pause_s = 0.0
        self._leases = Leases(self._redis, self.queue_name, open_key, int(1000 * lease_s), reads)

    async def main(self) -> None:
        """Run until stopped, renewing the leases alongside."""
        async with background.running(self._renew_leases, "renew-leases"):
            try:
                await super().main()
            finally:
                self._markers.close()

    def handle_sig_wait_for_completion(self, signum: Signals) -> None:
        """Stop picking jobs, and do not wait for the next marker to notice."""
        super().handle_sig_wait_for_completion(signum)
        self._markers.stop()

    async def close(self) -> None:
        """Let the stopped jobs be released, then close. It does not wait for an unreachable Redis."""
        if self.tasks:
            await asyncio.wait(self.tasks.values(), timeout=RELEASE_TIMEOUT_S)
        while unfinished := [task for task in self.tasks.values() if not task.done()]:
            for task in unfinished:
                task.cancel()  # It may await again while it handles one cancellation.
            await asyncio.wait(unfinished, timeout=0.05)
        self._clear_done()
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                await super().close()
        except TimeoutError:
            _log.warning("Redis is unreachable: jobs that were not released run again when their leases expire")

    def activity(self) -> Activity:
        """Return how many entries the worker runs, and how many it might."""
        return Activity(len(self._running), self.max_jobs)

    async def _poll_iteration(self) -> None:
        """Claim due entries, clear finished tasks, then wait for a reason to look again."""
        self._slot_free.clear()
        try:
            if self._lost_redis:
                async with asyncio.timeout(POLL_FALLBACK_S):
                    await self._redis.ping()
                await asyncio.sleep(GRACE_S)
                self._lost_redis = False
            async with asyncio.timeout(POLL_FALLBACK_S):
                async with self._claiming:
                    wait_s = await self._claim_due()
                self._clear_done()
                await self.heart_beat()
            self._pause_s = 0.0
            if not self.burst:
                await self._wait(wait_s)
        except (StorageError, OSError, TimeoutError) as exc:
            self._lost_redis = True
            self._pause_s = min(MAX_PAUSE_S, 2 * self._pause_s or 0.1)
            _log.warning("could not poll the queue, trying again in %.1f s: %r", self._pause_s, exc)
            await asyncio.sleep(self._pause_s)

    @property
    def _free(self) -> dict[str, int]:
        """The free slots of each lane that has any."""
        if not self.allow_pick_jobs:
            return {}
        running = self._running_in_lane
        return {lane: most - running[lane] for lane, most in self._slots.lanes.items() if most > running[lane]}

    async def _claim_due(self) -> float:
        """Start due entries as far as there are free slots. Returns the seconds until the next entry is due."""
        if not (free := self._free):
            return POLL_FALLBACK_S
        ended = self._ended
        claim = await self._leases.claim(
            free,
            Counter(self._running.values()),
            owner_slots=self._slots.owner,
            receiver_slots=self._slots.receiver,
        )
        self._skipped_some = claim.skipped_some
        for lease in claim.leases:
            await self._start(lease)
        if claim.skipped_some and self._ended > ended:  # There may be a slot for it now.
            return 0.0
        return POLL_FALLBACK_S if claim.next_s is None else claim.next_s

    async def _start(self, lease: Lease) -> None:
        await self.sem.acquire()
        self.job_counter += 1
        job_id = lease.entry
        self._held[job_id] = lease
        # ARQ begins with a transaction that reads the entry and counts its tries: the claim has done so.
        self._redis.answer_next(job_key_prefix + job_id, [lease.content, lease.tries, True])
        self.tasks[job_id] = task = self.loop.create_task(self.run_job(job_id, lease.score))
        self._running[task] = lease.group
        self._running_in_lane[lane_of(lease.group)] += 1
        task.add_done_callback(self._end)

    def _end(self, task: asyncio.Task[None]) -> None:
        """Free the slot of an entry; wake this worker if it waits, and has passed over entries that need the slot."""
        lane = lane_of(self._running.pop(task))
        self._running_in_lane[lane] -= 1
        self._ended += 1
        self._release_sem_dec_counter_on_complete()
        self._slot_free.set()
        awaited = self._markers.awaited_lanes
        if awaited and (self._skipped_some or lane not in awaited):
            self._markers.wake()

    def _clear_done(self) -> None:
        for job_id, task in list(self.tasks.items()):
            if not task.done():
                continue
            del self.tasks[job_id]
            self._held.pop(job_id, None)
            if not task.cancelled() and (exc := task.exception()):
                _log.error("could not finish the entry %s, which runs again when its lease expires: %r", job_id, exc)

    async def _wait(self, wait_s: float) -> None:
        """Wait for a free slot if there is none; otherwise for a marker, or until the next entry is due."""
        wait_s = min(wait_s, POLL_FALLBACK_S)
        if not (free := self._free):
            try:
                async with asyncio.timeout(min(wait_s, 1.0) if self.allow_pick_jobs else 0.1):
                    await self._slot_free.wait()
            except TimeoutError:
                pass
            return
        if wait_s > 0:
            await self._markers.wait(free, max(wait_s, MIN_WAIT_S), for_more=not self._skipped_some)

    async def _sleep_until_tasks_complete(self) -> None:
        """Wait for the running jobs of a worker that stops, and first for a claim under way, which may begin others."""
        try:
            async with asyncio.timeout(CLAIM_TIMEOUT_S), self._claiming:
                pass
        except TimeoutError:
            _log.warning("Redis does not answer: entries that it has given to this worker wait until their leases end")
        await super()._sleep_until_tasks_complete()

    async def finish_job(
        self,
        job_id: str,
        finish: bool,
        result_data: bytes | None,
        result_timeout_s: float | None,
        keep_result_forever: bool,
        incr_score: int | None,
        keep_in_progress: float | None,
    ) -> None:
        """Remove the entry from the queue, or make it due again; only its owner can. ARQ stores no results here."""
        lease = self._held.pop(job_id)  # From now on, the lease is not renewed.
        if not finish:
            await self._release(lease, max(0, lease.score + incr_score - now_ms()) if incr_score else 0)
        elif lease.crashed:
            await self._after_crash(lease)
        else:
            await self._release(lease, None if lease.returned else CRASH_RETRY_MS)

    async def finish_failed_job(self, job_id: str, result_data: bytes | None) -> None:
        """Record in the job that ARQ gave up its entry without running it, then remove the entry."""
        await self._give_up(self._held.pop(job_id))

    async def _after_crash(self, lease: Lease) -> None:
        """Make the entry due again, a little later each time; after the last crash, give it up."""
        crashes = await self._crashes(lease)
        if crashes < MAX_CRASHES:
            await self._release(lease, CRASH_RETRY_MS * 2 ** (crashes - 1))
            return
        _log.error("gave up %s after %d crashes", lease.entry, crashes)
        await self._give_up(lease)

    async def _give_up(self, lease: Lease) -> None:
        """Record in the job that its entry was given up, then remove the entry.

        If recording keeps crashing too, as for an unreadable record, the entry is removed in the end all the same. A
        record of a newer version waits for workers that can read it.
        """
        due_ms = None
        try:
            await self.ctx["on_abandoned"](self.ctx, lease.entry)
        except Exception as exc:
            _log.exception("could not record that %s was given up", lease.entry)
            if (
                isinstance(exc, UnsupportedRecordVersion)
                or is_unavailable(exc)
                or await self._crashes(lease) < MAX_CRASHES
            ):
                due_ms = CRASH_RETRY_MS
        await self._release(lease, due_ms)

    async def _crashes(self, lease: Lease) -> int:
        """Count one more crash of the entry. Returns the number of its crashes."""
        key = f"{retry_key_prefix}{lease.entry}:crashes"
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.incr(key)
            pipe.expire(key, CRASHES_TTL_S)
            count, _ = await pipe.execute()
        return int(count)

    def _recorded(self, coroutine: WorkerCoroutine) -> WorkerCoroutine:
        """Wrap an entry's coroutine function, so that its lease records whether it has returned or crashed."""

        async def run(ctx: dict[Any, Any], *args: Any, **kwargs: Any) -> Any:
            ctx["lease"] = lease = self._held[ctx["job_id"]]
            try:
                result = await coroutine(ctx, *args, **kwargs)
            except Exception as exc:
                lease.crashed = not (isinstance(exc, Retry) or is_unavailable(exc))
                raise
            lease.returned = True
            return result

        return run

    async def _release(self, lease: Lease, due_ms: int | None) -> None:
        """Give the lease back, unless a commit has done so."""
        if not lease.removed and not await self._leases.release(lease, due_ms):
            _log.warning("lost the lease of %s to another worker", lease.entry)

    async def _renew_leases(self) -> None:
        """Renew the leases of the running jobs, and stop, once each, the jobs that another worker has taken."""
        pause_s = self._lease_s / 3
        while True:
            await asyncio.sleep(pause_s)
            running = [lease for lease in self._held.values() if not (lease.lost or lease.removed)]
            try:
                async with asyncio.timeout(self._lease_s / 3):
                    lost = await self._leases.renew(running) if running else []
                pause_s = self._lease_s / 3
            except (StorageError, OSError, TimeoutError) as exc:
                _log.warning("could not renew %d leases: %r", len(running), exc)
                pause_s = self._lease_s / 20
                continue
            for lease in running:
                if lease.entry in lost and not lease.removed:
                    self._stop(lease)

    def _stop(self, lease: Lease) -> None:
        """Stop a job that another worker has taken."""
        lease.lost = True
        if task := self.job_tasks.get(lease.entry):
            _log.warning("lost the lease of %s to another worker, stopping it here", lease.entry)
            task.cancel()
