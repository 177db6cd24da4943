"""The budgets of jobs for calls of an LLM: what all workers have reserved for a job, and since when its calls fail.

A request is reserved before it is sent. One whose worker dies stays reserved, so a budget is never exceeded.
"""

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import NamedTuple, cast

from redis.asyncio import Redis

from nlp2filters.storage import scripts
from nlp2filters.storage.redis_keys import Keys

# Fields of the hash besides those of the script.
REJECTED, SINCE = "rejected", "failing_since"


@dataclass(frozen=True, slots=True)
class CallBudget:
    """The most requests that may be sent for a job, and the most tokens that they may take, in and out."""

    calls: int
    tokens: int

    def without(self, calls: int, tokens: int) -> "CallBudget":
        """Return what is left if so much is put aside."""
        return CallBudget(max(0, self.calls - calls), max(0, self.tokens - tokens))


class Failing(NamedTuple):
    """The latest failures of a job's calls.

    `rejected` counts those that failed for good since the last answer of use. `since` is when the first one after the
    last answer failed for an outage or a limit of the rate, in ms, 0 if none did; `is_first`: it was just recorded.
    """

    rejected: int
    since: int
    is_first: bool = False


class CallBudgets:
    """Reservations of all jobs, in Redis, for twice `retention_ms`."""

    def __init__(self, redis: Redis, keys: Keys, retention_ms: int) -> None:
        self._redis, self._keys, self._ttl_ms = redis, keys, 2 * retention_ms
        self._script = redis.register_script(scripts.RESERVE)

    async def reserve(self, job_id: str, request_id: str, tokens: int, budget: CallBudget) -> bool:
        """Reserve a request that may take so many tokens. False: the budget has no room for it.

        For a request that was reserved before, only the tokens change.
        """
        args: list[str | int] = [request_id, tokens, budget.calls, budget.tokens, self._ttl_ms]
        return bool(await self._script(keys=[self._keys.call_budget(job_id)], args=args))

    async def answered(self, job_id: str) -> None:
        """Record that the job got an answer, useful or not: there is no outage."""
        await cast(Awaitable[int], self._redis.hdel(self._keys.call_budget(job_id), SINCE))

    async def accepted(self, job_id: str) -> None:
        """Record that the job got an answer that is of use."""
        await cast(Awaitable[int], self._redis.hdel(self._keys.call_budget(job_id), REJECTED))

    async def rejected(self, job_id: str) -> None:
        """Count a call that failed for good, or gave an answer of no use."""
        name = self._keys.call_budget(job_id)
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.hincrby(name, REJECTED, 1)
            pipe.pexpire(name, self._ttl_ms)
            await pipe.execute()

    async def unreachable(self, job_id: str, now: int) -> Failing:
        """Record that a call failed for an outage or a limit of the rate."""
        name = self._keys.call_budget(job_id)
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.hsetnx(name, SINCE, str(now))
            pipe.hmget(name, [REJECTED, SINCE])
            pipe.pexpire(name, self._ttl_ms)
            is_first, values, _ = await pipe.execute()
        rejected, since = (int(value or 0) for value in values)
        return Failing(rejected, since, bool(is_first))

    async def failing(self, job_id: str) -> Failing:
        """Read how the job's calls have failed since its last answer."""
        name = self._keys.call_budget(job_id)
        reply = cast(Awaitable[list[bytes | None]], self._redis.hmget(name, [REJECTED, SINCE]))
        rejected, since = (int(value or 0) for value in await reply)
        return Failing(rejected, since)
