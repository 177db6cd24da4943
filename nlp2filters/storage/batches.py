"""Batches: jobs that are submitted and followed together."""

from collections.abc import Awaitable, Sequence
from typing import Any, cast

import orjson
from redis.asyncio import Redis

from nlp2filters.clock import now_ms
from nlp2filters.core import batches, jobs
from nlp2filters.core.batches import Batch
from nlp2filters.errors import BatchNotFound
from nlp2filters.storage.commits import Commits
from nlp2filters.storage.idempotency import IdempotencyKey
from nlp2filters.storage.redis_keys import Keys
from nlp2filters.storage.submissions import UNLIMITED, AdmissionLimits, Submission, Submissions, trace_field


class Batches:
    """The batches of all owners."""

    def __init__(self, redis: Redis, keys: Keys, commits: Commits, submissions: Submissions) -> None:
        self._redis = redis
        self._keys = keys
        self._commits = commits
        self._submissions = submissions

    async def create(
        self,
        batch: Batch,
        members: Sequence[Submission],
        request: bytes,
        *,
        limits: AdmissionLimits = UNLIMITED,
        once: IdempotencyKey | None = None,
    ) -> str:
        """Write a batch and all its jobs (pairs of job and request), or nothing.

        Returns the batch's id, or the id of the batch that `once` created earlier; raises as `Jobs.create` does.
        """
        first, _ = members[0]
        record = {**batches.to_record(batch), "request": orjson.loads(request)}
        started = {"type": "batch.in_progress", "batch_id": batch.id, "at": jobs.timestamp(batch.created_at)}
        plan = {
            "record": self._keys.batch(batch.id),
            "open": self._keys.batch_open(batch.id),
            "events": self._keys.events(batch.id),
            "fields": orjson.dumps(record).decode(),
            "started": orjson.dumps(started).decode(),
            "ttl_ms": self._commits.ttl_ms(first, now_ms()),
            **{name: value.decode() for name, value in trace_field().items()},
        }
        return await self._submissions.create(batch.id, members, limits, once, plan)

    async def get(self, batch_id: str) -> tuple[Batch, dict[str, Any]]:
        """Read a batch and its request.

        Raises:
            BatchNotFound: there is no batch with this id, or it has expired.
        """
        record = await cast(Awaitable[bytes | None], self._redis.hget(self._keys.batch(batch_id), "record"))
        if record is None:
            raise BatchNotFound(batch_id)
        data = orjson.loads(record)
        request = data.pop("request")
        return batches.from_record(data), request
