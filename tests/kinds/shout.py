"""A kind of job in one file: `EXTRA_KINDS=tests.kinds.shout` adds it to a service.

A text is written in capitals by a worker of its own, then embedded by the worker that embeds the texts of all kinds.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal

from pydantic import BaseModel

from nlp2filters.core.kinds import Kind, StageInfo
from nlp2filters.core.requests import JobRequest, Text
from nlp2filters.settings import Settings
from nlp2filters.storage.store import Store
from nlp2filters.worker.attempt import Attempt, StageResult
from nlp2filters.worker.embedding_services import EmbeddingServices
from nlp2filters.worker.stages import EMBEDDING, WorkerSpec, one_lane

# The first attempt for a text that begins like this does not end by itself.
ENDLESS = "endless"


class ShoutRequest(JobRequest):
    """A text to shout."""

    kind: Literal["shout"]
    text: Text


class Shouted(BaseModel):
    """The text in capitals, and the length of its vector."""

    text: str
    dimensions: int


class Voice:
    """The service that the worker opens."""

    def shout(self, text: str) -> str:
        return text.upper()


@asynccontextmanager
async def open_voice(settings: Settings, store: Store) -> AsyncIterator[Voice]:
    yield Voice()


async def shout(attempt: Attempt[Voice]) -> StageResult:
    text = attempt.request["text"]
    attempt.progress.report("shouting", f"Shouting {len(text)} characters")
    if text.startswith(ENDLESS) and attempt.job.attempt.number == 1:
        await asyncio.Event().wait()
    return StageResult({"shouted": attempt.worker.services.shout(text)})


async def embed(attempt: Attempt[EmbeddingServices]) -> StageResult:
    text = attempt.fields["shouted"]
    vectors = await attempt.worker.services.embedder.embed([text])
    return StageResult({"result": {"text": text, "dimensions": vectors.shape[1]}})


KIND = Kind(
    "shout",
    "Shout",
    {"shouting": StageInfo("Write in capitals"), "embedding": StageInfo("Embed")},
    request=lambda: ShoutRequest,
    result=Shouted,
)
SHOUTING = WorkerSpec("shouting", "Shouting", open_voice, lambda _: one_lane(4))
STAGES = {
    "shouting": SHOUTING.stage(shout),
    "embedding": EMBEDDING.stage(embed, fields=("shouted",)),
}
