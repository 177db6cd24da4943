"""Load the job that a submission refines, once for all submissions of a request that refine it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from nlp2filters.api import lookup
from nlp2filters.core import checks, interpretation
from nlp2filters.core.catalog import Catalog
from nlp2filters.core.conversation import Conversation
from nlp2filters.core.requests import Submission
from nlp2filters.errors import InvalidFilter, InvalidRequest, Violation
from nlp2filters.storage import request_parts
from nlp2filters.storage.request_parts import Part
from nlp2filters.storage.store import Store

# A submission takes these from the earlier job unless it gives its own.
INHERITED = {"dialects", "strategy", "locale", "timezone", "now", "scope", "unknown", "mappings"}
MAX_EARLIER_BYTES = 64_000


@dataclass(frozen=True, slots=True)
class RefinedJob:
    """A job to refine: its request and reading. Its catalog is a name, or the content of an inline one.

    `part` is the reading in the form that the new job stores, so that the earlier job is no longer needed.
    """

    request: dict[str, Any]
    catalog: str | Part
    earlier: Conversation
    part: Part

    def complete(self, submission: Submission) -> Submission:
        """Fill in what the submission leaves out from the request of the earlier job, except the catalog.

        Raises:
            InvalidRequest: the submission has another catalog.
        """
        if not self._has_catalog(submission.catalog):
            detail = "A text that refines a job searches that job's catalog. Omit `catalog`."
            raise InvalidRequest([Violation("/catalog", detail)])
        # Requests of earlier versions lack some members.
        names = (INHERITED & self.request.keys()) - submission.model_fields_set
        return submission.model_copy(update={name: self.request[name] for name in names})

    def check(self, catalog: Catalog) -> None:
        """Refuse to refine a filter that does not fit the current catalog, or that has grown too large.

        Raises:
            InvalidRequest: the pointer is `/refines`.
        """
        reading = self.earlier.reading
        if self.earlier.is_too_large or len(self.part.content) > MAX_EARLIER_BYTES:
            detail = "That job's filter is too large to be refined. Submit a complete text, without `refines`."
            raise InvalidRequest([Violation("/refines", detail)])
        try:
            if reading.filter:
                checks.check(reading.filter, catalog)
            checks.check_sort(reading.sort, catalog)
        except InvalidFilter as exc:
            detail = (
                f"The catalog has changed since that job: {exc.violations[0].detail} "
                "Submit a complete text, without `refines`."
            )
            raise InvalidRequest([Violation("/refines", detail)]) from exc

    def _has_catalog(self, catalog: str | dict[str, Any] | None) -> bool:
        match catalog, self.catalog:
            case None, _:
                return True
            case dict(), Part(content=content):
                return bool(catalog == orjson.loads(content))
        return catalog == self.catalog


async def load(store: Store, owner: str, job_id: str) -> RefinedJob:
    """Load the owner's job to refine.

    Raises:
        JobNotFound, JobGone, ResultNotReady, PartGone: there is nothing to refine.
        InvalidRequest: the job has no filter.
    """
    _, fields = await lookup.succeeded_job(store, owner, job_id, "request", "draft", "reading", "transcript")
    if "draft" not in fields:
        raise InvalidRequest([_not_refinable(job_id)])
    request = fields["request"]
    parts = await request_parts.load(store.redis, store.keys, owner, request)
    request = {**request, **{name: orjson.loads(parts[name]) for name in ("scope", "earlier") if name in parts}}
    earlier = Conversation.of(
        job_id,
        fields["transcript"]["text"] if "transcript" in fields else request["text"],
        interpretation.from_json(fields.get("reading", fields["draft"])),
        Conversation.from_json(request["earlier"]) if request.get("earlier") else None,
    )
    return RefinedJob(request, _catalog(request, parts), earlier, Part.of(earlier.to_json()))


def _catalog(request: Mapping[str, Any], parts: Mapping[str, bytes]) -> str | Part:
    if "catalog" in parts:
        return Part(parts["catalog"], request["parts"]["catalog"])
    catalog = request["catalog"]
    return catalog if isinstance(catalog, str) else Part.of(catalog)


def _not_refinable(job_id: str | None) -> Violation:
    return Violation("/refines", f"Job {job_id} has no filter to refine.")
