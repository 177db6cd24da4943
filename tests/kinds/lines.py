"""A kind of job whose only stage is split: the lines of a text are embedded. It needs no worker of its own."""

from typing import Literal

from pydantic import BaseModel

from nlp2filters.core.kinds import Kind, StageInfo
from nlp2filters.core.requests import JobRequest
from nlp2filters.worker.attempt import Attempt, StageResult
from nlp2filters.worker.embedding_services import EmbeddingServices
from nlp2filters.worker.parts import Outcomes, PartWork
from nlp2filters.worker.stages import EMBEDDING
from tests.kinds.wordcount import embed, line_events, split_again


class LinesRequest(JobRequest):
    """A text whose lines are embedded."""

    kind: Literal["lines"]
    text: str


class EmbeddedLines(BaseModel):
    """The lengths of the vectors, line by line."""

    dimensions: list[int]


async def join(attempt: Attempt[EmbeddingServices], outcomes: Outcomes) -> StageResult:
    return StageResult({"result": {"dimensions": [len(outcome.content or b"") // 4 async for outcome in outcomes]}})


KIND = Kind(
    "lines",
    "Lines",
    {"embedding": StageInfo("Embed the lines")},
    request=lambda: LinesRequest,
    result=EmbeddedLines,
)
STAGES = {"embedding": EMBEDDING.split_stage(PartWork(split_again, embed, join, line_events))}
