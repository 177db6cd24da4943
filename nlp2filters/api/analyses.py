"""Analyse an uploaded archive of code as a job of the kind `analysis`, and read its report."""

import asyncio
from typing import Any

import orjson
from starlette.responses import Response

from nlp2filters import __version__
from nlp2filters.analysis.findings import Finding
from nlp2filters.analysis.sarif import to_sarif
from nlp2filters.api import jobs, kinds, lookup, uploads
from nlp2filters.api.analysis_requests import BODY, read_upload
from nlp2filters.api.query import MAX_PAGE_SIZE, PAGE_SIZE, decode_page_token, encode_page_token, int_param
from nlp2filters.api.responses import JSON
from nlp2filters.api.routes import Call, Operation
from nlp2filters.api.uploads import query_param, submit
from nlp2filters.core import schemas
from nlp2filters.core.analyses import TASKS
from nlp2filters.core.kinds import ANALYSES_PATH
from nlp2filters.errors import NoReport

SARIF = "application/sarif+json"


async def analyze(call: Call) -> Response:
    """Analyse the code in an archive of up to 32 MiB: tar, tar.gz, tar.bz2, tar.xz, zip or wheel.

    Send the archive as the body with the options in the query, or in a form as `archive` with the options as further
    fields, of which lists may be repeated, or send the `files` themselves in a JSON body, with the options beside them.

    The job's result has a summary, the definitions that others build on most, the gravest findings and the places that
    answer the question; `GET /v1/jobs/{job_id}/report` has everything. Unpacked, the archive may have 200 MiB and
    20,000 files. `budget.chunks` limits what is read by meaning: the least used files are left out
    first, and `coverage` tells how much. What was embedded for you before is not embedded again while its vectors are
    kept.
    """
    async with read_upload(call) as upload:
        return await submit(call, upload)


async def show_report(call: Call, job_id: str) -> Response:
    """Return the whole report of an analysis: files, map, imports, clusters, duplicates, findings and answers."""
    return Response(await _content(call, job_id), media_type="application/json")


async def list_findings(call: Call, job_id: str) -> Response:
    """List the findings of an analysis, the gravest first.

    Pass `next_page_token` on as `page_token` until it is null.
    """
    size = int_param(call.query, "page_size", default=PAGE_SIZE, maximum=MAX_PAGE_SIZE, minimum=1)
    start, _ = decode_page_token(call.query) or (0, "")
    findings = await _findings(call, job_id)
    following = (start + size, job_id) if start + size < len(findings) else None
    return JSON({"findings": findings[start : start + size], "next_page_token": encode_page_token(following)})


async def show_sarif(call: Call, job_id: str) -> Response:
    """Return the findings of an analysis as SARIF 2.1.0, which editors and code hosts read."""
    findings = [Finding.from_json(entry) for entry in await _findings(call, job_id)]
    return Response(orjson.dumps(to_sarif(findings, __version__)), media_type=SARIF)


async def _findings(call: Call, job_id: str) -> list[dict[str, Any]]:
    report = await asyncio.to_thread(orjson.loads, await _content(call, job_id))
    findings: list[dict[str, Any]] = report["findings"]
    return findings


async def _content(call: Call, job_id: str) -> bytes:
    """Read a job's report.

    Raises:
        JobNotFound, ResultNotReady: there is no such job, or it has not succeeded (yet).
        NoReport: the job is no analysis.
        BlobGone: the report is no longer kept.
    """
    owner = call.caller.owner
    _, fields = await lookup.succeeded_job(call.services.store, owner, job_id, "result")
    if "report" not in fields["result"]:
        raise NoReport(job_id)
    chunks = call.services.blobs.read(owner, fields["result"]["report"]["sha256"])
    return b"".join([chunk async for chunk in chunks])


_GLOBS: dict[str, Any] = {"type": "array", "items": {"type": "string"}, "maxItems": 50}
_PARAMS = (
    query_param("question", "What to look for, in plain language."),
    query_param("include", "Only files that one of these patterns matches, in the form of `.gitignore`.", _GLOBS),
    query_param("exclude", "No file that one of these patterns matches.", _GLOBS),
    query_param(
        "tasks",
        "What the report has besides files, clusters and answers; everything by default.",
        {"type": "array", "items": {"enum": list(TASKS)}, "minItems": 1},
    ),
    query_param("gitignore", "`false`: `.gitignore` files do not hold.", {"type": "boolean", "default": True}),
    query_param("strategy", "Which part of the service reads the code.", {"enum": ["auto", "builtin", "llm"]}),
    query_param(
        "budget",
        'A JSON object, such as `{"chunks": 2000, "llm_calls": 200, "tokens": 1000000}`.',
        {"type": "string", "contentMediaType": "application/json"},
    ),
    *uploads.PARAMS,
)
_PAGE = (
    query_param(
        "page_size", "The maximum number of findings on a page, at most 200.", {"type": "integer", "minimum": 1}
    ),
    query_param("page_token", "The `next_page_token` of the previous page.", {"type": "string"}),
)
_PROBLEMS = ("job-not-found", "not-found", "job-not-finished", "job-failed", "result-expired", "store-unavailable")

operations = [
    Operation(
        "POST",
        ANALYSES_PATH,
        analyze,
        "jobs:write",
        {202: schemas.Job, 200: kinds.FINISHED},
        body=BODY,
        params=_PARAMS,
        problems=("outcome-unknown", *jobs.KEY_PROBLEMS, *jobs.LIMIT_PROBLEMS),
        headers=jobs.CREATED_HEADERS,
    ),
    Operation(
        "GET", "/v1/jobs/{job_id}/report", show_report, "jobs:read", {200: schemas.AnalysisReport}, problems=_PROBLEMS
    ),
    Operation(
        "GET",
        "/v1/jobs/{job_id}/findings",
        list_findings,
        "jobs:read",
        {200: schemas.FindingPage},
        params=_PAGE,
        problems=_PROBLEMS,
    ),
    Operation("GET", "/v1/jobs/{job_id}/sarif", show_sarif, "jobs:read", {200: SARIF}, problems=_PROBLEMS),
]
