"""Models of requests for the rows of an uploaded table."""

from typing import Annotated, Any, Literal

from annotated_types import Len
from pydantic import FailFast, Field, model_validator

from nlp2filters.core.compilation import FilterRequest
from nlp2filters.core.requests import Id, JobRequest, RequestBody, UnknownOption

MAX_OFFSET = 100_000_000


class Plot(RequestBody):
    """Two fields to plot, and the number of points."""

    x: str = Field(description="A field with numbers or dates.")
    y: str = Field(description="A field with numbers or dates.")
    points: Annotated[int, Field(ge=1, le=5_000)] = Field(
        default=2_000, description="At most so many points: a sample, in which rows that match are not fewer than half."
    )


class RowQuery(FilterRequest):
    """The rows to select from a converted table."""

    catalog: str | dict[str, Any] | None = Field(  # type: ignore[assignment]
        default=None, description="A catalog's name, or a complete catalog; else that of `job`, or the inferred one."
    )
    unknown: UnknownOption = "exclude"
    offset: Annotated[int, Field(ge=0, le=MAX_OFFSET)] = Field(default=0, description="The rows to leave out.")
    page_size: Annotated[int, Field(ge=0, le=200)] = Field(
        default=50, description="The number of rows. A page of long texts may have fewer: go on at `next_offset`."
    )
    columns: Annotated[list[str], Len(0, 1_000), FailFast()] = Field(
        default=[], description="The fields to return; all by default."
    )
    plot: Plot | None = Field(default=None, description="Points of two fields, with those marked that match.")
    export: Literal["csv", "jsonl"] | None = Field(
        default=None, description="Also write all matching rows to a file: `GET /v1/jobs/{job_id}/export`."
    )


class RowsRequest(RowQuery, JobRequest):
    """A question for the rows of a file from which a catalog was inferred."""

    kind: Literal["rows"] = "rows"
    data: Id = Field(description="The id of the job that inferred a catalog from the file.")
    job: Id | None = Field(
        default=None, description="The id of a job whose filter, sort and limit to apply, in its catalog."
    )

    @model_validator(mode="after")
    def _have_one_filter(self) -> "RowsRequest":
        if self.job and not {"filter", "limit", "text", "catalog"}.isdisjoint(self.model_fields_set):
            raise ValueError("give either a job, or catalog, filter, limit and text")
        return self
