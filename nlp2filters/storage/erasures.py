"""Erasing jobs and batches in whatever state they are: a worker that is at one writes nothing more about it."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import orjson
from redis.asyncio import Redis

from nlp2filters.clock import now_ms
from nlp2filters.core.counts import name_of
from nlp2filters.core.jobs import Job
from nlp2filters.storage import scripts
from nlp2filters.storage.jobs import Jobs
from nlp2filters.storage.owned_keys import BY_LABEL
from nlp2filters.storage.parts_table import parts_table
from nlp2filters.storage.redis_keys import Keys


class Erasures:
    """Erasures of all that is kept about a job or batch (`subject`)."""

    def __init__(self, redis: Redis, keys: Keys, jobs: Jobs) -> None:
        self._keys, self._jobs = keys, jobs
        self._script = redis.register_script(scripts.ERASE)

    async def erase(self, owner: str, subject: str, job: Job | None) -> Counter[str]:
        """Erase a job or batch; `job` is the job as last read, None if there is no record. Counts the keys by kind."""
        names = self._names(subject)
        while True:
            plan = {**self._plan(owner, subject, job), "keys": list(names)}
            seq = job.seq if job else 0
            existed: Sequence[int] = await self._script(keys=[self._keys.job(subject)], args=[seq, orjson.dumps(plan)])
            if existed:
                return Counter({kind: 1 for kind, count in zip(names.values(), existed, strict=True) if count})
            ((job, _),) = await self._jobs.load_many([subject])

    def _names(self, subject: str) -> dict[str, str]:
        """Return all keys that may be kept about a subject, and the names of their kinds."""
        keys, kinds = self._keys, {label: kind.name for label, kind in BY_LABEL.items()}
        parts = (keys.parts(subject, what) for what in ("states", "waiting", "queued", "payloads"))
        return {
            keys.job(subject): kinds["job"],
            keys.events(subject): kinds["events"],
            **dict.fromkeys(parts, kinds["parts"]),
            keys.usage_of_job(subject): kinds["usage-of-job"],
            keys.call_budget(subject): kinds["call-budget"],
            keys.tombstone(subject): kinds["known"],
            keys.batch(subject): kinds["batch"],
            keys.batch_open(subject): kinds["batch-open"],
            keys.message(subject): kinds["message"],
            keys.deliveries(subject): kinds["deliveries"],
        }

    def _plan(self, owner: str, subject: str, job: Job | None) -> dict[str, Any]:
        keys = self._keys
        lists = [keys.index(owner), keys.pending(owner), keys.failed("jobs"), keys.failed("deliveries")]
        plan: dict[str, Any] = {"subject": subject, "open": keys.open, "members_of": lists}
        if job and job.has_parts:
            plan["parts"] = parts_table(keys, job, now_ms(), 1)
        if job and not job.done:
            counts = {name_of("jobs_ended", job.kind, "canceled"): 1}
            plan |= {"stats": keys.stats, "counts_key": keys.counts, "counts": counts}
        return plan
