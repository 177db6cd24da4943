"""The rule that keeps the way to a cluster open: what a job's scripts touch belongs to its owner, or to all jobs.

In a cluster, a script may touch keys of one slot only. docs/scaling.md has the plan.
"""

import asyncio
import inspect
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from arq.connections import ArqRedis

from nlp2filters.clock import now_ms
from nlp2filters.core import jobs
from nlp2filters.storage.commits import EventDraft
from nlp2filters.storage.redis_keys import Keys
from nlp2filters.storage.store import Store

SCALING = Path(__file__).parent.parent.parent / "docs" / "scaling.md"
# The parameter that tells whose a key is.
OF_OWNER = {"owner", "job_id", "batch_id"}
# These are one for all jobs, so a cluster needs one for each shard.
OF_SHARD = {"queue", "open", "stats", "counts", "failed", "split_jobs", "part_stats"}
# No script of a job touches these.
OF_SERVICE = {
    *{"api_keys", "token", "usage", "usage_of_key", "providers", "workers", "activity", "health", "rescue", "vectors"},
    "web",
}
ARQ_KEYS = ("arq:job:", "arq:in-progress:", "arq:claim:", "arq:retry:")
OWNER, JOB = "anna", "job_1"


def functions() -> dict[str, set[str]]:
    """The names of the keys, each with its parameters."""
    return {
        name: set() if isinstance(value, property) else set(inspect.signature(value).parameters) - {"self"}
        for name, value in vars(Keys).items()
        if isinstance(value, property) or (inspect.isfunction(value) and not name.startswith("_"))
    }


def test_every_key_belongs_to_an_owner_or_to_all_jobs_or_to_the_service() -> None:
    for name, parameters in functions().items():
        rows = [bool(parameters & OF_OWNER), name in OF_SHARD, name in OF_SERVICE]
        assert sum(rows) == 1, f"{name}: give it an owner or a job, or add it to a table here and in {SCALING}"


def test_the_plan_for_a_cluster_names_every_key() -> None:
    page = SCALING.read_text("utf-8").split("## Past one Redis")[1]
    names = set(re.findall(r"`:?([a-z-]+)`", page))
    for name in functions():
        key = key_of(Keys("p"), name)
        assert key.split(":")[1] in names, key


@asynccontextmanager
async def touched(redis: ArqRedis) -> AsyncIterator[set[str]]:
    """The keys that scripts touch while inside; they are complete afterwards."""
    keys: set[str] = set()
    async with redis.monitor() as monitor:

        async def read() -> None:
            async for command in monitor.listen():
                if command["command"] == "ECHO the-end":
                    return
                if command["client_type"] == "lua":
                    name, *words = command["command"].split(" ")
                    # Every command here names its key first, except for these, which name none or several.
                    keys.update({"TIME": [], "PUBLISH": [], "DEL": words}.get(name.upper(), words[:1]))

        reading = asyncio.create_task(read())
        yield keys
        await redis.echo("the-end")
        await reading


@pytest.mark.parametrize("outcome", ["succeeded", "failed", "canceled"])
async def test_the_scripts_of_a_job_touch_what_is_its_owners_or_all_jobs(
    store: Store, redis: ArqRedis, outcome: str
) -> None:
    steps = {
        "succeeded": lambda job: jobs.succeed(job, job.attempt, now_ms()),
        "failed": lambda job: jobs.fail(job, job.attempt, {"title": "no"}, now_ms()),
        "canceled": lambda job: jobs.cancel(job, now_ms()),
    }
    async with touched(redis) as keys:
        job = jobs.create(JOB, "filters", OWNER, now_ms(), deadline_s=30)
        await store.jobs.create(job, b'{"text":"x"}')
        job = await store.jobs.apply(job, lambda job: jobs.begin(job, "embedding", "w", now_ms()))
        job = await store.jobs.apply(job, lambda job: jobs.advance(job, job.attempt, now_ms()))
        job = await store.jobs.apply(job, lambda job: jobs.begin(job, "llm", "w", now_ms()))
        await store.jobs.apply(job, steps[outcome], events=[EventDraft("done", {"result": None})])
    assert store.keys.job(JOB) in keys
    allowed = tuple(_beginnings(store.keys))
    others = {key for key in keys if not key.startswith(allowed)}
    assert not others, "in a cluster, a commit cannot touch these"


def _beginnings(keys: Keys) -> list[str]:
    """What the keys of this job, its owner and all jobs begin with."""
    beginnings = [*ARQ_KEYS]
    for name, parameters in functions().items():
        word = key_of(keys, name).split(":")[1]
        if parameters & OF_OWNER:
            beginnings.append(f"{keys.prefix}:{word}:{OWNER if 'owner' in parameters else JOB}")
        elif name in OF_SHARD:
            beginnings.append(f"{keys.prefix}:{word}")
    return beginnings


def key_of(keys: Keys, name: str) -> str:
    """A key, whatever its parameters are."""
    value = getattr(keys, name)
    key: str = value if isinstance(value, str) else value(*("1" for _ in functions()[name]))
    return key
