"""A kind of job whose two stages do nothing, or sleep: `EXTRA_KINDS=bench.kinds.noop` adds it to a service."""

import asyncio
from typing import Any, Literal

from pydantic import BaseModel

from nlp2filters.core.kinds import Kind, StageInfo
from nlp2filters.core.requests import JobRequest
from nlp2filters.worker.attempt import Attempt, StageResult
from nlp2filters.worker.stages import EMBEDDING, LLM


class NoopRequest(JobRequest):
    """Seconds for which each stage sleeps."""

    kind: Literal["noop"]
    seconds: float = 0.0


class Nothing(BaseModel):
    """The result of doing nothing."""

    text: str


async def first(attempt: Attempt[Any]) -> StageResult:
    await _sleep(attempt)
    return StageResult({})


async def second(attempt: Attempt[Any]) -> StageResult:
    await _sleep(attempt)
    return StageResult({"result": {"text": "done"}})


async def _sleep(attempt: Attempt[Any]) -> None:
    if seconds := attempt.request["seconds"]:
        await asyncio.sleep(seconds)


KIND = Kind(
    "noop",
    "No-op",
    {"embedding": StageInfo("Nothing"), "llm": StageInfo("Nothing", quick_lane=False)},
    request=lambda: NoopRequest,
    result=Nothing,
)
STAGES = {"embedding": EMBEDDING.stage(first), "llm": LLM.stage(second)}
