"""ARQ's worker with three additions: it is woken up, it claims in one round trip, and it holds leases.

ARQ as it comes looks at its queue twice a second, claims job by job, and takes a dead worker's jobs over
only after the longest job timeout. Here (measured figures are in docs/reliability.md):

- wake-up: a commit puts a marker beside the queue, and an idle worker blocks on it with BZPOPMIN;
- claim: one script takes as many due entries as there are free slots and pushes their scores past the lease,
  so that running jobs do not stand in the way of waiting ones;
- lease: the in-progress key lives `lease_s` and is renewed three times as often by its owner. Who finds its
  lease lost, or cannot renew it in time, stops that job, and can neither finish nor re-queue it.

And an entry only leaves its queue when its function has returned. ARQ takes it out after any error but `Retry`, its
own time-out included, and then nobody would look after the job any more. One whose function crashes `MAX_CRASHES`
times, which is a fault of ours, is given up as ARQ gives up what it cannot read; a Redis that is away is no crash.

It overrides `_poll_iteration`, `finish_job` and `finish_failed_job` of ARQ 0.28.0, which is pinned.
"""

import asyncio
import logging
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.resources import files
from signal import Signals
from typing import Any

from arq.constants import in_progress_key_prefix, job_key_prefix, retry_key_prefix
from arq.typing import WorkerCoroutine
from arq.worker import Retry, Worker
from redis.exceptions import RedisError

from nlp2filters.connection import away
from nlp2filters.errors import NewerRecord
from nlp2filters.queue import wake_key
from nlp2filters.store import now_ms

_log = logging.getLogger(__name__)

_LUA = files("nlp2filters") / "lua"
_CLAIM, _RENEW, _RELEASE = (_LUA.joinpath(f"{name}.lua").read_text() for name in ("claim", "renew", "release"))

LEASE_S = 10.0
FALLBACK_S = 5.0
SHORTEST_WAIT_S = 0.01  # Redis 6.2 takes 0.001 for no time-out at all
LONGEST_PAUSE_S = 2.0
AGAIN_MS = 5_000  # until an entry runs again whose function failed other than by `Retry`; doubles with each crash
MAX_CRASHES = 5  # over 75 s and more
CRASHES_KEPT_S = 86_400
HAND_BACK_S, CLOSE_S = 2.0, 1.0  # after ARQ's 20 s for jobs to end: well within 25 s in all


@dataclass(slots=True)
class _Lease:
    """A hold on an entry that was claimed with `score`. `token` is the claim's own: a command about an earlier claim
    of the same worker, which arrives late, does nothing. `asked_at` is when it was last renewed, by the loop's clock.
    `returned`: whether the entry's function has; `crashed`: whether it raised what it should not.
    """

    token: str
    score: int
    asked_at: float
    returned: bool = False
    crashed: bool = False


class LeasedWorker(Worker):
    """An ARQ worker that holds leases. `on_abandoned` in its `ctx` is told of entries that ARQ itself gave up."""

    def __init__(self, *args: Any, lease_s: float = LEASE_S, **kwargs: Any) -> None:
        super().__init__(*args, **{**kwargs, "poll_delay": 0})
        for name, function in self.functions.items():
            self.functions[name] = replace(function, coroutine=self._noting(function.coroutine))
        self._lease_s = lease_s
        self._wake = wake_key(self.queue_name)
        self._slot_free = asyncio.Event()
        self._idle: asyncio.Future[Any] | None = None
        self._leases: dict[str, _Lease] = {}
        self._pause_s = 0.0
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
            async with asyncio.timeout(FALLBACK_S):
                wait_s = await self._claim_due()
                self._clear_done()
                await self.heart_beat()
            self._pause_s = 0.0
            if not self.burst:
                await self._wait(wait_s)
        except (RedisError, OSError, TimeoutError) as exc:
            self._pause_s = min(LONGEST_PAUSE_S, 2 * self._pause_s or 0.1)
            _log.warning("cannot look for jobs, trying again in %.1f s: %r", self._pause_s, exc)
            await asyncio.sleep(self._pause_s)

    async def _claim_due(self) -> float:
        """Start what is due as far as there are slots. Returns the seconds until the next entry is due."""
        slots = self.max_jobs - self.job_counter if self.allow_pick_jobs else 0
        if slots <= 0:
            return FALLBACK_S
        token, asked_at = secrets.token_hex(8), self.loop.time()
        *claimed, next_ms = await self._claim(
            keys=[self.queue_name, self._wake], args=[slots, self._lease_ms, token, in_progress_key_prefix]
        )
        for raw_id, raw_score in zip(claimed[::2], claimed[1::2], strict=True):
            await self.sem.acquire()
            self.job_counter += 1
            job_id, score = raw_id.decode(), int(float(raw_score))
            self._leases[job_id] = _Lease(token, score, asked_at)
            task = self.loop.create_task(self.run_job(job_id, score))
            task.add_done_callback(lambda _: self._release_sem_dec_counter_on_complete())
            self.tasks[job_id] = task
        return float(next_ms) / 1000 if next_ms else FALLBACK_S

    def _clear_done(self) -> None:
        for job_id, task in list(self.tasks.items()):
            if not task.done():
                continue
            del self.tasks[job_id]
            self._leases.pop(job_id, None)
            if not task.cancelled() and (exc := task.exception()):
                _log.error("ARQ could not finish the entry %s, it runs again when its lease ends: %r", job_id, exc)

    async def _wait(self, wait_s: float) -> None:
        """Until a slot is free, if there is none; else until the marker is set or the next entry is due."""
        wait_s = min(wait_s, FALLBACK_S)
        if self.job_counter >= self.max_jobs or not self.allow_pick_jobs:
            try:
                async with asyncio.timeout(min(wait_s, 1.0) if self.allow_pick_jobs else 0.1):
                    await self._slot_free.wait()
            except TimeoutError:
                pass
            return
        if wait_s <= 0:
            return
        self._idle = asyncio.ensure_future(self._marker(max(wait_s, SHORTEST_WAIT_S)))
        try:
            await asyncio.wait({self._idle})
        finally:
            self._idle.cancel()
        if not self.allow_pick_jobs:
            await self.pool.zadd(self._wake, {"0": 0})  # whatever we were woken for is another worker's now
        elif not self._idle.cancelled():
            self._idle.result()

    async def _marker(self, wait_s: float) -> None:
        async with asyncio.timeout(wait_s + 3):  # a half-open connection never answers
            await self.pool.bzpopmin(self._wake, wait_s)

    def _release_sem_dec_counter_on_complete(self) -> None:
        super()._release_sem_dec_counter_on_complete()
        self._slot_free.set()

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
        keys = [
            self.queue_name,
            self._wake,
            in_progress_key_prefix + job_id,
            job_key_prefix + job_id,
            retry_key_prefix + job_id,
            _crashes_key(job_id),
        ]
        if not await self._release(keys=keys, args=[job_id, lease.token, due_ms]):
            _log.warning("the lease of %s was lost, another worker has it", job_id)

    async def _renew_leases(self) -> None:
        """Renew the leases of the running jobs; stop those that were lost, or that ran out while Redis was away."""
        pause_s = self._lease_s / 3
        while True:
            await asyncio.sleep(pause_s)
            running = dict(self._leases)
            try:
                async with asyncio.timeout(self._lease_s / 3):
                    lost = await self._renew_all(running) if running else []
                pause_s = self._lease_s / 3
            except (RedisError, OSError, TimeoutError) as exc:
                _log.warning("could not renew %d leases: %r", len(running), exc)
                over = self.loop.time() - self._lease_s
                lost = [job_id for job_id, lease in running.items() if lease.asked_at < over]
                pause_s = self._lease_s / 10
            for job_id in lost:
                if task := self.job_tasks.get(job_id):
                    _log.warning("the lease of %s was lost, stopping it here", job_id)
                    task.cancel()

    async def _renew_all(self, leases: Mapping[str, _Lease]) -> list[str]:
        """Renew the leases; returns the entries of those that are not ours any more."""
        asked_at = self.loop.time()
        args: list[str | int] = [self._lease_ms, in_progress_key_prefix]
        args += [word for job_id, lease in leases.items() for word in (job_id, lease.token)]
        lost = [raw_id.decode() for raw_id in await self._renew(keys=[self.queue_name], args=args)]
        for job_id in leases.keys() - set(lost):
            leases[job_id].asked_at = asked_at
        return lost


def _crashes_key(job_id: str) -> str:
    return f"{retry_key_prefix}{job_id}:crashes"
