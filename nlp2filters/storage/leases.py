"""The leases of one worker on entries of its queue, and the scripts by which it claims, renews and releases them."""

import asyncio
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import orjson

from nlp2filters.clock import now_ms
from nlp2filters.storage import scripts
from nlp2filters.storage.retrying_redis import RetryingRedis


@dataclass(frozen=True, slots=True)
class RecordFields:
    """The `fields` that a worker reads of the record of each entry's job, whose key is `prefix` and the job's id."""

    prefix: str
    fields: Sequence[str]


@dataclass(slots=True, eq=False)
class Lease:
    """A lease on an entry of `group`, claimed at `score`.

    Each claim has its own `token`, so that a late command about an earlier claim of the same worker does nothing.
    `content` is what ARQ reads, `tries` the number of claims so far, and `record` are the values of the record's
    fields, empty if they still have to be read.

    `returned` means that the entry's function has returned, `crashed` that it raised an unexpected error, `removed`
    that a commit of its job has removed the entry with the lease, and `lost` that another worker has the entry.
    """

    entry: str
    group: str
    token: str
    score: int
    content: bytes | None
    tries: int
    record: Sequence[bytes | None]
    returned: bool = False
    crashed: bool = False
    removed: bool = False
    lost: bool = False


@dataclass(frozen=True, slots=True)
class Claim:
    """Claimed entries. `skipped_some`: others are due, but their owner or receiver may have no more slots here.

    The next entry is due in `next_s` seconds; None if none is scheduled.
    """

    leases: Sequence[Lease]
    skipped_some: bool
    next_s: float | None


class Leases:
    """The leases of a worker that live `lease_ms` each; `open_key` is the index of unfinished work."""

    def __init__(
        self, redis: RetryingRedis, queue: str, open_key: str, lease_ms: int, reads: RecordFields | None = None
    ) -> None:
        self._keys = [queue, open_key]
        self._lease_ms = lease_ms
        self._reads = {"reads": {"prefix": reads.prefix, "fields": list(reads.fields)}} if reads else {}
        self._redis_ahead_ms = 0.0  # The clock of Redis minus the clock of the event loop.
        self._claim = redis.register_script(scripts.CLAIM)
        self._renew = redis.register_script(scripts.RENEW)
        self._release = redis.register_script(scripts.RELEASE)

    async def claim(
        self, slots: Mapping[str, int], running: Mapping[str, int], *, owner_slots: int, receiver_slots: int
    ) -> Claim:
        """Claim due entries for the free `slots` of each lane, besides the entries of each group that are `running`."""
        token, loop = secrets.token_hex(8), asyncio.get_running_loop()
        ask = {"slots": slots, "owner_slots": owner_slots, "receiver_slots": receiver_slots, "running": running}
        sent = int(1000 * loop.time() + self._redis_ahead_ms) if self._redis_ahead_ms else 0
        args = [self._lease_ms, token, orjson.dumps({**ask, **self._reads}), sent]
        claimed, skipped_some, next_ms, redis_now = await self._claim(keys=self._keys, args=args)
        self._redis_ahead_ms = int(redis_now) - 1000 * loop.time()
        score = now_ms()
        leases = [
            Lease(entry.decode(), group.decode(), token, score, content, tries, record)
            for entry, group, content, tries, record in claimed
        ]
        return Claim(leases, bool(skipped_some), float(next_ms) / 1000 if next_ms else None)

    async def renew(self, leases: Sequence[Lease]) -> list[str]:
        """Renew leases. Returns the entries whose leases are no longer ours."""
        args: list[str | int] = [self._lease_ms]
        args += [word for lease in leases for word in (lease.entry, lease.token)]
        return [entry.decode() for entry in await self._renew(keys=self._keys, args=args)]

    async def release(self, lease: Lease, due_ms: int | None) -> bool:
        """Remove the entry, or make it due again in `due_ms`. Returns False if another claim has the lease by now."""
        args = [lease.entry, lease.token, "" if due_ms is None else due_ms]
        return bool(await self._release(keys=self._keys, args=args))
