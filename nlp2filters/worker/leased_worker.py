"""ARQ's worker with three additions: it is woken up, it claims in one round trip, and it holds leases.

ARQ as it comes looks at its queue twice a second, claims job by job, and takes a dead worker's jobs over
only after the longest job timeout. Here (measured figures are in docs/reliability.md):

- wake-up: a commit puts a marker beside the queue, and an idle worker blocks on it with BZPOPMIN;
- claim: one script takes as many due entries as there are free slots and pushes their scores past the lease,
  so that running jobs do not stand in the way of waiting ones;
- lease: the in-progress key lives `lease_s` and is renewed three times as often by its owner. Who finds that another
  has its lease stops that job, and can neither finish nor re-queue it. While Redis is out of reach a job goes on, and
  takes its lease up again afterwards, unless another worker has claimed the entry meanwhile.

Entries are claimed in turn from each group of a lane (see lua/queue.lua in storage): one owner's thousand jobs do not
stand in the way of another's one, and what waits for an LLM takes no slot of a lane that needs none.

And an entry only leaves its queue when its function has returned. ARQ takes it out after any error but `Retry`, its
own time-out included, and then nobody would look after the job any more. One whose function crashes `MAX_CRASHES`
times, which is a fault of ours, is given up as ARQ gives up what it cannot read; a Redis that is away is no crash.

It overrides `_poll_iteration`, `finish_job` and `finish_failed_job` of ARQ 0.28.0, which is pinned.
"""

import asyncio
import logging
import secrets
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from signal import Signals
from typing import Any

import orjson
from arq.constants import retry_key_prefix
from arq.typing import WorkerCoroutine
from arq.worker import Retry, Worker

from nlp2filters.errors import NewerRecord
from nlp2filters.storage.arq_format import MAIN, lane_of, lua, wake_key
from nlp2filters.storage.connection import StorageError, away
from nlp2filters.storage.store import now_ms

_log = logging.getLogger(__name__)

_CLAIM, _RENEW, _RELEASE = (lua("queue", name) for name in ("claim", "renew", "release"))

LEASE_S = 10.0
FALLBACK_S = 5.0
ANSWER_S = 3.0  # beyond the wait: with FALLBACK_S less than a lease, so that an outage is noticed before leases end
SHORTEST_WAIT_S = 0.01  # Redis 6.2 takes 0.001 for no time-out at all
LONGEST_PAUSE_S = 2.0
GRACE_S = 1.0  # after an outage of Redis, in which workers take up their leases again before anybody claims
UNLIMITED = 1_000_000
AGAIN_MS = 5_000  # until an entry runs again whose function failed other than by `Retry`; doubles with each crash
MAX_CRASHES = 5  # over 75 s and more
CRASHES_KEPT_S = 86_400
HAND_BACK_S, CLOSE_S = 2.0, 1.0  # after ARQ's 20 s for jobs to end: well within 25 s in all


@dataclass(frozen=True, slots=True)
class Slots:
    """The entries that a worker runs at once: the most in each lane, and the most of one owner and of one receiver."""

    lanes: Mapping[str, int]
    owner: int = UNLIMITED
    receiver: int = UNLIMITED


@dataclass(slots=True)
class _Lease:
    """A hold on an entry of `group` that was claimed at `score`. `token` is the claim's own: a command about an earlier
    claim of the same worker, which arrives late, does nothing. `returned`: the entry's function has; `crashed`: it
    raised what it should not; `lost`: another worker has the entry.
    """

    token: str
    score: int
    group: str
    returned: bool = False
    crashed: bool = False
    lost: bool = False


class LeasedWorker(Worker):
    """An ARQ worker that holds leases. `on_abandoned` in its `ctx` is told of entries that ARQ itself gave up.

    `open_key` is the index of unfinished work. Without `slots` it has one lane with `max_jobs` slots.
    """

    def __init__(
        self, *args: Any, open_key: str, lease_s: float = LEASE_S, slots: Slots | None = None, **kwargs: Any
    ) -> None:
        if slots:
            kwargs["max_jobs"] = sum(slots.lanes.values())
        super().__init__(*args, **{**kwargs, "poll_delay": 0})
        for name, function in self.functions.items():
            self.functions[name] = replace(function, coroutine=self._noting(function.coroutine))
        self._lease_s = lease_s
        self._slots = slots or Slots({MAIN: self.max_jobs})
        self._keys = [self.queue_name, open_key]
        self._own_wake = f"{self.queue_name}:wake:{secrets.token_hex(8)}"
        self._slot_free = asyncio.Event()
        self._idle: asyncio.Future[Any] | None = None
        self._leases: dict[str, _Lease] = {}
        self._running: dict[asyncio.Task[None], str] = {}  # the group of each entry that has a slot
        self._left_some = False  # of what was due, since its owner or receiver has no more slots
        self._out_of_touch = False
        self._pause_s = 0.0
        self._redis_ahead_ms = 0.0  # of the loop's clock
        self._claim = self.pool.register_script(_CLAIM)
        self._renew = self.pool.register_script(_RENEW)
        self._release = self.pool.register_script(_RELEASE)

    async def main(self) -> None:
        """Run until stopped, renewing the leases alongside."""
        renewing = asyncio.create_task(self._renew_leases(), name="renew-leases")
        try:
            await super().main()
        finally:
            renewing.cancel()

    def handle_sig_wait_for_completion(self, signum: Signals) -> None:
        """Stop picking jobs, and do not wait for the next marker to notice."""
        super().handle_sig_wait_for_completion(signum)
        if self._idle:
            self._idle.cancel()

    async def close(self) -> None:
        """Let what was stopped be handed back, then close. A Redis that is away is not waited for."""
        if self.tasks:
            await asyncio.wait(self.tasks.values(), timeout=HAND_BACK_S)
        while left := [task for task in self.tasks.values() if not task.done()]:
            for task in left:
                task.cancel()  # once for each thing that it waits for
            await asyncio.wait(left, timeout=0.05)
        self._clear_done()
        try:
            async with asyncio.timeout(CLOSE_S):
                await super().close()
        except TimeoutError:
            _log.warning("Redis is away: what was not handed back runs again when its lease ends")

    @property
    def _lease_ms(self) -> int:
        return int(1000 * self._lease_s)

    async def _poll_iteration(self) -> None:
        """Claim what is due, clear away what is done, then wait for a reason to look again."""
        self._slot_free.clear()
        try:
            if self._out_of_touch:
                async with asyncio.timeout(FALLBACK_S):
                    await self.pool.ping()
                await asyncio.sleep(GRACE_S)
                self._out_of_touch = False
            async with asyncio.timeout(FALLBACK_S):
                wait_s = await self._claim_due()
                self._clear_done()
                await self.heart_beat()
            self._pause_s = 0.0
            if not self.burst:
                await self._wait(wait_s)
        except (StorageError, OSError, TimeoutError) as exc:
            self._out_of_touch = True
            self._pause_s = min(LONGEST_PAUSE_S, 2 * self._pause_s or 0.1)
            _log.warning("cannot look for jobs, trying again in %.1f s: %r", self._pause_s, exc)
            await asyncio.sleep(self._pause_s)

    @property
    def _free(self) -> dict[str, int]:
        """The free slots of each lane that has any."""
        if not self.allow_pick_jobs:
            return {}
        running = Counter(lane_of(group) for group in self._running.values())
        return {lane: most - running[lane] for lane, most in self._slots.lanes.items() if most > running[lane]}

    async def _claim_due(self) -> float:
        """Start what is due as far as there are slots. Returns the seconds until the next entry is due."""
        if not (free := self._free):
            return FALLBACK_S
        token = secrets.token_hex(8)
        ask = {
            "slots": free,
            "owner_slots": self._slots.owner,
            "receiver_slots": self._slots.receiver,
            "running": Counter(self._running.values()),
        }
        sent = int(1000 * self.loop.time() + self._redis_ahead_ms) if self._redis_ahead_ms else 0
        *claimed, left_some, next_ms, redis_now = await self._claim(
            keys=self._keys, args=[self._lease_ms, token, orjson.dumps(ask), sent]
        )
        self._redis_ahead_ms = int(redis_now) - 1000 * self.loop.time()
        self._left_some = bool(left_some)
        for raw_id, group in zip(claimed[::2], claimed[1::2], strict=True):
            await self._start(raw_id.decode(), _Lease(token, now_ms(), group.decode()))
        return float(next_ms) / 1000 if next_ms else FALLBACK_S

    async def _start(self, job_id: str, lease: _Lease) -> None:
        await self.sem.acquire()
        self.job_counter += 1
        self._leases[job_id] = lease
        self.tasks[job_id] = task = self.loop.create_task(self.run_job(job_id, lease.score))
        self._running[task] = lease.group
        task.add_done_callback(self._end)

    def _end(self, task: asyncio.Task[None]) -> None:
        del self._running[task]
        self._release_sem_dec_counter_on_complete()
        self._slot_free.set()

    def _clear_done(self) -> None:
        for job_id, task in list(self.tasks.items()):
            if not task.done():
                continue
            del self.tasks[job_id]
            self._leases.pop(job_id, None)
            if not task.cancelled() and (exc := task.exception()):
                _log.error("ARQ could not finish the entry %s, it runs again when its lease ends: %r", job_id, exc)

    async def _wait(self, wait_s: float) -> None:
        """Until a slot is free, if there is none; else until a marker is set or the next entry is due."""
        wait_s = min(wait_s, FALLBACK_S)
        if not (free := self._free):
            try:
                async with asyncio.timeout(min(wait_s, 1.0) if self.allow_pick_jobs else 0.1):
                    await self._slot_free.wait()
            except TimeoutError:
                pass
            return
        if wait_s <= 0:
            return
        markers = [*(wake_key(self.queue_name, lane) for lane in free), self._own_wake]
        self._idle = asyncio.ensure_future(self._marker(markers, max(wait_s, SHORTEST_WAIT_S)))
        try:
            await asyncio.wait({self._idle})
        finally:
            self._idle.cancel()
        if not self.allow_pick_jobs:
            for marker in markers[:-1]:  # whatever we were woken for is another worker's now
                await self.pool.zadd(marker, {"0": 0})
        elif not self._idle.cancelled():
            self._idle.result()

    async def _marker(self, markers: list[str], wait_s: float) -> None:
        async with asyncio.timeout(wait_s + ANSWER_S):  # a half-open connection never answers
            await self.pool.bzpopmin(markers, wait_s)

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
        """Take the entry out of the queue, or make it due again; only its owner can. Results are not ARQ's here."""
        lease = self._leases.pop(job_id)  # it is not renewed any more
        if not finish:
            await self._release_entry(job_id, lease, max(0, lease.score + incr_score - now_ms()) if incr_score else 0)
        elif lease.crashed:
            await self._after_crash(job_id, lease)
        else:
            await self._release_entry(job_id, lease, "" if lease.returned else AGAIN_MS)

    async def finish_failed_job(self, job_id: str, result_data: bytes | None) -> None:
        """ARQ gave the entry up without running it: say so in the job's own record, then take it out."""
        await self._give_up(job_id, self._leases.pop(job_id))

    async def _after_crash(self, job_id: str, lease: _Lease) -> None:
        """Make the entry due again, a little later each time; the last time, give it up."""
        crashes = await self._crashes(job_id)
        if crashes < MAX_CRASHES:
            await self._release_entry(job_id, lease, AGAIN_MS * 2 ** (crashes - 1))
            return
        _log.error("%s has crashed %d times and is given up", job_id, crashes)
        await self._give_up(job_id, lease)

    async def _give_up(self, job_id: str, lease: _Lease) -> None:
        """Say so in the job's own record, then take the entry out.

        Where that crashes too, as with a record that nobody can read, it is taken out at last all the same. A record of
        a newer version waits for workers that can read it.
        """
        due_ms: int | str = ""
        try:
            await self.ctx["on_abandoned"](self.ctx, job_id)
        except Exception as exc:
            _log.exception("could not note that %s was given up", job_id)
            if isinstance(exc, NewerRecord) or away(exc) or await self._crashes(job_id) < MAX_CRASHES:
                due_ms = AGAIN_MS
        await self._release_entry(job_id, lease, due_ms)

    async def _crashes(self, job_id: str) -> int:
        """How often the entry has crashed, this time included."""
        async with self.pool.pipeline(transaction=True) as pipe:
            pipe.incr(_crashes_key(job_id))
            pipe.expire(_crashes_key(job_id), CRASHES_KEPT_S)
            count, _ = await pipe.execute()
        return int(count)

    def _noting(self, coroutine: WorkerCoroutine) -> WorkerCoroutine:
        """The coroutine function of an entry, which notes when it has returned or crashed."""

        async def noting(ctx: dict[Any, Any], *args: Any, **kwargs: Any) -> Any:
            try:
                result = await coroutine(ctx, *args, **kwargs)
            except Exception as exc:
                if lease := self._leases.get(ctx["job_id"]):
                    lease.crashed = not (isinstance(exc, Retry) or away(exc))
                raise
            if lease := self._leases.get(ctx["job_id"]):
                lease.returned = True
            return result

        return noting

    async def _release_entry(self, job_id: str, lease: _Lease, due_ms: int | str) -> None:
        some_lane_is_full = 0 < len(self._free) < len(self._slots.lanes)
        args = [job_id, lease.token, due_ms, int(self._left_some or some_lane_is_full)]
        if not await self._release(keys=[*self._keys, self._own_wake], args=args):
            _log.warning("the lease of %s was lost, another worker has it", job_id)

    async def _renew_leases(self) -> None:
        """Renew the leases of the running jobs, and stop those that are another's, once each."""
        pause_s = self._lease_s / 3
        while True:
            await asyncio.sleep(pause_s)
            running = {job_id: lease for job_id, lease in self._leases.items() if not lease.lost}
            try:
                async with asyncio.timeout(self._lease_s / 3):
                    lost = await self._renew_all(running) if running else []
                pause_s = self._lease_s / 3
            except (StorageError, OSError, TimeoutError) as exc:
                _log.warning("could not renew %d leases: %r", len(running), exc)
                pause_s = self._lease_s / 20
                continue
            for job_id in lost:
                running[job_id].lost = True
                if task := self.job_tasks.get(job_id):
                    _log.warning("the lease of %s was lost, stopping it here", job_id)
                    task.cancel()

    async def _renew_all(self, leases: Mapping[str, _Lease]) -> list[str]:
        """Renew the leases; returns the entries of those that are not ours any more."""
        args: list[str | int] = [self._lease_ms]
        args += [word for job_id, lease in leases.items() for word in (job_id, lease.token)]
        return [raw_id.decode() for raw_id in await self._renew(keys=self._keys, args=args)]


def _crashes_key(job_id: str) -> str:
    return f"{retry_key_prefix}{job_id}:crashes"
