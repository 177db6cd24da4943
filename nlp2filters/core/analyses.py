"""Models of requests to analyse code."""

from typing import Annotated, Literal, get_args

from annotated_types import Len
from pydantic import Field, StringConstraints

from nlp2filters.core.requests import JobOptions, RequestBody, Text, UploadRequest

Task = Literal["map", "search", "duplicates", "summary", "review"]
TASKS: tuple[Task, ...] = get_args(Task)
Globs = Annotated[list[Annotated[str, StringConstraints(min_length=1, max_length=500)]], Len(0, 50)]


class AnalysisBudget(RequestBody):
    """The limits of what an analysis may read and ask. What exceeds them is left out, by rank the last, and told."""

    chunks: Annotated[int, Field(ge=0, le=5_000)] = Field(
        default=2_000, description="The number of pieces of code that are read by meaning."
    )
    llm_calls: Annotated[int, Field(ge=0, le=5_000)] = Field(default=200, description="The number of calls of an LLM.")
    tokens: Annotated[int, Field(ge=0, le=50_000_000)] = Field(
        default=1_000_000, description="The number of tokens, in and out, of all calls of an LLM together."
    )


class AnalysisOptions(JobOptions):
    """The options of a request to analyse code."""

    tasks: Annotated[list[Task], Len(1, 50)] = Field(
        default=[*TASKS],
        description="`map`: definitions and imports by rank; `search`: reading by meaning, for clusters, answers and "
        "later searches; `duplicates`; `summary`; `review`: findings.",
    )
    question: Text | None = Field(default=None, description="What to look for, in plain language.")
    include: Globs = Field(
        default=[], description="Only files that one of these patterns matches, in the form of `.gitignore`."
    )
    exclude: Globs = Field(default=[], description="No file that one of these patterns matches.")
    gitignore: bool = Field(default=True, description="Skip what `.gitignore` files leave out.")
    strategy: Literal["auto", "builtin", "llm"] = Field(
        default="auto",
        description="`auto` uses the LLM, if one is configured, and does without it if it fails; `builtin` never uses "
        "it; `llm` always does, and fails if the LLM fails.",
    )
    budget: AnalysisBudget = AnalysisBudget()


class AnalysisRequest(AnalysisOptions, UploadRequest):
    """A request to analyse code, as its job stores it."""

    kind: Literal["analysis"] = "analysis"
