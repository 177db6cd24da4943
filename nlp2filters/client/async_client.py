"""The asynchronous client, and what it shares with the synchronous one."""

from typing import Any, Self, Unpack

import httpx

from nlp2filters import __version__
from nlp2filters.client import jobs, options, recordings, responses
from nlp2filters.client.analyses import AsyncAnalyses
from nlp2filters.client.batches import AsyncBatches
from nlp2filters.client.catalogs import AsyncCatalogs
from nlp2filters.client.forms import FileInput
from nlp2filters.client.jobs import AsyncJobs
from nlp2filters.client.options import (
    CatalogInput,
    CompileOptions,
    FilterInput,
    FilterOptions,
    FilterSubmissionOptions,
    Options,
)
from nlp2filters.client.owners import AsyncOwners
from nlp2filters.client.recordings import RecordingOptions
from nlp2filters.client.requests import PATIENCE_S, Call, Deadline, Requester
from nlp2filters.client.resource import idempotency_headers
from nlp2filters.client.rows import AsyncRows
from nlp2filters.client.transport import AsyncTransport, Transport
from nlp2filters.core.schemas import (
    Compiled,
    Dialects,
    DialectSummary,
    Explained,
    FinishedJob,
    Health,
    Job,
    Readiness,
    Result,
    SpokenResult,
    Transcription,
)
from nlp2filters.core.service_url import URL

# We ask the service to delay its answer no longer than this, so that no gateway times out.
MAX_WAIT_S = 20


class BaseClient:
    """The calls of a client over any transport, as coroutines.

    Every call may raise subclasses of `ClientError`. Requests are retried while the service has no capacity or cannot
    be reached, or if its answer was lost, for `patience_s` seconds in all. Requests that create a job or batch have an
    idempotency key, so that retries create only one; pass your own key to repeat a request from another process.
    """

    def __init__(self, transport: Transport, patience_s: float) -> None:
        self._requester = Requester(transport, patience_s)
        self.jobs = AsyncJobs(self._requester)
        self.batches = AsyncBatches(self._requester)
        self.catalogs = AsyncCatalogs(self._requester)
        self.analyses = AsyncAnalyses(self._requester)
        self.rows = AsyncRows(self._requester)
        self.owner = AsyncOwners(self._requester)

    async def close(self) -> None:
        """Close the connections."""
        await self._requester.close()

    async def ask(
        self, text: str, catalog: CatalogInput | None = None, *, timeout_s: float | None = None, **more: Unpack[Options]
    ) -> Result:
        """Submit a text and wait for its result: `jobs.submit`, then `jobs.wait`, usually in a single request.

        Raises:
            JobFailed: the job failed, was canceled or expired.
            WaitTimeout: the job takes longer than `timeout_s`.
        """
        deadline = Deadline("The job", timeout_s)
        wait_s = int(deadline.left_s(MAX_WAIT_S))
        headers = {**idempotency_headers(), **({"Prefer": f"wait={wait_s}"} if wait_s else {})}
        call = Call("POST", jobs.PATH, options.submission(text, catalog, more), headers)
        response = await self._requester.send(call, deadline)
        if response.status_code == 200:
            job = responses.read(FinishedJob, response.content)
            if job.result is None:
                jobs.raise_failed(job)
            return job.result
        return await jobs.outcome(self.jobs, responses.read(Job, response.content).id, deadline)

    async def transcribe(
        self, recording: FileInput, *, timeout_s: float | None = None, **more: Unpack[RecordingOptions]
    ) -> Transcription:
        """Transcribe a recording or the sound of a video, and wait for the text: a path, a file or its content.

        Raises:
            JobFailed: it is no recording, for example.
            WaitTimeout: the job takes longer than `timeout_s`.
        """
        transcription: Transcription = await self._uploaded(recordings.upload(recording, more), timeout_s)
        return transcription

    async def ask_aloud(
        self,
        recording: FileInput,
        catalog: CatalogInput,
        *,
        language: str | None = None,
        timeout_s: float | None = None,
        **more: Unpack[FilterSubmissionOptions],
    ) -> SpokenResult:
        """Turn a spoken question into a filter. The result has the `transcript`, too.

        Raises:
            JobFailed: nobody speaks in the recording, for example.
            WaitTimeout: the job takes longer than `timeout_s`.
        """
        then = {**more, "catalog": options.catalog_body(catalog)}
        call = recordings.upload(recording, {"language": language} if language else {}, then)
        result: SpokenResult = await self._uploaded(call, timeout_s)
        return result

    async def _uploaded(self, call: Call, timeout_s: float | None) -> Any:
        deadline = Deadline("The job", timeout_s)
        job = responses.read(Job, (await self._requester.send(call, deadline)).content)
        return await jobs.any_outcome(self.jobs, job.id, deadline)

    async def compile(self, cql2: FilterInput, catalog: CatalogInput, **more: Unpack[CompileOptions]) -> Compiled:
        """Compile a filter that you have, CQL2-JSON or CQL2-text, to the query languages in `dialects`."""
        body = options.filter_body(cql2, catalog, more)
        return await self._requester.read(Compiled, Call("POST", "/v1/compile", body))

    async def explain(self, cql2: FilterInput, catalog: CatalogInput, **more: Unpack[FilterOptions]) -> str:
        """Say in a sentence what a filter selects."""
        body = options.filter_body(cql2, catalog, more)
        return (await self._requester.read(Explained, Call("POST", "/v1/explain", body))).explanation

    async def dialects(self) -> list[DialectSummary]:
        """List the query languages that a filter can be compiled to."""
        return (await self._requester.read(Dialects, Call("GET", "/v1/dialects"))).dialects

    async def health(self) -> Health:
        """Check that the service is alive, and get its version."""
        return await self._requester.read(Health, Call("GET", "/healthz"))

    async def readiness(self, *, workers: bool = False) -> Readiness:
        """Check that the service accepts jobs, and with `workers` also that every queue has a worker."""
        params = {"workers": "true"} if workers else {}
        return await self._requester.read(Readiness, Call("GET", "/readyz", params=params, good=(503,)))


class AsyncClient(BaseClient):
    """An asynchronous client of the service at `url`, with the API key `key`. Use it with `async with`, or `close` it.

    A request is retried for `patience_s` while the service has no capacity or cannot be reached. `options` are those of
    `httpx.AsyncClient`: `verify`, `proxy` and others.
    """

    def __init__(
        self, url: str = URL, key: str | None = None, *, patience_s: float = PATIENCE_S, **options: Any
    ) -> None:
        http = httpx.AsyncClient(base_url=url, headers=default_headers(key), **options)
        super().__init__(AsyncTransport(http), patience_s)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()


def default_headers(key: str | None) -> dict[str, str]:
    """Return the headers of every request."""
    agent = {"User-Agent": f"nlp2filters/{__version__}"}
    return {**agent, "Authorization": f"Bearer {key}"} if key else agent
