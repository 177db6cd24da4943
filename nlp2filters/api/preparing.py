"""Check submissions, and turn each into a job and its request."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

import orjson
from starlette.requests import Request

from nlp2filters import demo
from nlp2filters.api import admission, refining
from nlp2filters.api.auth import caller
from nlp2filters.api.refining import Refined
from nlp2filters.api.state import state
from nlp2filters.api.submission import Submission
from nlp2filters.clock import now_ms
from nlp2filters.core import catalog as catalogs
from nlp2filters.core import checks, filters, jobs
from nlp2filters.core.catalog import Catalog
from nlp2filters.core.jobs import Job
from nlp2filters.errors import CatalogNotFound, Fault, InvalidCatalog, InvalidFilter, InvalidRequest
from nlp2filters.storage import request_parts
from nlp2filters.storage.request_parts import Part

Member = tuple[Job, request_parts.Request]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Chosen:
    """The catalog of a submission, and its representation in the job's request.

    For an inline catalog, `part` is its content. For one of the owner's catalogs, `digest` and `key` are the SHA-256
    and the Redis key of its content.
    """

    catalog: Catalog
    name: str | None
    part: Part | None = None
    digest: str | None = None
    key: str | None = None

    @property
    def id(self) -> str:
        """The name or digest, unique within a request."""
        return self.part.digest if self.part else self.name or ""


class Preparation:
    """The preparation of one request's submissions. Anything they share is loaded, parsed and checked only once."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._owner = caller(request).owner
        self._shared: dict[tuple[object, ...], asyncio.Future[Any]] = {}

    async def prepare(self, asked: Submission, **about: Any) -> Member:
        """Check a submission, and create the caller's job and its request; `about` is passed on to `jobs.create`.

        Raises:
            InvalidRequest, InvalidCatalog, InvalidFilter, CatalogNotFound: the submission has faults.
            JobNotFound, JobGone, ResultNotReady, PartGone: the job to refine is not available.
        """
        refined = await self._refined(asked.refines) if asked.refines else None
        asked = refined.complete(asked) if refined else asked
        chosen = await self._chosen(refined.catalog if refined else asked.catalog)
        scope = Part.of(asked.scope) if asked.scope is not None else None
        if refined:
            await self._once(("refined", asked.refines, chosen.id), refined.check, chosen.catalog)
        if scope:
            await self._once(("scope", scope.digest, chosen.id), _check_scope, asked.scope, chosen.catalog)
        settings = state(self._request).settings
        if asked.strategy == "llm" and not settings.llm_model:
            raise InvalidRequest([Fault("/strategy", "No LLM is configured here: set LLM_MODEL, or ask for `auto`.")])
        if asked.webhook:
            admission.check_webhook(self._request, asked.webhook.url)
        job = jobs.create(
            admission.new_id("job"),
            asked.kind,
            self._owner,
            now_ms(),
            deadline_s=asked.deadline_seconds or settings.deadline_s,
            catalog=chosen.name,
            metadata=asked.metadata,
            notify=admission.notified(asked.webhook),
            webhook=asked.webhook.url if asked.webhook else None,
            quick=asked.strategy == "builtin" or not settings.llm_model,
            refines=asked.refines,
            **about,
        )
        return job, _written(asked, chosen, scope, refined)

    async def _refined(self, job_id: str) -> Refined:
        return await self._memo(("refines", job_id), lambda: refining.load(self._request, job_id))

    async def _chosen(self, given: str | dict[str, Any] | Part | None) -> Chosen:
        assert given is not None
        if isinstance(given, str):
            return await self._memo(("catalog", given), lambda: self._named(given))
        part = given if isinstance(given, Part) else Part.of(given)
        return await self._once(("catalog", part.digest), _inline, part)

    async def _named(self, name: str) -> Chosen:
        if name in demo.NAMES:
            return Chosen(demo.catalog(name), name)
        app = state(self._request)
        try:
            stored = await app.catalogs.get(self._owner, name)
        except CatalogNotFound as exc:
            raise CatalogNotFound(name, demo.NAMES) from exc
        catalog = await asyncio.to_thread(lambda: catalogs.parse(orjson.loads(stored.content)))
        return Chosen(catalog, name, digest=stored.digest, key=stored.key)

    async def _once(self, key: tuple[object, ...], work: Callable[..., T], *args: Any) -> T:
        """Return the result or error of `work(*args)`, which runs once for each key, in a thread as it may be slow."""
        return await self._memo(key, lambda: asyncio.to_thread(work, *args))

    async def _memo(self, key: tuple[object, ...], load: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Return the result or error of `load()`, which is called once for each key."""
        if key not in self._shared:
            self._shared[key] = asyncio.ensure_future(load())
        value: T = await self._shared[key]
        return value


def _inline(part: Part) -> Chosen:
    try:
        catalog = admission.read_catalog(orjson.loads(part.content))
    except InvalidCatalog as exc:
        raise exc.under("/catalog") from exc
    return Chosen(catalog, None, part)


def _check_scope(scope: dict[str, Any], catalog: Catalog) -> None:
    try:
        checks.check(filters.from_cql2(scope), catalog, trusted=True)
    except InvalidFilter as exc:
        raise exc.under("/scope") from exc


def _written(asked: Submission, chosen: Chosen, scope: Part | None, refined: Refined | None) -> request_parts.Request:
    """Compose the job's request. `metadata` is in the job itself."""
    body = asked.model_dump(mode="json", exclude={"catalog", "scope", "metadata"})
    body |= {"catalog": chosen.name, "scope": None}
    if chosen.digest:
        body["catalog_digest"] = chosen.digest
    named = {"catalog": chosen.part, "scope": scope, "earlier": refined and refined.part}
    present = {name: part for name, part in named.items() if part}
    return request_parts.compose(body, present, (chosen.key,) if chosen.key else ())
