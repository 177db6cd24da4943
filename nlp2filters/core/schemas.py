"""Models of the API's responses, for the OpenAPI document and for the client.

The responses themselves are built in `core`; tests compare the two.
"""

from typing import Annotated, Any, ClassVar, Literal, get_args

from pydantic import AwareDatetime as Timestamp
from pydantic import BaseModel, ConfigDict, Field, Json, RootModel, WithJsonSchema

from nlp2filters.core import catalog as catalogs
from nlp2filters.core.interpretation import Source
from nlp2filters.core.statuses import StageStatus, Status

JSONObject = dict[str, Any]
# A service of a later version may know more of these: a client gets them as strings.
OperatorName = Annotated[str, Field(json_schema_extra={"enum": list(get_args(catalogs.Operator))})]
SourceName = Annotated[str, Field(json_schema_extra={"enum": list(get_args(Source))})]
SpanOfText = Annotated[
    tuple[int, int],
    Field(description="The first code point and the one after the last."),
    WithJsonSchema({"type": "array", "items": {"type": "integer"}, "minItems": 2, "maxItems": 2}),
]
# Two numbers and a truth value. Linters and generators of clients know no arrays whose places differ in type.
Point = Annotated[
    tuple[float, float, bool],
    WithJsonSchema(
        {"type": "array", "items": {"anyOf": [{"type": "number"}, {"type": "boolean"}]}, "minItems": 3, "maxItems": 3}
    ),
]
SSE = "text/event-stream"


class Lenient(BaseModel):
    """A model that ignores members it does not know.

    A service validates by none of these models, and a client by few: each is built when it is needed first.
    """

    model_config = ConfigDict(defer_build=True)


class Strict(Lenient):
    """A model with exactly the named members."""

    model_config = ConfigDict(extra="forbid")


class CatalogDocument(RootModel[catalogs.Catalog]):
    """A catalog: the fields that can be searched."""

    model_config = ConfigDict(defer_build=True)


class ColumnNote(Strict):
    """A sentence about a column of a table. `cells` is the number of cells that it is about."""

    kind: Literal["question", "refused", "unknown", "decided"]
    text: str
    cells: int | None
    examples: list[str]


class InferredColumn(Strict):
    """The fate of a column of a table: `cells` have a value, `unknown` have none. `distinct` is null if too many."""

    name: str
    type: catalogs.FieldType
    many: bool
    cells: int
    unknown: int
    distinct: int | None
    notes: list[ColumnNote]


class FaultyLines(Strict):
    """The number of a table's lines with one fault, and the numbers of the first ones."""

    fault: str
    count: int
    lines: list[int]
    detail: str


class TableNotes(Strict):
    """Notes about a table as a whole. `header_line` is null if no line looked like a header."""

    format: str
    encoding: str | None
    delimiter: str | None
    header_line: int | None
    title: str | None
    rows: int
    faults: list[FaultyLines]
    remarks: list[str]


class InferredCatalog(Strict):
    """A catalog inferred from rows, with the reasons for each of its fields."""

    catalog: catalogs.Catalog
    columns: list[InferredColumn]
    table: TableNotes


class FaultItem(Strict):
    """One fault: `pointer` (RFC 6901) is its place, `detail` says what to do."""

    pointer: str
    detail: str


class Problem(Lenient):
    """A problem (RFC 9457). `type` is the URL of a page that explains it."""

    type: str
    title: str
    status: int
    detail: str
    request_id: str | None = None
    errors: list[FaultItem] | None = None
    error: JSONObject | None = None


class StageRun(Strict):
    """The progress of one stage. `label` describes it to people, `attempt` counts how often it was started."""

    label: str = ""
    status: StageStatus
    attempt: int
    queued_at: Timestamp | None
    started_at: Timestamp | None
    finished_at: Timestamp | None


class JobUrls(Strict):
    """The URLs of a job."""

    self: str
    events: str
    result: str
    cancel: str
    retry: str


class Job(Strict):
    """A job. Its status moves only forward; `succeeded`, `failed`, `canceled` and `expired` are final."""

    id: str
    object: Literal["job"]
    kind: str
    status: Status
    stage: str
    stages: dict[str, StageRun]
    seq: int
    catalog: str | None
    created_at: Timestamp
    started_at: Timestamp | None
    finished_at: Timestamp | None
    deadline_at: Timestamp
    error: Problem | None
    dead_lettered: bool
    retry_of: str | None
    refines: str | None = None
    batch_id: str | None
    custom_id: str | None
    metadata: dict[str, str]
    urls: JobUrls


class Jobs(Strict):
    """A page of jobs."""

    jobs: list[Job]
    next_page_token: str | None


class Alternative(Strict):
    """Another, less likely reading of the same words."""

    field: str
    op: OperatorName
    value: Any
    confidence: float


class Condition(Strict):
    """A condition, and the words that it came from."""

    field: str
    op: OperatorName
    value: Any
    quote: str
    span: SpanOfText
    confidence: float
    source: SourceName
    alternatives: list[Alternative]
    said_in: str | None = Field(
        default=None, description="The earlier job whose text contains the words; null for the job's own text."
    )


class Sort(Strict):
    """A sort by a field."""

    field: str
    direction: Literal["asc", "desc"]


class Ignored(Strict):
    """Words that have no effect on the filter, and the reason."""

    quote: str
    span: SpanOfText
    reason: str


class Mention(Strict):
    """Words that became part of the order, of the limit or of the words for a full-text search."""

    quote: str
    span: SpanOfText
    part: Literal["sort", "limit", "text"]


class Clarification(Strict):
    """A question to the user, with the readings to choose from."""

    question: str
    choices: list[str]


class Reading(Lenient):
    """The reading of a text, with the words that each part came from."""

    filter: JSONObject | None
    sort: list[Sort]
    limit: int | None
    text: str
    conditions: list[Condition]
    ignored: list[Ignored]
    clarification: Clarification | None
    mentions: list[Mention] = []


class Said(Strict):
    """A text, and the job that it was submitted with."""

    job_id: str
    text: str


class Test(Strict):
    """The test of a condition."""

    field: str
    op: OperatorName
    value: Any


class Change(Strict):
    """A value before and after."""

    before: Any = Field(alias="from")
    after: Any = Field(alias="to")


class Difference(Strict):
    """The differences between a filter and the one that it refines; null where nothing has changed."""

    added: list[Test]
    removed: list[Test]
    changed: list[Change]
    sort: Change | None
    limit: Change | None
    text: Change | None
    summary: str


class Refined(Strict):
    """The job that was refined, the texts of earlier jobs that conditions quote, and what has changed."""

    job_id: str
    texts: list[Said]
    difference: Difference


class LLMUse(Strict):
    """The LLM's part in a result. If it was not `consulted`, the built-in parser was certain of its reading.

    `cached`: the answer was given to the same question before, and cost nothing. `disagreement`: the differences from
    the draft (`from`) to the LLM's reading (`to`), which lower the confidence of conditions; null if there are none.
    """

    consulted: bool
    cached: bool
    disagreement: Difference | None


class Result(Reading):
    """The filter, its parts with the words they came from, and the query for each search engine."""

    job_id: str | None = Field(default=None, description="The id to send as `refines` with another text.")
    explanation: str
    dialects: dict[str, JSONObject]
    draft: Reading | None
    llm: LLMUse | None = Field(default=None, description="Null where no LLM is configured or permitted.")
    refines: Refined | None = None
    degraded: bool
    degraded_reason: str | None
    provider: str
    model: str | None
    usage: JSONObject | None
    timings_ms: dict[str, int]


class SpokenWord(Strict):
    """A word with its times, and the probability that it was heard right, unless an API transcribed it."""

    text: str
    start_s: float
    end_s: float
    probability: float | None = None


class SpokenSegment(Strict):
    """A sentence or a part of one, with its times in seconds; `words` if the request asked for them."""

    text: str
    start_s: float
    end_s: float
    words: list[SpokenWord] | None = None


class Transcription(Strict):
    """The text of a recording of `seconds`, with times, as files of subtitles, and the `usage` of a speech API."""

    text: str
    language: str
    seconds: float
    segments: list[SpokenSegment]
    srt: str
    vtt: str
    usage: JSONObject | None = None


class SpokenResult(Result):
    """The filter of a spoken question, and the transcript."""

    transcript: Transcription


class Echoed(Strict):
    """The text of an echo job, and the length of its vector."""

    text: str
    dimensions: int


class Inference(InferredCatalog):
    """The catalog inferred from a table, with the reasons for each of its fields, and the number of rows read."""

    rows: int


class UnreadCells(Strict):
    """The number of cells of a field that have a value, but none of the field's type; they count as unknown."""

    field: str
    cells: int
    examples: list[str]


class PlotPoints(Strict):
    """A sample of the `total` rows that have both values: x, y and whether the row matches. Dates are ms since 1970."""

    x: str
    y: str
    total: int
    points: list[Point]


class RowExport(Strict):
    """The file with all matching rows, which `GET /v1/jobs/{job_id}/export` returns."""

    format: Literal["csv", "jsonl"]
    sha256: str
    bytes: int


class RowPage(Strict):
    """A page of the `count` rows of a file that match, of `total`; `next_offset` is null on the last one.

    `lossy` is what of the filter was not applied, such as words that no field has.
    """

    columns: list[str]
    rows: list[JSONObject]
    count: int
    total: int
    offset: int
    next_offset: int | None
    lossy: list[JSONObject]
    unread: list[UnreadCells]
    plot: PlotPoints | None
    export: RowExport | None


class CodePlace(Strict):
    """Lines of a file, the first and the last included."""

    path: str
    start_line: int
    end_line: int


class CodeDefinition(CodePlace):
    """A definition of an analysed codebase; the ranks of all sum to 1."""

    name: str
    kind: str
    rank: float


class CodeFinding(CodePlace):
    """A remark about some lines, which `quote` quotes. `fingerprint` stays when lines above are added."""

    rule: str
    category: str
    severity: Literal["high", "medium", "low", "info"]
    message: str
    quote: str
    source: str
    confidence: float
    scope: str | None
    fingerprint: str


class CodeAnswer(CodePlace):
    """A place that answers the question, with its `page` in a document that has pages."""

    page: int | None = None
    score: float
    quote: str


class CodeSearch(Strict):
    """The places that answer a question, the best first. A score is from 0 to 1 about, and only good for comparing."""

    results: list[CodeAnswer]


class ChunkCounts(Strict):
    """The numbers of chunks: all, those analyzed, those that failed, and those for which the budget had no room."""

    chunks: int
    analyzed: int
    failed: int
    over_budget: int


class AnalysisCoverage(ChunkCounts):
    """The numbers of chunks that were embedded, and those that an LLM has reviewed; null without one."""

    review: ChunkCounts | None = None


class CodeQuote(CodePlace):
    """Lines of a file in their own words."""

    quote: str


class CodeReply(Strict):
    """An LLM's answer to the question, and the lines that prove it."""

    text: str
    quotes: list[CodeQuote]


class StoredReport(Strict):
    """The SHA-256 and the bytes of the whole report: `GET /v1/jobs/{id}/report`."""

    sha256: str
    size: int


class Analysis(Strict):
    """The essence of an analysis: the definitions that matter most, the gravest findings, answers, and the coverage."""

    summary: str | None
    files: int
    skipped: int
    definitions: list[CodeDefinition]
    findings: list[CodeFinding]
    finding_count: int
    answers: list[CodeAnswer]
    coverage: AnalysisCoverage
    report: StoredReport
    answer: CodeReply | None = Field(default=None, description="Null without an LLM, or without a quote that is true.")
    degraded: bool = Field(default=False, description="True if an LLM was to be asked, and failed.")
    degraded_reason: str | None = None
    usage: JSONObject | None = None


class AnalysisReport(Strict):
    """Everything that an analysis tells: the form of its members is in docs/analysis.md."""

    files: list[JSONObject]
    map: JSONObject | None
    clusters: list[JSONObject]
    duplicates: list[JSONObject]
    findings: list[CodeFinding]
    summary: str | None
    coverage: AnalysisCoverage
    answers: list[CodeAnswer]
    answer: CodeReply | None = None


class FindingPage(Strict):
    """Findings of an analysis, the gravest first, and the token of the next page."""

    findings: list[CodeFinding]
    next_page_token: str | None


class FinishedJob(Job):
    """A job that has ended, with its result; null if it has none."""

    result: Result | None


class JobNews(Lenient):
    """The job at the time of the event, with the `draft` or the `result` if the event announces it."""

    type: str
    job_id: str
    seq: int
    at: Timestamp
    job: Job


class Progress(Lenient):
    """The current activity of a running attempt: `step` for programs, `detail` for people.

    `characters` is the length of the LLM's answer so far. `rows` are those of a table that were read so far, and
    `share` is the part of the table, from 0 to 1. Of the `parts` of a job that is split, `parts_done` have ended.
    """

    type: str
    job_id: str
    at: Timestamp
    stage: str
    attempt: int
    step: str = Field(
        description="`indexing`, `embedding`, `asking`, `answering`, `retrying`, `waiting` (for a provider's limit of "
        "the rate of calls), `repairing` or `parts`; others may be added."
    )
    detail: str
    characters: int | None = None
    rows: int | None = None
    share: float | None = None
    parts: int | None = None
    parts_done: int | None = None


class Delta(Lenient):
    """A piece of the LLM's text, as it arrives. A different `attempt` or `try` starts a new text.

    `offset` counts the code points before it. The text is the LLM's raw output, which has not been validated.
    """

    type: str
    job_id: str
    at: Timestamp
    stage: str
    attempt: int
    try_: int = Field(alias="try")
    offset: int
    text: str


class TranscriptPart(Lenient):
    """The text of a part of a recording, from `start_s` to `end_s`. Several workers may finish parts out of order."""

    type: str
    job_id: str
    at: Timestamp
    stage: str
    attempt: int
    start_s: float
    end_s: float
    text: str


class FindingNews(Lenient):
    """A finding of an analysis, as soon as it is there. Each is told once."""

    type: str
    job_id: str
    at: Timestamp
    stage: str
    attempt: int
    finding: CodeFinding


class JobEvent(Strict):
    """One event of a job's stream."""

    media_type: ClassVar[str] = SSE

    id: str = Field(description="The cursor: send it as `Last-Event-ID` to continue after this event.")
    event: Literal["snapshot", "status", "draft", "progress", "delta", "transcript", "finding", "done"]
    data: Json[JobNews | Progress | Delta | TranscriptPart | FindingNews]
    retry: int | None = Field(default=None, description="Milliseconds to wait before reconnecting.")


class Rows(Strict):
    """The first matching `rows` of the demo data, the `count` of all that match, and the `total` number of rows."""

    count: int
    total: int
    rows: list[JSONObject]


class DeliveryAttempt(Strict):
    """One attempt to call the webhook."""

    at: Timestamp
    status: int | None
    error: str | None
    duration_ms: int | None


class Delivery(Strict):
    """A message to the webhook, and the attempts to deliver it."""

    webhook_id: str
    event: str
    url_host: str | None
    state: Literal["pending", "delivered", "dead"]
    attempts: list[DeliveryAttempt]


class Deliveries(Strict):
    """The messages to the webhook."""

    deliveries: list[Delivery]


class Counts(Strict):
    """The number of jobs of a batch by status."""

    queued: int
    running: int
    canceling: int
    succeeded: int
    failed: int
    canceled: int
    expired: int


class BatchUrls(Strict):
    """The URLs of a batch."""

    self: str
    events: str
    results: str
    cancel: str
    deliveries: str


class Batch(Strict):
    """Jobs that were submitted together."""

    id: str
    object: Literal["batch"]
    status: Literal["in_progress", "canceling", "ended"]
    request_counts: Counts
    created_at: Timestamp
    ended_at: Timestamp | None
    metadata: dict[str, str]
    urls: BatchUrls


class BatchResult(Strict):
    """The outcome of one request of a batch: a line of its results."""

    custom_id: str
    job_id: str
    status: Status
    result: Result | None
    error: Problem | None


class BatchNews(Lenient):
    """The progress of the batch, or the `custom_id` and `job` of a job that ended."""

    type: str
    batch_id: str
    at: Timestamp
    batch: Batch | None = None
    custom_id: str | None = None
    job: Job | None = None


class BatchEvent(Strict):
    """One event of a batch's stream."""

    media_type: ClassVar[str] = SSE

    id: str = Field(description="The cursor: send it as `Last-Event-ID` to continue after this event.")
    event: Literal["snapshot", "status", "job", "done"]
    data: Json[BatchNews]
    retry: int | None = Field(default=None, description="Milliseconds to wait before reconnecting.")


class CatalogSummary(Strict):
    """A catalog that jobs can refer to by name."""

    name: str
    title: str
    description: str
    fields: int
    examples: list[str]
    packaged: bool
    url: str


class Catalogs(Strict):
    """The catalogs that jobs can refer to by name."""

    catalogs: list[CatalogSummary]


class DialectSummary(Strict):
    """One query language."""

    name: str
    title: str


class Dialects(Strict):
    """The query languages that a filter can be compiled to."""

    dialects: list[DialectSummary]


class Compiled(Strict):
    """A filter with its scopes, in the words of CQL2 and in each dialect; `explanation` is without the scopes."""

    filter: JSONObject | None
    sort: list[Sort]
    limit: int | None
    text: str
    explanation: str
    dialects: dict[str, JSONObject]


class Explained(Strict):
    """A filter as a sentence."""

    explanation: str


class StreamToken(Strict):
    """A token for one event stream."""

    token: str
    expires_at: Timestamp


class EchoJob(Strict):
    """The older API's response to a text."""

    job_id: str


class EchoResult(Lenient):
    """The older API's result: `result` if there is one, else `status` or `error`."""

    result: str | None = None
    status: str | None = None
    error: str | None = None


class Health(Lenient):
    """The state of the process."""

    status: str
    version: str | None = None


class ProviderState(Strict):
    """The state of a provider that workers call, which they share.

    `breaker` is `open` during an outage, when it is not called, and `half_open` while one call tries whether it is
    back. While it limits the rate of calls, nobody calls it for `paused_s`; `window` is the number of calls that it is
    known to take at once, null without such a limit.
    """

    breaker: Literal["closed", "open", "half_open"]
    paused_s: float
    window: float | None


class Readiness(Strict):
    """The ability to accept jobs, the number of workers of each queue, and the providers that failed or refused lately.

    Jobs are accepted even if no provider works: `auto` then ends with the built-in parser's filter.
    """

    status: Literal["ready", "starting", "unavailable"]
    redis: bool
    workers: dict[str, int]
    providers: dict[str, ProviderState] = {}


class JobOutcome(Strict):
    """The outcome of a job, without its result."""

    job_id: str
    status: Status
    metadata: dict[str, str]
    error: Problem | None
    result_url: str


class JobEnded(Strict):
    """The body of a job's webhook."""

    type: Literal["job.succeeded", "job.failed", "job.canceled", "job.expired"]
    timestamp: Timestamp
    data: JobOutcome


class BatchOutcome(Strict):
    """The outcome of a batch, without its results."""

    batch_id: str
    request_counts: Counts
    metadata: dict[str, str]
    results_url: str


class BatchEnded(Strict):
    """The body of a batch's webhook."""

    type: Literal["batch.ended"]
    timestamp: Timestamp
    data: BatchOutcome
