"""Usage and cost of providers: of each job, of each API key by day (UTC), and of the whole service.

Costs are whole numbers of millionths, under the name `cost_micros`.
"""

import datetime as dt
import uuid
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

import orjson
from redis.asyncio import Redis

from nlp2filters.core.usage import Usage
from nlp2filters.storage import scripts
from nlp2filters.storage.redis_keys import Keys

COST = "cost_micros"
# Requests that come without an API key are counted under this name.
NO_KEY = "none"
KEPT_DAYS = 40
DAY_MS = 86_400_000
# Counts of the service are named `provider model count`, of which the model may contain anything but this.
SEPARATOR = "\x1f"
# A lack of a feature is counted under this name and the feature's.
LEARNT = "learnt:"


class ServiceCount(NamedTuple):
    """A count of the whole service."""

    provider: str
    model: str
    name: str
    total: int


@dataclass(frozen=True, slots=True)
class Spender:
    """The job that a call is made for, and the API key that submitted it."""

    job_id: str
    key_id: str | None = None


class Spending:
    """The usage in Redis. A job's is kept for `retention_ms`, and longer if the job is."""

    def __init__(self, redis: Redis, keys: Keys, retention_ms: int) -> None:
        self._redis, self._keys, self._retention_ms = redis, keys, retention_ms
        self._script = redis.register_script(scripts.SPEND)

    async def add(
        self, spender: Spender, provider: str, model: str, usage: Usage, micros: int | None, now: int
    ) -> Usage:
        """Count a call's usage, and its cost if it has one. Returns the usage of the job so far."""
        spent = {
            "call": uuid.uuid4().hex,
            "usage": {**usage, COST: micros} if micros is not None else dict(usage),
            "prefix": f"{provider}{SEPARATOR}{model}{SEPARATOR}",
            "job_ttl_ms": 2 * self._retention_ms,
            "key_ttl_ms": KEPT_DAYS * DAY_MS,
        }
        names = [
            self._keys.usage_of_job(spender.job_id),
            self._keys.usage_of_key(spender.key_id or NO_KEY, day_of(now)),
            self._keys.usage,
        ]
        reply = await self._script(keys=names, args=[orjson.dumps(spent)])
        return _usage(dict(zip(reply[::2], reply[1::2], strict=True)))

    async def of_job(self, job_id: str) -> Usage:
        """Read what a job has taken so far."""
        return _usage(await self._read(self._keys.usage_of_job(job_id)))

    async def of_key(self, key_id: str, now: int, days: int) -> Mapping[str, Usage]:
        """Read what an API key has taken on each of the last days, the latest first."""
        dates = [day_of(now - at * DAY_MS) for at in range(days)]
        async with self._redis.pipeline(transaction=False) as pipe:
            for date in dates:
                pipe.hgetall(self._keys.usage_of_key(key_id, date))
            replies = await pipe.execute()
        return {date: _usage(reply) for date, reply in zip(dates, replies, strict=True) if reply}

    async def cost_today(self, key_id: str, now: int) -> int:
        """Read what an API key has cost today, in millionths."""
        name = self._keys.usage_of_key(key_id, day_of(now))
        return int(await cast(Awaitable[bytes | None], self._redis.hget(name, COST)) or 0)

    async def count_learnt(self, provider: str, model: str, feature: str) -> None:
        """Count that a model turned out to lack a feature, for one schema and some minutes."""
        name = SEPARATOR.join((provider, model, LEARNT + feature))
        await cast(Awaitable[int], self._redis.hincrby(self._keys.usage, name, 1))

    async def counts(self) -> list[ServiceCount]:
        """Read the counts of the whole service."""
        counts = []
        for name, count in (await self._read(self._keys.usage)).items():
            provider, model, what = name.decode().split(SEPARATOR)
            counts.append(ServiceCount(provider, model, what, int(count)))
        return counts

    async def _read(self, name: str) -> dict[bytes, bytes]:
        return await cast(Awaitable[dict[bytes, bytes]], self._redis.hgetall(name))


def day_of(now: int) -> str:
    """Return the day of a time in ms, as ISO 8601."""
    return dt.datetime.fromtimestamp(now / 1000, dt.UTC).date().isoformat()


def seconds_left(now: int) -> int:
    """Return the seconds until the next day begins."""
    return max(1, (DAY_MS - now % DAY_MS) // 1000)


def _usage(reply: Mapping[bytes, bytes]) -> dict[str, Any]:
    return {name.decode(): int(count) for name, count in reply.items() if not name.startswith(b"call:")}
