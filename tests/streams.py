"""Jobs with many events."""

import random
from functools import partial

from redis.asyncio import Redis

from nlp2filters.clock import now_ms
from nlp2filters.core import jobs
from nlp2filters.storage.commits import EventDraft
from nlp2filters.storage.redis_keys import Keys
from nlp2filters.storage.store import Store


async def job_with_events(redis_url: str, count: int) -> tuple[str, list[str]]:
    """A job with `count` events, the last of them `done`; and their ids."""
    async with Redis.from_url(redis_url) as redis:
        store = Store(redis, Keys(), retention_s=600)
        job = jobs.create(f"job_{random.getrandbits(64):x}", "filters", "anonymous", now_ms(), deadline_s=600)
        await store.jobs.create(job, b'{"webhook": null}')
        job = await store.jobs.apply(job, lambda job: jobs.begin(job, "embedding", "w", now_ms()))
        for number in range(count - 2):
            note = partial(jobs.checkpoint, attempt=job.attempt, name=str(number % 3))
            job = await store.jobs.apply(job, note, events=[EventDraft("status", {"n": number})])
        problem = {"type": "/problems/x", "title": "X", "status": 500, "detail": "x"}
        job = await store.jobs.apply(
            job,
            lambda job: jobs.fail(job, job.attempt, problem, now_ms()),
            events=[EventDraft("done", {"result": None})],
        )
        ids = [id_.decode() for id_, _ in await redis.xrange(store.keys.events(job.id))]
        assert len(ids) == count
        return job.id, ids
