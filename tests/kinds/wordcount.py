"""A kind of job whose stages split it into parts: `EXTRA_KINDS=tests.kinds.wordcount` adds it to a service.

The lines of a text are counted by a worker of its own, each as a part, and then embedded in the same way by the worker
that embeds the texts of all kinds. Lines that cannot be counted are told in the result; one that cannot be embedded
ends the job.
"""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Literal

import orjson
from pydantic import BaseModel

from nlp2filters.core.kinds import Kind, StageInfo
from nlp2filters.core.parts import Part
from nlp2filters.core.requests import JobRequest
from nlp2filters.settings import Settings
from nlp2filters.storage.commits import EventDraft
from nlp2filters.storage.redis_keys import Keys
from nlp2filters.storage.store import Store
from nlp2filters.worker.attempt import Attempt, StageResult
from nlp2filters.worker.embedding_services import EmbeddingServices
from nlp2filters.worker.parts import Outcomes, PartAttempt, PartWork
from nlp2filters.worker.stages import EMBEDDING, WorkerSpec, one_lane

# Lines that begin like this kill their worker, fail, or fail the first time.
DEADLY, WRONG, WRONG_ONCE = "deadly", "wrong", "wrong-once"
# These cannot be embedded.
UNEMBEDDABLE = "unembeddable"
# These wait for the gate while they are counted, or while they are embedded.
HELD, HELD_LATER = "held", "later"
POLL_S = 0.02


class WordCountRequest(JobRequest):
    """A text whose words are counted line by line."""

    kind: Literal["wordcount"]
    text: str


class WordCount(BaseModel):
    """The numbers of words of the lines, None for those that failed, and the length of their vectors."""

    words: list[int | None]
    failed: list[str]
    dimensions: list[int]


def runs_key(keys: Keys, job_id: str) -> str:
    """A stream of all runs of a job's parts, in which a test sees what ran twice."""
    return f"{keys.prefix}:test-runs:{job_id}"


def gate_key(keys: Keys) -> str:
    """While this key does not exist, held lines wait."""
    return f"{keys.prefix}:test-gate"


@asynccontextmanager
async def open_counter(settings: Settings, store: Store) -> AsyncIterator[None]:
    yield None


async def split(attempt: Attempt[None]) -> Sequence[Part]:
    return [Part.of(line, payload={"line": line}) for line in attempt.request["text"].splitlines()]


async def count(attempt: PartAttempt[None]) -> bytes:
    line = attempt.part.payload["line"]
    await _note(attempt)
    if line.startswith(DEADLY):
        os.kill(os.getpid(), signal.SIGKILL)
    if line.startswith(WRONG_ONCE) and attempt.number > 1:
        pass
    elif line.startswith(WRONG):
        raise ValueError("a line that cannot be counted")
    if line.startswith(HELD):
        await _pass_gate(attempt.worker.store)
    return orjson.dumps(len(line.split()))


async def add_up(attempt: Attempt[None], outcomes: Outcomes) -> StageResult:
    words, failed = [], []
    async for outcome in outcomes:
        words.append(None if outcome.content is None else orjson.loads(outcome.content))
        if outcome.error:
            failed.append(outcome.part.payload["line"])
    return StageResult({"counted": {"words": words, "failed": failed}})


async def split_again(attempt: Attempt[EmbeddingServices]) -> Sequence[Part]:
    return [Part.of(line, payload={"line": line}) for line in attempt.request["text"].splitlines()]


async def embed(attempt: PartAttempt[EmbeddingServices]) -> bytes:
    line = attempt.part.payload["line"]
    await _note(attempt)
    if line.startswith(UNEMBEDDABLE):
        raise ValueError("a line that cannot be embedded")
    if line.startswith(HELD_LATER):
        await _pass_gate(attempt.worker.store)
    vectors = await attempt.worker.services.embedder.embed([line])
    return vectors.tobytes()


def line_events(part: Part, content: bytes) -> Sequence[EventDraft]:
    return [EventDraft("line", {"line": part.payload["line"], "digest": part.digest})]


async def join(attempt: Attempt[EmbeddingServices], outcomes: Outcomes) -> StageResult:
    dimensions = [len(outcome.content or b"") // 4 async for outcome in outcomes]
    return StageResult({"result": {**attempt.fields["counted"], "dimensions": dimensions}})


async def _pass_gate(store: Store) -> None:
    while not await store.redis.exists(gate_key(store.keys)):
        await asyncio.sleep(POLL_S)


async def _note(attempt: PartAttempt[None] | PartAttempt[EmbeddingServices]) -> None:
    store, name = attempt.worker.store, runs_key(attempt.worker.store.keys, attempt.job.id)
    run = {"stage": attempt.job.stage, "digest": attempt.part.digest, "attempt": attempt.number}
    await store.redis.xadd(name, run)  # type: ignore[arg-type]
    await store.redis.expire(name, 3_600)


KIND = Kind(
    "wordcount",
    "Word count",
    {"counting": StageInfo("Count the words"), "embedding": StageInfo("Embed the lines")},
    request=lambda: WordCountRequest,
    result=WordCount,
)
COUNTING = WorkerSpec("counting", "Counting", open_counter, lambda _: one_lane(8))
STAGES = {
    "counting": COUNTING.split_stage(PartWork(split, count, add_up, line_events, partial=True)),
    "embedding": EMBEDDING.split_stage(PartWork(split_again, embed, join, line_events), fields=("counted",)),
}
