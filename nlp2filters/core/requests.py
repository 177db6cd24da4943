"""Models of the API's request bodies. Their descriptions are those of the OpenAPI document."""

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
    GetJsonSchemaHandler,
    StringConstraints,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from nlp2filters.core import catalog as catalogs
from nlp2filters.core import checks, dialects
from nlp2filters.core.batches import MAX_REQUESTS
from nlp2filters.core.catalog import Catalog
from nlp2filters.core.dialects.lowering import Unknown
from nlp2filters.core.locales import CODES, LOCALES, DateOrder
from nlp2filters.core.mapping import EngineMapping
from nlp2filters.core.statuses import Outcome
from nlp2filters.errors import InvalidCatalog, InvalidRequest, Violation, pointer

MAX_TEXT = 4_000
# `now` must be in these years: a text may count up to 999 years from it, and the calendar has the years 1 to 9999.
FIRST_YEAR, LAST_YEAR = 1000, 8999
# This limit in bytes keeps the body of a webhook, which contains the metadata, below 20 kB.
MAX_METADATA = 16_000
# These are limits in bytes: of a scope, and of its copies, since a result contains it once for each dialect.
MAX_SCOPE = 500_000
MAX_COMPILED_SCOPE = 1_500_000


def without_nul(text: str) -> str:
    """Refuse the character U+0000, which no text has."""
    if "\0" in text:
        raise ValueError("must not contain the character U+0000")
    return text


def _limit_bytes(limit: int) -> AfterValidator:
    def check(value: Any) -> Any:
        if len(orjson.dumps(value)) > limit:
            raise ValueError(f"must not exceed {limit} bytes as JSON")
        return value

    return AfterValidator(check)


def _check_dialect(name: str) -> str:
    if name not in dialects.DIALECTS:
        raise ValueError(f"unknown dialect; choose from {', '.join(dialects.DIALECTS)}")
    return name


def _without_duplicates(names: list[str]) -> list[str]:
    return list(dict.fromkeys(names))


def _check_timezone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError("unknown time zone; use an IANA name such as Europe/Berlin")
    return name


def _check_year(text: str) -> str:
    if not FIRST_YEAR <= dt.datetime.fromisoformat(text).year <= LAST_YEAR:
        raise ValueError(f"the year must be between {FIRST_YEAR} and {LAST_YEAR}")
    return text


def _limit_count(requests: Any) -> Any:
    """Refuse a list that is too long before its members are validated: pydantic counts only valid members."""
    if isinstance(requests, list) and len(requests) > MAX_REQUESTS:
        raise ValueError(f"there are {len(requests)} requests; {MAX_REQUESTS} are allowed")
    return requests


DialectName = Annotated[str, AfterValidator(_check_dialect), Field(json_schema_extra={"enum": list(dialects.DIALECTS)})]


class _DescribedCatalog:
    """The schema of a member that names a catalog, or holds one, which is validated later, with its own problem."""

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        catalog = handler(TypeAdapter(Catalog).core_schema)
        return {**handler(core), "anyOf": [{"type": "string"}, catalog]}


CatalogSource = Annotated[str | dict[str, Any], _DescribedCatalog]
DialectNames = Annotated[
    list[DialectName],
    Len(0, 16),
    FailFast(),
    AfterValidator(_without_duplicates),
    Field(description="The query languages to compile the filter to."),
]
Mappings = Annotated[
    dict[DialectName, EngineMapping],
    Field(
        strict=False,
        description="How engines store the records, by the name of the dialect. It comes before the catalog's own.",
    ),
    _limit_bytes(MAX_METADATA),
]
Locale = Annotated[
    str,
    Field(
        pattern=f"^{LOCALES}$",
        description=f"Language of the text ({', '.join(CODES)}), optionally with a region: `es-MX`.",
    ),
]
Timezone = Annotated[
    str, AfterValidator(_check_timezone), Field(description="The IANA time zone for words such as `today`.")
]
Now = Annotated[
    Annotated[str, AfterValidator(_check_year)] | None,
    Field(description="The ISO 8601 time that counts as now. By default the time of submission."),
]
UnknownOption = Annotated[
    Unknown,
    Field(
        description="`include`: the opposite of a condition also selects records without a value, so that “not Beats” "
        "finds what has no brand."
    ),
]
Id = Annotated[str, StringConstraints(min_length=1, max_length=64)]
Url = Annotated[str, StringConstraints(max_length=2048)]
Text = Annotated[
    str, StringConstraints(min_length=1, max_length=MAX_TEXT, strip_whitespace=False), AfterValidator(without_nul)
]
Metadata = Annotated[
    dict[Annotated[str, StringConstraints(max_length=64)], Annotated[str, StringConstraints(max_length=512)]],
    Len(0, 16),
    _limit_bytes(MAX_METADATA),
]


Cql2 = Annotated[
    dict[str, Any] | str,
    Field(description="CQL2-JSON, or CQL2-text in a string: `price < 80 AND wireless`."),
]
ScopeOption = Annotated[
    Annotated[Cql2, _limit_bytes(MAX_SCOPE)] | None,
    Field(description="A CQL2 filter that is always ANDed with the result. The LLM never sees it."),
]


def limit_scope_copies(scope: Any, info: ValidationInfo) -> Any:
    """Refuse a scope that is too large for the number of dialects, which are validated before it."""
    copies = len(info.data.get("dialects", ()))
    if scope is not None and copies > 1 and copies * len(orjson.dumps(scope)) > MAX_COMPILED_SCOPE:
        raise ValueError(f"is too large for {copies} dialects; compile the result to the others with /v1/compile")
    return scope


def one_required(first: str, second: str, *, only: bool = False) -> dict[str, Any]:
    """Describe in a JSON schema that one of two members must be there, and with `only` not both.

    Generators of clients take an `anyOf` of a model for several types, and leave the model out.
    """
    both: dict[str, Any] = {"then": {"not": {"required": [second]}}} if only else {}
    return {"if": {"required": [first]}, **both, "else": {"required": [second]}}


class RequestBody(BaseModel):
    """A request body, validated before its endpoint is called. Unknown members are faults.

    Few processes get requests of every kind: the validator of each is built when it is needed first.
    """

    model_config = ConfigDict(extra="forbid", strict=True, defer_build=True)


class Webhook(RequestBody):
    """A webhook to call when the job has ended."""

    url: Url = Field(description="An https URL.")
    events: Annotated[list[Outcome], Len(1, 4), FailFast()] = Field(
        default=["succeeded", "failed", "canceled", "expired"], description="The outcomes that the webhook receives."
    )


WebhookOption = Annotated[Webhook | None, Field(description="Called, with a signature, when the job has ended.")]
MetadataOption = Annotated[Metadata, Field(description="Stored with the job and returned with it.")]
DeadlineOption = Annotated[
    Annotated[int, Field(ge=1, le=86_400)] | None,
    Field(description="The job expires if no worker has started it within this time."),
]


class JobOptions(RequestBody):
    """The options that a request of any kind of job has."""

    webhook: WebhookOption = None
    metadata: MetadataOption = {}
    deadline_seconds: DeadlineOption = None


class JobRequest(JobOptions):
    """A request for a job of any kind."""

    kind: str


class UploadRequest(JobRequest):
    """A request about an uploaded file, as its job stores it: `blob` is the SHA-256 of the file, `size` its bytes."""

    media_type: str
    blob: str
    size: int


class Submission(RequestBody):
    """A text to turn into a filter, with its catalog or with the job that the text refines."""

    model_config = ConfigDict(json_schema_extra=one_required("catalog", "refines"))

    kind: Literal["filters"] = "filters"
    refines: Id | None = Field(
        default=None,
        description="The id of one of your succeeded jobs, whose filter the text changes: “cheaper ones”, “also in "
        "red”. Catalog, dialects, strategy, locale, timezone, now and scope default to those of that job.",
    )
    catalog: CatalogSource | None = Field(
        default=None,
        validate_default=True,
        description="A catalog's name, or a complete catalog. With `refines`, the catalog of the earlier job.",
    )
    text: Text = Field(description="The search request in plain language.")
    dialects: DialectNames = ["sql"]
    strategy: Literal["auto", "llm", "builtin"] = Field(
        default="auto",
        description="`auto` uses the LLM, if one is configured, unless the built-in parser is certain of its reading, "
        "and falls back to the parser; `builtin` never uses the LLM; `llm` always does, and fails if the LLM fails.",
    )
    cache: bool = Field(
        default=True,
        description="Take the answer that the LLM gave you to the same question before, if it is still cached. With "
        "`false`, the LLM is asked anew, and its answer is not cached.",
    )
    provider: Annotated[str, StringConstraints(max_length=64)] | None = Field(
        default=None,
        description="The LLM provider to ask, one of those that the service has. By default they are asked in turn.",
    )
    locale: Locale = "en"
    timezone: Timezone = "UTC"
    now: Now = None
    scope: ScopeOption = None
    unknown: UnknownOption = "exclude"
    mappings: Mappings = {}
    webhook: WebhookOption = None
    metadata: MetadataOption = {}
    deadline_seconds: DeadlineOption = None

    @field_validator("catalog")
    @classmethod
    def _require_catalog_or_refines(cls, catalog: Any, info: ValidationInfo) -> Any:
        if catalog is None and info.data.get("refines", "") is None:
            raise ValueError("give a catalog, or the job to refine as `refines`")
        return catalog

    _limit_copies = field_validator("scope")(limit_scope_copies)


class AnswerRequest(RequestBody):
    """The answer to the question in a job's result: one of its choices, or a text."""

    model_config = ConfigDict(json_schema_extra=one_required("choice", "text", only=True))

    choice: Annotated[int, Field(ge=0, le=99)] | None = Field(
        default=None, description="The place of the choice in `clarification.choices`, counted from 0."
    )
    text: Text | None = Field(default=None, description="The answer in the user's own words.")
    webhook: WebhookOption = None
    metadata: MetadataOption = {}
    deadline_seconds: DeadlineOption = None

    @model_validator(mode="after")
    def _require_one_answer(self) -> "AnswerRequest":
        if (self.choice is None) == (self.text is None):
            raise ValueError("give either choice or text")
        return self


class BatchRequest(Submission):
    """One request of a batch."""

    custom_id: Annotated[Id, AfterValidator(without_nul)] = Field(
        description="Your own id for the request, unique in the batch."
    )


class BatchWebhook(RequestBody):
    """A webhook to call when every job of the batch has ended."""

    url: Url = Field(description="An https URL.")


class BatchSubmission(RequestBody):
    """A submission of many texts at once."""

    requests: Annotated[list[BatchRequest], Len(1, MAX_REQUESTS), BeforeValidator(_limit_count)]
    webhook: BatchWebhook | None = Field(
        default=None, description="Called, with a signature, when all jobs have ended."
    )
    metadata: Metadata = Field(default={}, description="Stored with the batch and returned with it.")

    @field_validator("requests")
    @classmethod
    def _require_unique_ids(cls, requests: list[BatchRequest]) -> list[BatchRequest]:
        if len({request.custom_id for request in requests}) < len(requests):
            raise ValueError("each custom_id must be unique in the batch")
        return requests


class InferenceOptions(JobOptions):
    """The options of a request to infer a catalog, which are in its query; its body is the table."""

    name: Annotated[str, StringConstraints(max_length=64)] = "inferred"
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")] | None = None
    date_order: DateOrder | None = None
    table: Annotated[str, StringConstraints(min_length=1, max_length=512)] | None = None


class InferenceRequest(InferenceOptions, UploadRequest):
    """A request to infer a catalog from a table, as its job stores it."""

    kind: Literal["inference"] = "inference"


class StreamTokenRequest(RequestBody):
    """The job or the batch for which a stream token is valid."""

    job_id: Id | None = None
    batch_id: Id | None = None

    @model_validator(mode="after")
    def _require_one_id(self) -> "StreamTokenRequest":
        if (self.job_id is None) == (self.batch_id is None):
            raise ValueError("give either job_id or batch_id")
        return self


class Echo(RequestBody):
    """The body of `POST /embedding/echo`. Unknown members are ignored."""

    model_config = ConfigDict(extra="ignore")

    text: Text


def parse_catalog(data: object) -> Catalog:
    """Parse a request's catalog.

    Raises:
        InvalidCatalog: it has faults, possibly in its scope or its mappings.
    """
    catalog = catalogs.parse(data)
    checks.own_scope(catalog)
    if faults := dialects.mapping_faults(catalog.mappings, catalog):
        raise InvalidCatalog(faults).prefixed("/mappings")
    if catalog.scope and len(orjson.dumps(catalog.scope)) > MAX_SCOPE:
        raise InvalidCatalog([Violation("/scope", f"The scope must not exceed {MAX_SCOPE} bytes as JSON.")])
    return catalog


Model = TypeVar("Model", bound=BaseModel)


def validate(model: type[Model], data: object) -> Model:
    """Validate decoded JSON as a `model`.

    Raises:
        InvalidRequest: it lists all faults, each with a pointer to its place.
    """
    try:
        return model.model_validate(data)
    except ValidationError as exc:
        violations = [
            Violation(pointer(*error["loc"]), error["msg"].removeprefix("Value error, ")) for error in exc.errors()
        ]
        raise InvalidRequest(violations) from exc
