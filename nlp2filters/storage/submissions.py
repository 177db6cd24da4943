"""Submissions: new jobs, alone or as a batch, are written together with their queue entries, or not at all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from redis.asyncio import Redis

from nlp2filters import tracing
from nlp2filters.core.jobs import Job
from nlp2filters.errors import Overloaded, TooManyBytes, TooManyPending
from nlp2filters.storage import idempotency, scripts
from nlp2filters.storage.commits import Commits, EventDraft
from nlp2filters.storage.idempotency import IdempotencyKey
from nlp2filters.storage.rate_limits import quota
from nlp2filters.storage.redis_keys import Keys
from nlp2filters.storage.request_parts import Request

RETRY_AFTER_S = 30
# The field of a job's or batch's record with the trace of the request that created it.
TRACE = "trace"

Submission = tuple[Job, Request | bytes]


@dataclass(frozen=True, slots=True)
class AdmissionLimits:
    """Admission limits: `backlog` entries in the queue, `pending` jobs and added `bytes` of the owner. 0: no limit."""

    backlog: int = 0
    pending: int = 0
    bytes: int = 0


UNLIMITED = AdmissionLimits()


class Submissions:
    """The way in for all new jobs."""

    def __init__(self, redis: Redis, keys: Keys, commits: Commits, retention_ms: int) -> None:
        self._keys = keys
        self._commits = commits
        self._retention_ms = retention_ms
        self._script = redis.register_script(scripts.CREATE)

    async def create(
        self,
        subject: str,
        members: Sequence[Submission],
        limits: AdmissionLimits,
        key: IdempotencyKey | None,
        batch: Mapping[str, Any] | None = None,
    ) -> str:
        """Create the jobs of one owner, and the `batch` that they form, in the form that `lua/create.lua` expects.

        Returns `subject`, which is the id of the job or batch, or the id that the idempotency key created earlier.

        Raises:
            Overloaded, TooManyPending, TooManyBytes: there is no room for more; nothing was written.
            IdempotencyKeyReused: the key stands for another request.
        """
        jobs = [job for job, _ in members]
        requests = [request if isinstance(request, Request) else Request(request) for _, request in members]
        contents = {digest: content for request in requests for digest, content in request.parts.items()}
        first, keys = jobs[0], self._keys
        trace = trace_field()
        plans = [
            self._commits.plan(job, {"request": request.body, **trace}, [EventDraft("status", {})], job.created_at)
            for job, request in zip(jobs, requests, strict=True)
        ]
        ttl_ms = plans[0]["ttl_ms"]
        submission: dict[str, Any] = {
            "backlog": limits.backlog,
            "pending": limits.pending,
            "created_at": first.created_at,
            "oldest": first.created_at - ttl_ms,
            "ttl_ms": ttl_ms,
            "quota": quota(limits.bytes, self._retention_ms),
            "derived": sum(request.derived for request in requests),
            "parts": [keys.part(first.owner, digest) for digest in contents],
            "dependencies": list({name for request in requests for name in request.dependencies}),
        }
        if key:
            submission["idempotency"] = {"value": key.value_for(subject), "ttl_ms": idempotency.TTL_MS}
        if batch:
            submission["batch"] = batch
        names = [
            keys.queue(first.stage),
            keys.pending(first.owner),
            keys.index(first.owner),
            keys.once(first.owner, key.digest) if key else keys.web,  # Without a key, the script does not use it.
            keys.added(first.owner),
        ]
        reply = await self._script(
            keys=names, args=[orjson.dumps(submission), *contents.values(), *map(orjson.dumps, plans)]
        )
        return _outcome(reply.decode(), subject, limits, key)


def trace_field() -> dict[str, bytes]:
    """Return the field with the present trace; none if there is none. A version that does not know it ignores it."""
    context = tracing.context()
    return {TRACE: orjson.dumps(context)} if context else {}


def _outcome(reply: str, subject: str, limits: AdmissionLimits, key: IdempotencyKey | None) -> str:
    kind, _, wait_s = reply.partition(":")
    match kind:
        case "created":
            return subject
        case "backlog":
            raise Overloaded(retry_after_s=RETRY_AFTER_S)
        case "pending":
            raise TooManyPending(limits.pending)
        case "bytes":
            raise TooManyBytes(limits.bytes, int(wait_s))
    assert key
    return key.subject_of(reply)
