"""Models of requests to analyse code."""

from typing import Annotated, Literal, get_args

from annotated_types import Len
from pydantic import AfterValidator, ConfigDict, FailFast, Field, StringConstraints

from nlp2filters.core.requests import JobOptions, RequestBody, Text, UploadRequest, without_nul

# The limits of archives; analysis/archives.py has the others.
MAX_FILES = 20_000
MAX_PATH_LENGTH = 500

Task = Literal["map", "search", "duplicates", "summary", "review"]
Strategy = Literal["auto", "builtin", "llm"]
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
    strategy: Strategy = Field(
        default="auto",
        description="`auto` uses the LLM, if one is configured, and does without it if it fails; `builtin` never uses "
        "it; `llm` always does, and fails if the LLM fails.",
    )
    budget: AnalysisBudget = AnalysisBudget()


class AnalysisRequest(AnalysisOptions, UploadRequest):
    """A request to analyse code, as its job stores it."""

    kind: Literal["analysis"] = "analysis"


Path = Annotated[
    str,
    StringConstraints(min_length=1, max_length=MAX_PATH_LENGTH),
    AfterValidator(without_nul),
    Field(examples=["a.py"]),
]


class AnalysisForm(AnalysisOptions):
    """The form of a request to analyse code: the archive as a file, and the options as further fields."""

    archive: bytes = Field(description="tar, tar.gz, tar.bz2, tar.xz, zip or wheel, of up to 32 MiB.")


class FilesByPath(AnalysisOptions):
    """A request to analyse files that it brings along, by their paths."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"files": {"app.py": "import os\n"}, "question": "Where are settings read?"}]}
    )

    files: Annotated[dict[Path, str], Len(1, MAX_FILES)] = Field(description="The texts of the files by their paths.")


class AnalysisFile(RequestBody):
    """A file to analyse."""

    path: Path
    content: str


class ListedFiles(AnalysisOptions):
    """A request to analyse files that it brings along, in a list."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"files": [{"path": "app.py", "content": "import os\n"}], "tasks": ["map"], "budget": {"chunks": 9}}
            ]
        }
    )

    files: Annotated[list[AnalysisFile], Len(1, MAX_FILES), FailFast()] = Field(description="The files.")
