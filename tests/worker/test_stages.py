"""The stages against a real Redis: what is kept, what is tried again, what is left to others."""

from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson
import pytest
from arq.connections import ArqRedis
from arq.worker import Retry

from nlp2filters import translator
from nlp2filters.clock import now_ms
from nlp2filters.core import interpretation, jobs
from nlp2filters.core.interpretation import Interpretation
from nlp2filters.core.jobs import Job
from nlp2filters.core.llm.messages import Message
from nlp2filters.core.llm.schema_limits import OPENAI_LIMITS
from nlp2filters.errors import UnsupportedRecordVersion
from nlp2filters.llm import Answer, Listener
from nlp2filters.settings import Settings
from nlp2filters.storage.blobs.store import open_blobs
from nlp2filters.storage.redis_keys import Keys
from nlp2filters.storage.store import Store
from nlp2filters.worker.attempt import WorkerContext
from nlp2filters.worker.llm_services import LLMServices
from nlp2filters.worker.stages import run_stage
from tests import contexts

REQUEST = {
    "text": "japanese cars",
    "catalog": "cars",
    "dialects": ["sql"],
    "strategy": "auto",
    "timezone": "UTC",
    "now": None,
    "scope": None,
    "webhook": None,
}
ANSWER = {"conditions": [{"field": "Origin", "op": "=", "value": "Japan", "quote": "japanese", "confidence": 1}]}


class CountingProvider:
    """Gives its answers in order and counts the calls."""

    name, model = "counting", "m"
    schema_limits = OPENAI_LIMITS

    def __init__(self, *contents: Any) -> None:
        self.contents = [
            content if isinstance(content, str) else orjson.dumps(content).decode() for content in contents
        ]
        self.calls = 0

    async def complete(
        self, messages: Sequence[Message], schema: Mapping[str, Any], listener: Listener | None = None
    ) -> Answer:
        self.calls += 1
        return Answer(self.contents[self.calls - 1], "m", {"total_tokens": 1})


@pytest.fixture
def store(redis: ArqRedis, keys: Keys) -> Store:
    return Store(redis, keys, retention_s=60)


async def at_llm(store: Store) -> Job:
    """A job whose draft is there and whose llm stage is queued."""
    job = jobs.create("job_1", "filters", "anna", now_ms(), deadline_s=30)
    await store.jobs.create(job, orjson.dumps(REQUEST))
    job = await store.jobs.apply(job, lambda job: jobs.begin(job, "embedding", "w", now_ms()))
    draft = orjson.dumps(interpretation.to_json(Interpretation()))
    return await store.jobs.apply(job, lambda job: jobs.advance(job, job.attempt, now_ms()), fields={"draft": draft})


def worker(store: Store, provider: CountingProvider) -> WorkerContext[LLMServices]:
    return contexts.llm(store, provider)


@pytest.mark.parametrize("contents", [(ANSWER,), ("{}", ANSWER)], ids=["good", "repaired"])
async def test_an_answer_is_kept_for_the_next_attempt(
    store: Store, monkeypatch: pytest.MonkeyPatch, contents: tuple[Any, ...]
) -> None:
    job, provider = await at_llm(store), CountingProvider(*contents)
    with monkeypatch.context() as patch:
        patch.setattr(translator, "explain", lambda *_: 1 / 0)  # as if the worker fell over what it made of the answer
        await run_stage(worker(store, provider), "llm", job.id)
    await run_stage(worker(store, provider), "llm", job.id)
    job, found = await store.jobs.load(job.id, "result")
    assert (job.status, job.stages["llm"].attempt) == ("succeeded", 2)
    assert (found["result"]["provider"], found["result"]["usage"]) == ("counting", {"total_tokens": len(contents)})
    assert provider.calls == len(contents)


async def test_a_job_of_a_newer_version_is_left_to_its_workers(store: Store) -> None:
    job = await at_llm(store)
    key = store.keys.job(job.id)
    record: Any = await store.redis.hget(key, "record")  # type: ignore[misc]
    await store.redis.hset(key, "record", orjson.dumps({**orjson.loads(record), "v": jobs.VERSION + 1}))  # type: ignore[misc, arg-type]
    with pytest.raises(Retry):
        await run_stage(worker(store, CountingProvider()), "llm", job.id)
    with pytest.raises(UnsupportedRecordVersion):
        await store.jobs.get(job.id)
    await store.redis.hset(key, "record", record)  # type: ignore[misc]
    assert (await store.jobs.get(job.id)).stages["llm"].attempt == 0


async def test_a_stage_that_fails_each_time_ends_as_a_failed_job(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    job, provider = await at_llm(store), CountingProvider(ANSWER)
    monkeypatch.setattr(translator, "explain", lambda *_: 1 / 0)
    for attempt in (1, 2):
        await run_stage(worker(store, provider), "llm", job.id)
        run = (await store.jobs.get(job.id)).stages["llm"]
        assert (run.status, run.attempt) == ("queued", attempt)
    await run_stage(worker(store, provider), "llm", job.id)
    job = await store.jobs.get(job.id)
    assert (job.status, job.dead_lettered) == ("failed", True)
    assert job.error
    assert job.error["type"] == "/problems/internal-error"
    await run_stage(worker(store, provider), "llm", job.id)
    assert await store.jobs.get(job.id) == job


async def test_an_outage_of_the_blob_store_uses_up_no_attempt(store: Store, tmp_path: Path) -> None:
    folder, away = tmp_path / "blobs", tmp_path / "away"
    async with open_blobs(Settings(blob_store=f"file://{folder}"), store.redis, store.keys) as blobs:
        blob = await blobs.store("anna", _pieces(b"city,price\nRome,10\nOslo,20\nRome,30\n"))
        unsaid = dict.fromkeys(("currency", "date_order", "table", "webhook"))
        request = {**unsaid, "name": "flats", "media_type": "text/csv", "blob": blob.digest}
        job = jobs.create("job_2", "inference", "anna", now_ms(), deadline_s=30)
        await store.jobs.create(job, orjson.dumps(request))
        context = contexts.embedding(store, None, files=blobs)
        folder.rename(away)
        for _ in range(2 * context.max_attempts):
            await run_stage(context, "embedding", job.id)
            job = await store.jobs.get(job.id)
            assert (job.stages["embedding"].status, job.stages["embedding"].attempt) == ("queued", 0)
        away.rename(folder)
        await run_stage(context, "embedding", job.id)
    job, fields = await store.jobs.load(job.id, "result")
    assert (job.status, fields["result"]["rows"]) == ("succeeded", 3)


async def _pieces(content: bytes) -> AsyncIterator[bytes]:
    yield content


async def test_a_job_of_an_unknown_kind_is_left_to_other_workers(store: Store) -> None:
    job = await at_llm(store)
    key = store.keys.job(job.id)
    record: Any = await store.redis.hget(key, "record")  # type: ignore[misc]
    await store.redis.hset(key, "record", orjson.dumps({**orjson.loads(record), "kind": "newer"}))  # type: ignore[misc, arg-type]
    with pytest.raises(Retry):
        await run_stage(worker(store, CountingProvider()), "llm", job.id)
    unchanged = await store.jobs.get(job.id)
    assert (unchanged.status, unchanged.stages["llm"].attempt) == ("running", 0)
