"""The request bodies of the API."""

import datetime as dt
from typing import Annotated, Any, Literal, TypeVar
from zoneinfo import available_timezones

import orjson
from annotated_types import Len
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    FailFast,
    Field,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from nlp2filters.core import dialects
from nlp2filters.core.batches import MAX_REQUESTS
from nlp2filters.core.languages import CODES, LOCALES
from nlp2filters.errors import Fault, InvalidRequest

MAX_TEXT = 4_000
# `now` must be in these years: a text may count up to 999 years from it, and the calendar has the years 1 to 9999.
FIRST_YEAR, LAST_YEAR = 1000, 8999
# This limit in bytes keeps the body of a webhook, which contains the metadata, below 20 kB.
MAX_METADATA = 16_000
# This is a limit in bytes, since every result contains the scope once for itself and once for each dialect.
MAX_SCOPE = 16_000


def _no_nul(text: str) -> str:
    if "\0" in text:
        raise ValueError("must not contain the character U+0000")
    return text


def _small(metadata: dict[str, str]) -> dict[str, str]:
    if len(orjson.dumps(metadata)) > MAX_METADATA:
        raise ValueError(f"must not have more than {MAX_METADATA} bytes, as JSON")
    return metadata


def _short(scope: dict[str, Any]) -> dict[str, Any]:
    if len(orjson.dumps(scope)) > MAX_SCOPE:
        raise ValueError(f"must not have more than {MAX_SCOPE} bytes, as JSON")
    return scope


def _known_dialect(name: str) -> str:
    if name not in dialects.DIALECTS:
        raise ValueError(f"unknown dialect; known: {', '.join(dialects.DIALECTS)}")
    return name


def _once(names: list[str]) -> list[str]:
    return list(dict.fromkeys(names))


def _known_timezone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError("unknown time zone; give an IANA name such as Europe/Berlin")
    return name


def _moment(text: str) -> str:
    if not FIRST_YEAR <= dt.datetime.fromisoformat(text).year <= LAST_YEAR:
        raise ValueError(f"must be in the years {FIRST_YEAR} to {LAST_YEAR}")
    return text


Text = Annotated[
    str, StringConstraints(min_length=1, max_length=MAX_TEXT, strip_whitespace=False), AfterValidator(_no_nul)
]
Dialects = Annotated[list[Annotated[str, AfterValidator(_known_dialect)]], Len(0, 16), AfterValidator(_once)]
Metadata = Annotated[
    dict[Annotated[str, StringConstraints(max_length=64)], Annotated[str, StringConstraints(max_length=512)]],
    Len(0, 16),
    AfterValidator(_small),
]


def _not_too_many(requests: Any) -> Any:
    """Refuse a list that is too long before its members are validated: pydantic counts only valid members."""
    if isinstance(requests, list) and len(requests) > MAX_REQUESTS:
        raise ValueError(f"there are {len(requests)} requests; {MAX_REQUESTS} are allowed")
    return requests


class Webhook(BaseModel):
    """A webhook to call when the job has ended."""

    model_config = ConfigDict(extra="forbid", strict=True)

    url: Annotated[str, StringConstraints(max_length=2048)] = Field(description="An https URL.")
    events: Annotated[list[Literal["succeeded", "failed", "canceled", "expired"]], Len(1, 4), FailFast()] = Field(
        default=["succeeded", "failed", "canceled", "expired"], description="The outcomes to be told of."
    )


class Submission(BaseModel):
    """A text to turn into a filter, with its catalog or with the job that the text refines."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        json_schema_extra={"anyOf": [{"required": ["catalog"]}, {"required": ["refines"]}]},
    )

    kind: Literal["filters"] = "filters"
    refines: Annotated[str, StringConstraints(min_length=1, max_length=64)] | None = Field(
        default=None,
        description="A job of yours that succeeded, whose filter the text changes: “cheaper ones”, “also in red”. "
        "Catalog, dialects, strategy, locale, timezone, now and scope are those of that job unless you give others.",
    )
    catalog: str | dict[str, Any] | None = Field(
        default=None,
        validate_default=True,
        description="A catalog's name, or a whole catalog. With `refines` that of the earlier job.",
    )
    text: Text = Field(description="What somebody asks for, in plain language.")
    dialects: Annotated[
        list[Annotated[str, AfterValidator(_known_dialect)]], Len(0, 16), FailFast(), AfterValidator(_once)
    ] = Field(default=["sql"], description="The search engines to compile the filter for.")
    strategy: Literal["auto", "llm", "builtin"] = Field(
        default="auto",
        description="`builtin` never calls an LLM; `auto` does when one is configured, and falls back to the built-in "
        "parser; `llm` fails when the LLM does.",
    )
    locale: str = Field(
        default="en",
        pattern=f"^{LOCALES}$",
        description=f"Language of the text ({', '.join(CODES)}), optionally with a region: `es-MX`.",
    )
    timezone: Annotated[str, AfterValidator(_known_timezone)] = Field(
        default="UTC", description="IANA time zone in which `today` is meant."
    )
    now: Annotated[str, AfterValidator(_moment)] | None = Field(
        default=None, description="ISO 8601 moment that counts as now; the time of submission otherwise."
    )
    scope: Annotated[dict[str, Any], AfterValidator(_short)] | None = Field(
        default=None, description="A CQL2-JSON filter that is always added, and never shown to an LLM."
    )
    webhook: Webhook | None = Field(default=None, description="Called, signed, when the job has ended.")
    metadata: Metadata = Field(default={}, description="Kept with the job and given back.")
    deadline_seconds: Annotated[int, Field(ge=1, le=86_400)] | None = Field(
        default=None, description="The job expires when no worker has begun it by then."
    )

    @field_validator("catalog")
    @classmethod
    def _about_something(cls, catalog: Any, info: ValidationInfo) -> Any:
        if catalog is None and info.data.get("refines", "") is None:
            raise ValueError("name a catalog, or in `refines` the job that the text goes on from")
        return catalog


class BatchRequest(Submission):
    """One request of a batch."""

    custom_id: Annotated[str, StringConstraints(min_length=1, max_length=64), AfterValidator(_no_nul)] = Field(
        description="What you call it; of no other request of the batch."
    )


class BatchWebhook(BaseModel):
    """A webhook to call when every job of the batch has ended."""

    model_config = ConfigDict(extra="forbid", strict=True)

    url: Annotated[str, StringConstraints(max_length=2048)] = Field(description="An https URL.")


class BatchSubmission(BaseModel):
    """A submission of many texts at once."""

    model_config = ConfigDict(extra="forbid", strict=True)

    requests: Annotated[list[BatchRequest], Len(1, MAX_REQUESTS), BeforeValidator(_not_too_many)]
    webhook: BatchWebhook | None = Field(default=None, description="Called, signed, when all jobs have ended.")
    metadata: Metadata = Field(default={}, description="Kept with the batch and given back.")

    @field_validator("requests")
    @classmethod
    def _unique(cls, requests: list[BatchRequest]) -> list[BatchRequest]:
        if len({request.custom_id for request in requests}) < len(requests):
            raise ValueError("each custom_id may occur once")
        return requests


class StreamTokenRequest(BaseModel):
    """The job or the batch for which a stream token is valid."""

    model_config = ConfigDict(extra="forbid", strict=True)

    job_id: Annotated[str, StringConstraints(min_length=1, max_length=64)] | None = None
    batch_id: Annotated[str, StringConstraints(min_length=1, max_length=64)] | None = None

    @model_validator(mode="after")
    def _one(self) -> "StreamTokenRequest":
        if (self.job_id is None) == (self.batch_id is None):
            raise ValueError("give either job_id or batch_id")
        return self


class Echo(BaseModel):
    """The body of `POST /embedding/echo`."""

    model_config = ConfigDict(strict=True)

    text: Text


M = TypeVar("M", bound=BaseModel)


def checked(model: type[M], data: object) -> M:
    """Validate a decoded body as a `model`.

    Raises:
        InvalidRequest: it lists all faults with their places.
    """
    try:
        return model.model_validate(data)
    except ValidationError as exc:
        faults = [
            Fault(
                "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in error["loc"]),
                error["msg"].removeprefix("Value error, "),
            )
            for error in exc.errors()
        ]
        raise InvalidRequest(faults) from exc
