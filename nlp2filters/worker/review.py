"""The second stage of the kind `analysis`: an LLM reviews the code in parts, and then sees the whole.

split    group the code, the files with the highest rank first, as far as the budget may have room
review   ask about one group; findings without a true quote are refused
join     merge the findings, let the LLM summarize the whole and answer the question, and complete the report
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import orjson

from nlp2filters.analysis import overview, reviewing
from nlp2filters.analysis.excerpts import Excerpt, count_chunks
from nlp2filters.analysis.findings import Finding, distinct
from nlp2filters.analysis.overview import Material, Overview, Place
from nlp2filters.analysis.reviewing import Review
from nlp2filters.core.parts import Part
from nlp2filters.core.problems import problem
from nlp2filters.errors import BlobGone, BudgetSpent, ProviderError, ProviderUnavailable, UploadRefused
from nlp2filters.llm import Provider
from nlp2filters.storage.call_budgets import CallBudget
from nlp2filters.storage.commits import EventDraft
from nlp2filters.worker.analysis import essence, finding_event, store_json
from nlp2filters.worker.attempt import Attempt, StageResult, checkpoint
from nlp2filters.worker.budgeted_calls import BudgetedCalls, GivenUp
from nlp2filters.worker.metering import Meter
from nlp2filters.worker.parts import Outcomes, PartAttempt, PartWork
from nlp2filters.worker.record_fields import EXCERPTS, OVERVIEW

if TYPE_CHECKING:  # Workers of other queues use a part of this module only.
    from nlp2filters.worker.llm_services import LLMServices

# What of a budget is put aside for the overview: one call, and so many tokens, or this share if there are few.
OVERVIEW_TOKENS, OVERVIEW_SHARE = 20_000, 4
BUDGET_SPENT = problem("budget-spent", "")["type"]

_log = logging.getLogger(__name__)


@dataclass
class _Merged:
    """The outcomes of all parts together. `error` is the first problem other than that the budget was spent."""

    findings: list[Finding] = field(default_factory=list)
    summaries: list[str] = field(default_factory=list)
    analyzed: int = 0
    failed: int = 0
    error: str | None = None


async def split(attempt: Attempt["LLMServices"]) -> Sequence[Part]:
    """Divide the code into questions. One that was answered for the owner before is not asked again."""
    provider, tasks = attempt.worker.services.provider, _part_tasks(attempt.request)
    if not provider or not tasks or EXCERPTS not in attempt.fields:
        return []
    groups = await _load(attempt, attempt.fields[EXCERPTS]["sha256"])
    return [_part(group, tasks, provider) for group in groups[: _parts_budget(attempt.request).calls]]


async def review(attempt: PartAttempt["LLMServices"]) -> bytes:
    """Ask about a group of excerpts.

    Raises:
        PutOff, ProviderError: as for `BudgetedCalls.read`.
    """
    provider, tasks = attempt.worker.services.provider, _part_tasks(attempt.request)
    if not provider:
        raise ProviderUnavailable("No LLM is configured for this worker.")
    group = [Excerpt.from_json(excerpt) for excerpt in attempt.part.payload]
    answer = await BudgetedCalls(attempt, provider, _parts_budget(attempt.request)).read(
        reviewing.messages(group, tasks), reviewing.schema(tasks), partial(reviewing.read, group=group, tasks=tasks)
    )
    if answer.content.refused:
        _log.info("findings without a true quote are refused", extra={"refused": answer.content.refused})
    return orjson.dumps(answer.content.by(answer.model).to_json())


async def join(attempt: Attempt["LLMServices"], outcomes: Outcomes) -> StageResult:
    """Complete the report by what the LLM has found.

    Raises:
        ProviderError: it gave nothing, and the strategy is `llm`; or the overview is to be asked for again.
    """
    result, merged = attempt.fields["result"], await _merged(outcomes)
    material = Material(
        result["summary"],
        merged.summaries,
        attempt.request.get("question"),
        [Place.of(answer) for answer in result["answers"]],
    )
    whole, error = Overview(None, None), merged.error if not merged.analyzed else None
    if tasks := _overview_tasks(attempt.request, material):
        try:
            whole = await _overview(attempt, material, tasks)
        except BudgetSpent as exc:
            _log.info("the budget has no room for an overview: %s", exc)
        except ProviderError as exc:
            if exc.retryable and attempt.job.counted_attempts < attempt.worker.max_attempts:
                raise
            _log.warning("the LLM gave no overview: %r", exc)
            error = error or exc.public
    if error and not merged.analyzed and whole == Overview(None, None) and attempt.request.get("strategy") == "llm":
        raise GivenUp
    return StageResult({"result": await _completed(attempt, merged, whole, error)})


def events(part: Part, content: bytes) -> list[EventDraft]:
    """Tell the findings of a part."""
    return [finding_event(finding) for finding in orjson.loads(content)["findings"]]


def _part(group: Any, tasks: Sequence[str], provider: Provider) -> Part:
    """Return the part for a group of excerpts, which are JSON data."""
    question = ("review", reviewing.VERSION, provider.name, provider.model, *tasks)
    return Part.of(*question, orjson.dumps(group), payload=group)


def _part_tasks(request: Mapping[str, Any]) -> list[str]:
    return [task for task in ("summary", "review") if task in request["tasks"]]


def _overview_tasks(request: Mapping[str, Any], material: Material) -> list[str]:
    """Return what the LLM is asked about the whole, as far as there is something that it can be told from."""
    summary = ["summary"] if "summary" in request["tasks"] and material.parts else []
    return [*summary, *(["question"] if material.question and material.places else [])]


def _budget(request: Mapping[str, Any]) -> CallBudget:
    return CallBudget(request["budget"]["llm_calls"], request["budget"]["tokens"])


def _parts_budget(request: Mapping[str, Any]) -> CallBudget:
    """Return the budget of the parts, which leaves room for the overview."""
    budget = _budget(request)
    if "summary" not in request["tasks"] and not request.get("question"):
        return budget
    return budget.without(1, min(OVERVIEW_TOKENS, budget.tokens // OVERVIEW_SHARE))


async def _merged(outcomes: Outcomes) -> _Merged:
    merged = _Merged()
    async for outcome in outcomes:
        group = [Excerpt.from_json(excerpt) for excerpt in outcome.part.payload]
        if outcome.content is not None:
            one = Review.from_json(orjson.loads(outcome.content))
            merged.findings += one.findings
            if one.summary:
                merged.summaries.append(f"{', '.join(dict.fromkeys(one.path for one in group))}: {one.summary}")
            merged.analyzed += count_chunks(group)
        elif outcome.error and outcome.error["type"] != BUDGET_SPENT:
            merged.failed += count_chunks(group)
            merged.error = merged.error or outcome.error["detail"]
    return merged


async def _overview(attempt: Attempt["LLMServices"], material: Material, tasks: Sequence[str]) -> Overview:
    """Let the LLM summarize the whole, and answer the question."""
    if stored := attempt.fields.get(OVERVIEW):
        return Overview(**stored)
    provider = attempt.worker.services.provider
    if not provider:
        raise GivenUp
    if attempt.is_last_of_several:  # So a job that kills its workers, or fails for any other reason, gets its report.
        raise GivenUp
    attempt.progress.report("asking", f"Asking {provider.model} about the whole")
    answer = await BudgetedCalls(attempt, provider, _budget(attempt.request)).read(
        overview.messages(material, tasks),
        overview.schema(tasks),
        partial(overview.read, material=material, tasks=tasks),
    )
    await checkpoint(attempt, OVERVIEW, asdict(answer.content))
    return answer.content


async def _completed(
    attempt: Attempt["LLMServices"], merged: _Merged, whole: Overview, error: str | None
) -> dict[str, Any]:
    """Store the complete report. Returns the result, which has its essence."""
    services, result = attempt.worker.services, attempt.fields["result"]
    coverage = result["coverage"]
    if _part_tasks(attempt.request):
        over_budget = coverage["chunks"] - merged.analyzed - merged.failed
        counts = {"analyzed": merged.analyzed, "failed": merged.failed, "over_budget": over_budget}
        coverage = {**coverage, "review": {"chunks": coverage["chunks"], **counts}}
    llm = {
        "answer": whole.answer,
        "degraded": error is not None,
        "degraded_reason": error,
        "usage": await Meter(attempt, services.prices).total(),
    }
    if not services.blobs:  # This worker has no LLM.
        return {**result, "coverage": coverage, **llm}
    report = await _load(attempt, result["report"]["sha256"])
    report |= {"summary": whole.summary or report["summary"], "answer": whole.answer, "coverage": coverage}
    findings = [*(Finding.from_json(entry) for entry in report["findings"]), *merged.findings]
    report["findings"] = [finding.to_json() for finding in distinct(findings)]
    return {**essence(report), "report": await store_json(services.blobs, attempt.job, report), **llm}


async def _load(attempt: Attempt["LLMServices"], digest: str) -> Any:
    """Load JSON data that the stage before has stored.

    Raises:
        UploadRefused: it is no longer stored.
    """
    blobs = attempt.worker.services.blobs
    assert blobs, "a worker with an LLM has them"
    try:
        content = b"".join([chunk async for chunk in blobs.read(attempt.job.owner, digest)])
    except BlobGone as exc:
        raise UploadRefused(problem("result-expired", str(exc))) from exc
    return await asyncio.to_thread(orjson.loads, content)


WORK = PartWork(split, review, join, events, partial=True)
