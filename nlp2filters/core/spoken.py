"""Models of requests with a recording: to transcribe it, or to turn the question in it into a filter."""

from typing import Annotated, Literal

from annotated_types import Len
from pydantic import Field, StringConstraints

from nlp2filters.core.expected_names import MAX_NAME, MAX_NAMES
from nlp2filters.core.requests import (
    DeadlineOption,
    JobRequest,
    MetadataOption,
    RequestBody,
    Submission,
    WebhookOption,
)

Language = Annotated[
    Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}$")] | None,
    Field(description="What is spoken, as an ISO 639 code such as `en`. By default it is found out."),
]
ExpectedName = Annotated[str, StringConstraints(min_length=1, max_length=MAX_NAME)]


class NamesOf(RequestBody):
    """The names to expect are the values and labels of a catalog."""

    catalog: str


ExpectedWords = Annotated[
    Annotated[list[ExpectedName], Len(0, MAX_NAMES)] | NamesOf | None,
    Field(description="Names that may occur, so that they are spelled like this; or `{catalog}`: its names."),
]


class Question(Submission):
    """The members of a submission without its text, for a question that is transcribed first."""

    kind: Literal["spoken_filters"] = "spoken_filters"  # type: ignore[assignment]
    text: Literal[""] = ""


class TranscriptionOptions(RequestBody):
    """The options of a request to transcribe a recording."""

    language: Language = None
    words: ExpectedWords = None
    word_times: bool = Field(default=False, description="Give the times of single words, too.")
    then: Question | None = Field(
        default=None,
        description="`{catalog, dialects, …}`, as in a submission but for `text`: what is said becomes a filter.",
    )
    webhook: WebhookOption = None
    metadata: MetadataOption = Field(default={})
    deadline_seconds: DeadlineOption = None


class TranscriptionRequest(JobRequest):
    """A request to transcribe a recording, as its job stores it: `blob` is the SHA-256 of the uploaded file."""

    kind: Literal["transcription"] = "transcription"
    blob: str
    size: int
    language: str | None
    words: list[str]
    word_times: bool
    api_key: str | None = None


class QuestionRequest(Question):
    """A request to turn a spoken question into a filter, as its job stores it."""

    blob: str
    size: int
    language: str | None
    words: list[str]
    word_times: bool
