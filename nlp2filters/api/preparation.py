"""Check submissions, and turn each into a job and its request."""

import asyncio
import uuid
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

import orjson
from starlette.datastructures import Headers

from nlp2filters import demo
from nlp2filters.api import on_demand, refinement
from nlp2filters.api.refinement import RefinedJob
from nlp2filters.api.services import Services
from nlp2filters.clock import now_ms
from nlp2filters.core import catalog as catalogs
from nlp2filters.core import dialects, jobs
from nlp2filters.core.catalog import Catalog
from nlp2filters.core.compilation import check_scopes, read_filter
from nlp2filters.core.cql2 import text
from nlp2filters.core.jobs import Job
from nlp2filters.core.requests import JobRequest, Submission, parse_catalog
from nlp2filters.errors import CatalogNotFound, InvalidCatalog, InvalidFilter, InvalidRequest, Violation, WebhookRefused
from nlp2filters.settings import Settings
from nlp2filters.storage import request_parts
from nlp2filters.storage.api_keys import Caller
from nlp2filters.storage.request_parts import Part

Member = tuple[Job, request_parts.Request]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class CatalogRef:
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
    """The preparation of one request's submissions. Anything they share is loaded, parsed and checked only once.

    `headers` are those of the request: they name our own hosts, which no webhook may call.
    """

    def __init__(self, services: Services, caller: Caller, headers: Headers) -> None:
        self._services, self._settings = services, services.settings
        self._owner, self._key_id = caller.owner, caller.key_id
        self._headers = headers
        self._shared: dict[tuple[object, ...], asyncio.Future[Any]] = {}

    async def prepare(self, submission: Submission, **about: Any) -> Member:
        """Check a submission, and create the owner's job and its request; `about` is passed on to `jobs.create`.

        Raises:
            InvalidRequest, InvalidCatalog, InvalidFilter, CatalogNotFound: the submission has faults.
            JobNotFound, JobGone, ResultNotReady, PartGone: the job to refine is not available.
        """
        refined = await self.refined(submission.refines) if submission.refines else None
        if refined:
            submission = refined.complete(submission)
        catalog = await self._catalog(refined.catalog if refined else submission.catalog)
        scope = _scope_part(submission.scope)
        if refined:
            await self._run_once(("refined", submission.refines, catalog.id), refined.check, catalog.catalog)
        if faults := dialects.mapping_faults(submission.mappings, catalog.catalog):
            raise InvalidRequest(faults).prefixed("/mappings")
        if scope or catalog.catalog.scope:
            forms = orjson.dumps([submission.dialects, submission.unknown, submission.model_dump()["mappings"]])
            key = ("scope", scope and scope.digest, catalog.id, forms)
            await self._run_once(key, _check_scopes, submission, catalog.catalog)
        check_strategy(self._settings, submission.strategy)
        providers = [llm.provider for llm in self._settings.llms]
        if submission.provider is not None and submission.provider not in providers:
            detail = f"This service has {', '.join(providers) or 'no LLM'}. Name one of its providers, or none."
            raise InvalidRequest([Violation("/provider", detail)])
        if submission.webhook:
            await check_webhook(self._settings, self._headers, submission.webhook.url)
        body, parts = _request_content(submission, catalog, scope, refined)
        if self._key_id:
            body["api_key"] = self._key_id
        job = self._job(submission, catalog.name, about)
        return job, request_parts.compose(body, parts, (catalog.key,) if catalog.key else ())

    def _job(self, submission: Submission, catalog: str | None, about: dict[str, Any]) -> Job:
        quick = submission.strategy == "builtin" or not self._settings.llms
        about = {"catalog": catalog, "quick": quick, "refines": submission.refines, **about}
        return new_job(self._settings, self._owner, submission, **about)

    async def refined(self, job_id: str) -> RefinedJob:
        """Load the job to refine; raises as `refinement.load` does."""
        return await self._share(
            ("refines", job_id), lambda: refinement.load(self._services.store, self._owner, job_id)
        )

    async def catalog(self, source: str | dict[str, Any] | Part) -> Catalog:
        """Load the catalog of that name, or parse a complete one.

        Raises:
            InvalidCatalog, CatalogNotFound: there is none, or it has faults.
        """
        return (await self._catalog(source)).catalog

    async def _catalog(self, source: str | dict[str, Any] | Part | None) -> CatalogRef:
        assert source is not None
        if isinstance(source, str) and source in demo.NAMES:
            return CatalogRef(demo.catalog(source), source)
        if isinstance(source, str):
            return await self._share(("catalog", source), lambda: self._catalog_by_name(source))
        part = source if isinstance(source, Part) else Part.of(source)
        return await self._run_once(("catalog", part.digest), _inline_catalog, part)

    async def _catalog_by_name(self, name: str) -> CatalogRef:
        try:
            stored = await self._services.catalogs.get(self._owner, name)
        except CatalogNotFound as exc:
            raise CatalogNotFound(name, demo.NAMES) from exc
        catalog = await asyncio.to_thread(lambda: catalogs.parse(orjson.loads(stored.content)))
        return CatalogRef(catalog, name, digest=stored.digest, key=stored.key)

    async def _run_once(self, key: tuple[object, ...], work: Callable[..., T], *args: Any) -> T:
        """Return the result or error of `work(*args)`, which runs once for each key, in a thread as it may be slow."""
        return await self._share(key, lambda: asyncio.to_thread(work, *args))

    async def _share(self, key: tuple[object, ...], load: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Return the result or error of `load()`, which is called once for each key."""
        if key not in self._shared:
            self._shared[key] = asyncio.ensure_future(load())
        value: T = await self._shared[key]
        return value


async def clone_request(services: Services, job: Job, request: dict[str, Any]) -> Member:
    """Create a new job with the request of an earlier one.

    Raises:
        PartGone, BlobGone: a part of the earlier request is no longer kept.
    """
    store = services.store
    contents = await request_parts.load(store.redis, store.keys, job.owner, request)
    if digest := request.get("blob"):
        await services.blobs.renew(job.owner, digest)
    webhook = request.get("webhook")
    clone = jobs.create(
        new_id("job"),
        job.kind,
        job.owner,
        now_ms(),
        deadline_s=request.get("deadline_seconds") or services.settings.deadline_s,
        catalog=job.catalog,
        metadata=job.metadata,
        notify=tuple(webhook["events"]) if webhook else (),
        webhook=webhook["url"] if webhook else None,
        quick=job.quick,
        retry_of=job.id,
        refines=job.refines,
    )
    digest = request.get("catalog_digest")
    catalog_keys = (store.keys.catalog(job.owner, request["catalog"], digest),) if digest else ()
    return clone, request_parts.detach(request, contents, catalog_keys)


def new_job(settings: Settings, owner: str, request: JobRequest | Submission, **about: Any) -> Job:
    """Create the owner's job for a checked request of any kind; `about` is passed on to `jobs.create`."""
    webhook = request.webhook
    return jobs.create(
        new_id("job"),
        request.kind,
        owner,
        now_ms(),
        deadline_s=request.deadline_seconds or settings.deadline_s,
        metadata=request.metadata,
        notify=tuple(webhook.events) if webhook else (),
        webhook=webhook.url if webhook else None,
        **about,
    )


def stored_request(request: JobRequest, api_key: str | None = None) -> request_parts.Request:
    """Return what a job stores of a request without parts. `metadata` is in the job itself.

    `api_key` is the id of the key to which calls of an LLM are counted.
    """
    body = request.model_dump(mode="json", exclude={"metadata"}) | ({"api_key": api_key} if api_key else {})
    return request_parts.Request(orjson.dumps(body))


def new_id(subject_type: str) -> str:
    """Create an id with 122 random bits."""
    return f"{subject_type}_{uuid.uuid4().hex}"


def check_strategy(settings: Settings, strategy: str) -> None:
    """Refuse a request that must be answered by an LLM where there is none.

    Raises:
        InvalidRequest: the pointer is `/strategy`.
    """
    if strategy == "llm" and not settings.llms:
        detail = "This service has no LLM. Use the strategy `auto`, or ask the operator to set LLM_MODEL."
        raise InvalidRequest([Violation("/strategy", detail)])


async def check_webhook(settings: Settings, headers: Headers, url: str, *, signed: bool = True) -> None:
    """Refuse a URL that must not be called; the addresses behind its hostname are checked at every attempt.

    The hosts named by `Host` and `X-Forwarded-Host` are ours, as the request arrived through them, so a webhook must
    not call them. A client that forges these headers gains no more than by using another name of our host.

    Raises:
        InvalidRequest: the pointer is `/webhook` or `/webhook/url`.
    """
    if signed and not settings.webhook_secrets:
        detail = "This service sends no webhooks: the operator has not set WEBHOOK_SECRET."
        raise InvalidRequest([Violation("/webhook", detail)])
    own_hosts = [*settings.own_hosts, headers.get("host", ""), headers.get("x-forwarded-host", "")]
    try:
        await asyncio.to_thread(
            on_demand.check_webhook_url, url, allow_private=settings.webhook_allow_private, own_hosts=own_hosts
        )
    except WebhookRefused as exc:
        raise InvalidRequest([Violation("/webhook/url", str(exc))]) from exc


def _inline_catalog(part: Part) -> CatalogRef:
    try:
        catalog = parse_catalog(orjson.loads(part.content))
    except InvalidCatalog as exc:
        raise exc.prefixed("/catalog") from exc
    return CatalogRef(catalog, None, part)


def _scope_part(scope: dict[str, Any] | str | None) -> Part | None:
    """Return a scope as CQL2-JSON, in which jobs store it."""
    try:
        data = text.parse(scope) if isinstance(scope, str) else scope
    except InvalidFilter as exc:
        raise exc.prefixed("/scope") from exc
    return None if data is None else Part.of(data)


def _check_scopes(submission: Submission, catalog: Catalog) -> None:
    """Check the caller's scope, and that every dialect expresses it and the catalog's own without a loss."""
    options = dialects.Options(unknown=submission.unknown, mappings=submission.mappings)
    callers = read_filter(submission.scope, catalog, "/scope") if submission.scope is not None else None
    check_scopes(callers, catalog, submission.dialects, options)


def _request_content(
    submission: Submission, catalog: CatalogRef, scope: Part | None, refined: RefinedJob | None
) -> tuple[dict[str, Any], dict[str, Part]]:
    """Return the body of the job's request, and its parts by name. `metadata` is in the job itself."""
    body = submission.model_dump(mode="json", exclude={"catalog", "scope", "metadata"})
    body |= {"catalog": catalog.name, "scope": None}
    if catalog.digest:
        body["catalog_digest"] = catalog.digest
    parts = {"catalog": catalog.part, "scope": scope, "earlier": refined and refined.part}
    return body, {name: part for name, part in parts.items() if part}
