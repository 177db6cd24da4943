"""The calls for analyses of code."""

import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any, Literal, TypedDict, Unpack

from nlp2filters.client import forms, jobs
from nlp2filters.client.forms import FileInput
from nlp2filters.client.jobs import AsyncJobs
from nlp2filters.client.options import Webhook
from nlp2filters.client.requests import Call, Deadline, Requester
from nlp2filters.client.resource import id_of, idempotency_headers
from nlp2filters.client.responses import JSONDocument
from nlp2filters.core import schemas
from nlp2filters.core.kinds import ANALYSES_PATH
from nlp2filters.core.schemas import Analysis, AnalysisReport, CodeAnswer, CodeFinding, Job


class AnalysisBudget(TypedDict, total=False):
    """The limits of what is read by meaning, in pieces of code, and of what an LLM is asked."""

    chunks: int
    llm_calls: int
    tokens: int


class AnalysisOptions(TypedDict, total=False):
    """The options of an analysis, as described in docs/analysis.md.

    `question` is what to look for; `include` and `exclude` are patterns in the form of `.gitignore`, whose files do not
    hold with `gitignore=False`.
    """

    question: str
    include: Sequence[str]
    exclude: Sequence[str]
    gitignore: bool
    tasks: Sequence[Literal["map", "search", "duplicates", "summary", "review"]]
    strategy: Literal["auto", "builtin", "llm"]
    budget: AnalysisBudget
    webhook: Webhook
    metadata: Mapping[str, str]
    deadline_seconds: int


class AsyncAnalyses:
    """The calls for analyses: `client.analyses`."""

    def __init__(self, requester: Requester) -> None:
        self._requester = requester

    async def submit(
        self,
        archive: FileInput | None = None,
        *,
        files: Mapping[str, str] | None = None,
        idempotency_key: str | None = None,
        **more: Unpack[AnalysisOptions],
    ) -> Job:
        """Submit code: an archive of up to 32 MiB (its content, its path, or an open binary file) or `files`.

        `files` are texts by their paths.
        """
        if (archive is None) == (files is None):
            raise ValueError("Give either an archive or files.")
        if files is not None:
            body, headers = {"files": dict(files), **more}, idempotency_headers(idempotency_key)
            return await self._requester.read(Job, Call("POST", ANALYSES_PATH, body, headers))
        assert archive is not None
        fields = {name: _field(value) for name, value in more.items()}
        call = forms.upload(ANALYSES_PATH, "archive", archive, fields, idempotency_key)
        return await self._requester.read(Job, call)

    async def wait(self, job: Job | str, *, timeout_s: float | None = None) -> Analysis:
        """Wait for an analysis to end, and return its essence.

        Raises:
            JobFailed: the job failed, was canceled or expired.
            WaitTimeout: it takes longer than `timeout_s`.
        """
        deadline = Deadline(f"Job {id_of(job)}", timeout_s)
        analysis: Analysis = await jobs.any_outcome(AsyncJobs(self._requester), id_of(job), deadline)
        return analysis

    async def report(self, job: Job | str) -> AnalysisReport:
        """Get the whole report of an analysis that has succeeded; any other job raises `Conflict`."""
        return await self._requester.read(AnalysisReport, Call("GET", f"{_path(job)}/report"))

    async def findings(self, job: Job | str, *, page_size: int = 50) -> AsyncGenerator[CodeFinding]:
        """List the findings, the gravest first, over as many pages as there are."""
        params = {"page_size": str(page_size)}
        while True:
            page = await self._requester.read(schemas.FindingPage, Call("GET", f"{_path(job)}/findings", params=params))
            for finding in page.findings:
                yield finding
            if page.next_page_token is None:
                return
            params["page_token"] = page.next_page_token

    async def search(self, job: Job | str, question: str, *, count: int = 10) -> list[CodeAnswer]:
        """Find the places that answer a question, or have the words of it, the best first."""
        call = Call("GET", f"{_path(job)}/search", params={"q": question, "k": str(count)})
        return (await self._requester.read(schemas.CodeSearch, call)).results

    async def sarif(self, job: Job | str) -> dict[str, Any]:
        """Get the findings as a SARIF 2.1.0 log."""
        log: dict[str, Any] = (await self._requester.read(JSONDocument, Call("GET", f"{_path(job)}/sarif"))).root
        return log


def _path(job: Job | str) -> str:
    return f"{jobs.PATH}/{id_of(job)}"


def _field(value: Any) -> str | Sequence[str]:
    """Return an option as the fields of a form have it: lists are repeated, and what is no string is JSON."""
    return value if isinstance(value, str | list | tuple) else json.dumps(value)
