"""What a submission goes on from: the earlier job is read once, when it is refined."""

from starlette.requests import Request

from nlp2filters.api import lookup
from nlp2filters.api.submission import Submission
from nlp2filters.core import checks, interpretation
from nlp2filters.core.catalog import Catalog
from nlp2filters.core.refining import Earlier, too_large
from nlp2filters.errors import Fault, InvalidFilter, InvalidRequest

INHERITED = ("dialects", "strategy", "locale", "timezone", "now", "scope")  # unless others are given


async def complete(request: Request, asked: Submission, job_id: str) -> tuple[Submission, Earlier]:
    """The submission, completed by what the job that it refines was asked; and what that job came to.

    The latter is kept with the new job, which needs the earlier one no longer.

    Raises:
        JobNotFound, JobGone, ResultNotReady: of the earlier job.
        InvalidRequest: it has no filter, or the submission is about another catalog.
    """
    job, found = await lookup.finished(request, job_id, "request", "draft", "reading")
    if job.kind != asked.kind or "draft" not in found:
        raise InvalidRequest([Fault("/refines", f"Job {job_id} has no filter that could be refined.")])
    before = found["request"]
    if asked.catalog not in (None, before["catalog"]):
        detail = "A text that refines a job searches the catalog of that job. Leave `catalog` out."
        raise InvalidRequest([Fault("/catalog", detail)])
    inherited = {name: before[name] for name in INHERITED if name not in asked.model_fields_set}
    reading = interpretation.from_json(found.get("reading", found["draft"]))
    first = before.get("earlier")
    return (
        asked.model_copy(update={**inherited, "catalog": before["catalog"]}),
        Earlier.of(job_id, before["text"], reading, Earlier.from_json(first) if first else None),
    )


def check(earlier: Earlier, catalog: Catalog) -> None:
    """Refuse to refine what the catalog, as it is now, does not have, or what has grown too large.

    Raises:
        InvalidRequest: with the pointer `/refines`.
    """
    reading = earlier.reading
    if too_large(reading):
        detail = "That job's filter has grown too large to be refined. Ask anew, without `refines`."
        raise InvalidRequest([Fault("/refines", detail)])
    try:
        if reading.filter:
            checks.check(reading.filter, catalog)
        checks.check_sort(reading.sort, catalog)
    except InvalidFilter as exc:
        detail = f"The catalog has changed since that job: {exc.faults[0].detail} Ask anew, without `refines`."
        raise InvalidRequest([Fault("/refines", detail)]) from exc
