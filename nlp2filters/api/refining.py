"""Load the job that a submission refines, once for all submissions of a request that refine it."""

from dataclasses import dataclass
from typing import Any

import orjson
from starlette.requests import Request

from nlp2filters.api import lookup
from nlp2filters.api.state import state
from nlp2filters.api.submission import Submission
from nlp2filters.core import checks, interpretation
from nlp2filters.core.catalog import Catalog
from nlp2filters.core.conversation import Conversation
from nlp2filters.core.refinement import too_large
from nlp2filters.errors import Fault, InvalidFilter, InvalidRequest
from nlp2filters.storage import request_parts
from nlp2filters.storage.request_parts import Part

# A submission takes these from the earlier job unless it gives its own.
INHERITED = ("dialects", "strategy", "locale", "timezone", "now", "scope")
MAX_EARLIER_BYTES = 64_000


@dataclass(frozen=True, slots=True)
class Refined:
    """A job to refine: its kind, request and reading. Its catalog is a name, or the content of an inline one.

    `part` is the reading in the form that the new job stores, so that the earlier job is no longer needed.
    """

    kind: str
    request: dict[str, Any]
    catalog: str | Part
    earlier: Conversation
    part: Part

    def complete(self, asked: Submission) -> Submission:
        """Fill in what the submission leaves out from the request of the earlier job, except the catalog.

        Raises:
            InvalidRequest: the submission has another kind, or another catalog.
        """
        if asked.kind != self.kind:
            raise InvalidRequest([Fault("/refines", f"Job {asked.refines} has no filter that could be refined.")])
        if not self._is_about(asked.catalog):
            detail = "A text that refines a job searches the catalog of that job. Leave `catalog` out."
            raise InvalidRequest([Fault("/catalog", detail)])
        return asked.model_copy(
            update={name: self.request[name] for name in INHERITED if name not in asked.model_fields_set}
        )

    def check(self, catalog: Catalog) -> None:
        """Refuse to refine a filter that does not fit the current catalog, or that has grown too large.

        Raises:
            InvalidRequest: the pointer is `/refines`.
        """
        reading = self.earlier.reading
        if too_large(reading) or len(self.part.content) > MAX_EARLIER_BYTES:
            detail = "That job's filter has grown too large to be refined. Ask anew, without `refines`."
            raise InvalidRequest([Fault("/refines", detail)])
        try:
            if reading.filter:
                checks.check(reading.filter, catalog)
            checks.check_sort(reading.sort, catalog)
        except InvalidFilter as exc:
            detail = f"The catalog has changed since that job: {exc.faults[0].detail} Ask anew, without `refines`."
            raise InvalidRequest([Fault("/refines", detail)]) from exc

    def _is_about(self, catalog: str | dict[str, Any] | None) -> bool:
        match catalog, self.catalog:
            case None, _:
                return True
            case dict(), Part(content=content):
                return bool(catalog == orjson.loads(content))
        return catalog == self.catalog


async def load(request: Request, job_id: str) -> Refined:
    """Load the job to refine.

    Raises:
        JobNotFound, JobGone, ResultNotReady, PartGone: there is nothing to refine.
        InvalidRequest: the job has no filter.
    """
    job, found = await lookup.finished(request, job_id, "request", "draft", "reading")
    if "draft" not in found:
        raise InvalidRequest([Fault("/refines", f"Job {job_id} has no filter that could be refined.")])
    store, before = state(request).store, found["request"]
    contents = await request_parts.load(store.redis, store.keys, job.owner, before)
    before = {**before, **{name: orjson.loads(contents[name]) for name in ("scope", "earlier") if name in contents}}
    earlier = Conversation.of(
        job_id,
        before["text"],
        interpretation.from_json(found.get("reading", found["draft"])),
        Conversation.from_json(before["earlier"]) if before.get("earlier") else None,
    )
    if "catalog" in contents:
        catalog: str | Part = Part(contents["catalog"], before["parts"]["catalog"])
    else:
        catalog = before["catalog"] if isinstance(before["catalog"], str) else Part.of(before["catalog"])
    return Refined(job.kind, before, catalog, earlier, Part.of(earlier.to_json()))
