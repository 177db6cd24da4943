"""The methods of both clients, written once, as coroutines over a `Transport`."""

import json
import time
import uuid
from collections.abc import AsyncGenerator, Callable, Collection, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, NoReturn, Protocol, TypeVar, Unpack
from urllib.parse import quote

import httpx
from httpx_sse import ServerSentEvent, SSEError

from nlp2filters.client import answers, events, options
from nlp2filters.client.events import BatchEvent, JobEvent
from nlp2filters.client.options import BatchRequest, CatalogGiven, Options
from nlp2filters.client.transport import Transport
from nlp2filters.core import schemas
from nlp2filters.core.catalog import Catalog
from nlp2filters.core.jobs import TERMINAL
from nlp2filters.core.schemas import (
    Batch,
    BatchResult,
    CatalogSummary,
    Delivery,
    Health,
    Job,
    Readiness,
    Result,
    Rows,
    Status,
    StreamToken,
)
from nlp2filters.errors import (
    Busy,
    ClientError,
    JobUnsuccessful,
    Unreachable,
    UnreadableAnswer,
    WaitedTooLong,
)
from nlp2filters.retry import Backoff, Retries

URL = "http://127.0.0.1:8000"
PATIENCE_S = 60.0
BACKOFF = Backoff(first_s=0.2, max_s=10.0)
# A request may take longer than the 25 s for which a service delays its answer.
TIMEOUT_S = 30.0
# We ask the service to delay its answer no longer than this, so that no gateway times out.
MAX_WAIT_S = 20
# A stream has a ping every 15 s: if nothing has come by then, something on the way is buffering it.
FIRST_EVENT_S = 20.0
SILENCE_S = 45.0
# `timeout_s` may be missed by this much.
SLACK_S = 1.0
POLL_S = 1.0
# This many connections in a row may bring no event; more are allowed once one has brought an event.
BARREN, BARREN_PROVEN = 3, 8

# With these statuses, it is unknown whether the service has carried out the request.
_UNKNOWN = frozenset({502, 504})


class Event(Protocol):
    """An event in a sequence that has a last one."""

    @property
    def last(self) -> bool:
        """True if no event follows."""


E = TypeVar("E", bound=Event)


@dataclass(frozen=True, slots=True)
class Call:
    """A request. If `repeatable`, it can safely be sent again if its answer was lost.

    `good` are statuses that are valid answers, in addition to those of success.
    """

    method: str
    path: str
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)
    repeatable: bool = True
    good: Collection[int] = ()


class Deadline:
    """The deadline for waiting for a job or batch; without `timeout_s`, there is none."""

    def __init__(self, subject: str, timeout_s: float | None) -> None:
        self._subject, self._timeout_s = subject, timeout_s
        self._at = None if timeout_s is None else time.monotonic() + timeout_s

    def left_s(self, most: float) -> float:
        """Return the seconds left, but at most `most`.

        Raises:
            WaitedTooLong: no time is left.
        """
        if self._at is None or self._timeout_s is None:
            return most
        left_s = self._at - time.monotonic()
        if left_s <= 0:
            raise WaitedTooLong(self._subject, self._timeout_s)
        return min(most, left_s)


class _NoStream(Exception):
    """Events do not get through."""


class Service:
    """The methods of `Client` and `AsyncClient`.

    Every method may raise subclasses of `ClientError`. Requests are retried while the service has no capacity or cannot
    be reached, or if its answer was lost, for `patience_s` seconds in all. Requests that create a job or batch have an
    idempotency key, so that retries create only one; pass your own key to repeat a request from another process.
    """

    def __init__(self, transport: Transport, patience_s: float) -> None:
        self._transport = transport
        self._patience_s = patience_s

    async def close(self) -> None:
        """Close the connections."""
        await self._transport.close()

    # Jobs

    async def submit(
        self,
        text: str,
        catalog: CatalogGiven | None = None,
        *,
        idempotency_key: str | None = None,
        **more: Unpack[Options],
    ) -> Job:
        """Submit a text, and do not wait for the job. `catalog` is a name, a `Catalog`, or a catalog as JSON data.

        With `refines`, the text refines an earlier job, in that job's catalog.
        """
        call = Call("POST", "/v1/jobs", options.submission(text, catalog, more), _once(idempotency_key))
        return answers.read(Job, await self._content(call))

    async def ask(
        self, text: str, catalog: CatalogGiven | None = None, *, timeout_s: float | None = None, **more: Unpack[Options]
    ) -> Result:
        """Submit a text and wait for its result: `submit`, then `wait`, usually in a single request.

        Raises:
            JobUnsuccessful: the job failed, was canceled or expired.
            WaitedTooLong: the job takes longer than `timeout_s`.
        """
        deadline = Deadline("The job", timeout_s)
        wait_s = int(deadline.left_s(MAX_WAIT_S))
        headers = {**_once(None), **({"Prefer": f"wait={wait_s}"} if wait_s else {})}
        call = Call("POST", "/v1/jobs", options.submission(text, catalog, more), headers)
        response = await self._send(call, deadline)
        if response.status_code == 200:
            finished = answers.read(schemas.FinishedJob, response.content)
            if finished.result is None:
                _raise_unsuccessful(finished)
            return finished.result
        return await self._outcome(answers.read(Job, response.content).id, deadline)

    async def job(self, job: Job | str) -> Job:
        """Get the job's current state."""
        return answers.read(Job, await self._content(Call("GET", _job(job))))

    async def result(self, job: Job | str) -> Result:
        """Get the result of a job that has succeeded; any other raises `Conflict`."""
        return answers.read(Result, await self._content(Call("GET", f"{_job(job)}/result")))

    async def rows(self, job: Job | str, *, limit: int = 50) -> Rows:
        """Get up to `limit` rows of a packaged catalog's data that the job's filter selects, and their number."""
        return answers.read(Rows, await self._content(Call("GET", f"{_job(job)}/rows", params={"limit": str(limit)})))

    async def wait(self, job: Job | str, *, timeout_s: float | None = None) -> Result:
        """Wait for a job to end, and return its result.

        Raises:
            JobUnsuccessful: the job failed, was canceled or expired.
            WaitedTooLong: the job takes longer than `timeout_s`.
        """
        return await self._outcome(_id(job), Deadline(f"Job {_id(job)}", timeout_s))

    async def follow(
        self, job: Job | str, *, last_event_id: str | None = None, timeout_s: float | None = None
    ) -> AsyncGenerator[JobEvent]:
        """Follow a job to its end: yield each event once, over as many connections as needed, or by polling.

        With `last_event_id`, the `id` of an earlier event, it yields the events after that one.

        Raises:
            WaitedTooLong: the job takes longer than `timeout_s`.
        """
        deadline = Deadline(f"Job {_id(job)}", timeout_s)
        if last_event_id and isinstance(job, str):  # Later events may not contain the job's state.
            job = await self.job(job)
        read = events.OfJob(None if isinstance(job, str) else job)
        following = self._follow(_job(job), read, self._poll_job, last_event_id, deadline)
        async with aclosing(following):
            async for event in following:
                yield event

    async def cancel(self, job: Job | str) -> Job:
        """Cancel a job at once, or when its worker stops (until then `canceling`). `Conflict` if it has ended."""
        return answers.read(Job, await self._content(Call("POST", f"{_job(job)}/cancel")))

    async def retry(self, job: Job | str, *, idempotency_key: str | None = None) -> Job:
        """Submit the request of a failed, canceled or expired job again, as a new job."""
        call = Call("POST", f"{_job(job)}/retry", headers=_once(idempotency_key))
        return answers.read(Job, await self._content(call))

    async def delete(self, job: Job | str) -> None:
        """Delete a job that has ended, with everything about it."""
        await self._send(Call("DELETE", _job(job), repeatable=False))

    async def jobs(self, *, status: Status | None = None, page_size: int = 50) -> AsyncGenerator[Job]:
        """List the caller's jobs, newest first, over as many pages as there are."""
        params = {"page_size": str(page_size), **({"status": status} if status else {})}
        while True:
            page = answers.read(schemas.Jobs, await self._content(Call("GET", "/v1/jobs", params=params)))
            for job in page.jobs:
                yield job
            if page.next_page_token is None:
                return
            params["page_token"] = page.next_page_token

    # Batches

    async def submit_batch(
        self,
        requests: Sequence[BatchRequest],
        *,
        webhook_url: str | None = None,
        metadata: Mapping[str, str] | None = None,
        idempotency_key: str | None = None,
    ) -> Batch:
        """Submit up to 100 texts at once: all of them, or none if one has a fault."""
        body: dict[str, Any] = {"requests": options.batch(requests), "metadata": metadata or {}}
        if webhook_url:
            body["webhook"] = {"url": webhook_url}
        call = Call("POST", "/v1/batches", body, _once(idempotency_key))
        return answers.read(Batch, await self._content(call))

    async def batch(self, batch: Batch | str) -> Batch:
        """Get the batch's current state."""
        return answers.read(Batch, await self._content(Call("GET", _batch(batch))))

    async def follow_batch(
        self, batch: Batch | str, *, last_event_id: str | None = None, timeout_s: float | None = None
    ) -> AsyncGenerator[BatchEvent]:
        """Follow a batch to its end. If events do not get through, it yields snapshots by polling."""
        deadline = Deadline(f"Batch {_id(batch)}", timeout_s)
        following = self._follow(_batch(batch), events.of_batch, self._poll_batch, last_event_id, deadline)
        async with aclosing(following):
            async for event in following:
                yield event

    async def batch_results(self, batch: Batch | str) -> list[BatchResult]:
        """Get the outcome of each request, in order; for unfinished jobs, the status."""
        content = await self._content(Call("GET", f"{_batch(batch)}/results"))
        return [answers.read(BatchResult, line) for line in content.split(b"\n") if line]

    async def wait_batch(self, batch: Batch | str, *, timeout_s: float | None = None) -> list[BatchResult]:
        """Wait for all jobs of a batch to end, and return the outcome of each request.

        Raises:
            WaitedTooLong: the batch takes longer than `timeout_s`.
        """
        async with aclosing(self.follow_batch(batch, timeout_s=timeout_s)) as following:
            async for _ in following:
                pass
        return await self.batch_results(batch)

    async def cancel_batch(self, batch: Batch | str) -> Batch:
        """Cancel the jobs of a batch that have not ended."""
        return answers.read(Batch, await self._content(Call("POST", f"{_batch(batch)}/cancel")))

    # Webhooks

    async def deliveries(self, subject: Job | Batch | str) -> list[Delivery]:
        """List the attempts to call the webhook of a job or batch."""
        content = await self._content(Call("GET", f"{_subject(subject)}/deliveries"))
        return answers.read(schemas.Deliveries, content).deliveries

    async def redeliver(self, subject: Job | Batch | str) -> list[Delivery]:
        """Request that the webhook of a job or batch be called again."""
        content = await self._content(Call("POST", f"{_subject(subject)}/redeliver", repeatable=False))
        return answers.read(schemas.Deliveries, content).deliveries

    # Catalogs

    async def catalogs(self) -> list[CatalogSummary]:
        """List the catalogs that a job can name: the packaged ones and the caller's own."""
        return answers.read(schemas.Catalogs, await self._content(Call("GET", "/v1/catalogs"))).catalogs

    async def catalog(self, name: str) -> Catalog:
        """Get a complete catalog."""
        return answers.read(schemas.CatalogDocument, await self._content(Call("GET", _catalog(name)))).root

    async def put_catalog(self, name: str, catalog: Catalog | Mapping[str, Any]) -> Catalog:
        """Store a catalog under this name. Jobs submitted earlier keep using the previous version."""
        body = {**options.catalog_body(catalog), "name": name}
        return answers.read(schemas.CatalogDocument, await self._content(Call("PUT", _catalog(name), body))).root

    async def delete_catalog(self, name: str) -> None:
        """Delete a catalog."""
        await self._send(Call("DELETE", _catalog(name), repeatable=False))

    async def infer_catalog(
        self, rows: Sequence[Mapping[str, Any]], name: str = "inferred", *, currency: str | None = None
    ) -> Catalog:
        """Infer a catalog from rows, for you to review, edit and store: nothing is stored yet."""
        params = {"name": name, **({"currency": currency} if currency else {})}
        content = await self._content(Call("POST", "/v1/catalogs/infer", list(rows), params=params))
        return answers.read(schemas.CatalogDocument, content).root

    # The service

    async def stream_token(self, subject: Job | Batch | str) -> StreamToken:
        """Create a token with which a browser can follow this job or batch, and do nothing else."""
        body = {"batch_id" if _is_batch(subject) else "job_id": _id(subject)}
        return answers.read(StreamToken, await self._content(Call("POST", "/v1/stream-tokens", body)))

    async def health(self) -> Health:
        """Check that the service is alive, and get its version."""
        return answers.read(Health, await self._content(Call("GET", "/healthz")))

    async def readiness(self, *, workers: bool = False) -> Readiness:
        """Check that the service accepts jobs, and with `workers` also that every queue has a worker."""
        params = {"workers": "true"} if workers else {}
        return answers.read(Readiness, await self._content(Call("GET", "/readyz", params=params, good=(503,))))

    # Requests and streams

    async def _content(self, call: Call) -> bytes:
        return (await self._send(call)).content

    async def _send(self, call: Call, deadline: Deadline | None = None) -> httpx.Response:
        """Send a request, and retry while that may help. Returns the answer if it is a valid one."""
        retries = Retries(BACKOFF, self._patience_s)
        while True:
            limit_s = deadline.left_s(TIMEOUT_S) if deadline else TIMEOUT_S
            request = self._build(call, limit_s)
            try:
                response = await self._transport.send(request)
            except (httpx.UnsupportedProtocol, httpx.LocalProtocolError) as exc:
                raise Unreachable(f"{request.url} cannot be asked: {str(exc).rstrip('.')}") from exc
            except httpx.TransportError as exc:
                error: ClientError = Unreachable(
                    f"{request.url} does not answer: {str(exc).rstrip('.') or type(exc).__name__}"
                )
                error.__cause__ = exc
                retry_after_s = None
                again = call.repeatable or isinstance(exc, httpx.ConnectError | httpx.ConnectTimeout)
            else:
                if response.is_success or response.status_code in call.good:
                    return response
                error = answers.problem(response)
                retry_after_s = error.retry_after_s
                again = isinstance(error, Busy) or (call.repeatable and error.status in _UNKNOWN)
            wait_s = retries.next_wait_s(retry_after_s) if again else None
            if wait_s is None:
                raise error
            await self._transport.sleep(deadline.left_s(wait_s) if deadline else wait_s)

    def _build(self, call: Call, timeout_s: float) -> httpx.Request:
        """Build the request. Its JSON is ASCII, so that invalid Unicode is refused by the service, not by httpx."""
        content = None if call.body is None else json.dumps(call.body).encode()
        kind = {} if content is None else {"Content-Type": "application/json"}
        headers = {**kind, **call.headers}
        return self._transport.build(
            call.method, call.path, content=content, headers=headers, params=call.params, timeout=timeout_s
        )

    async def _outcome(self, job_id: str, deadline: Deadline) -> Result:
        last = None
        following = self._follow(_job(job_id), events.OfJob(None), self._poll_job, None, deadline)
        async with aclosing(following):
            async for event in following:
                last = event
        if last is None:
            raise UnreadableAnswer("The stream ended before it began.")
        if last.job.status != "succeeded":
            _raise_unsuccessful(last.job)
        return last.result or await self.result(job_id)

    async def _follow(
        self,
        path: str,
        read: Callable[[ServerSentEvent], E | None],
        poll: Callable[[str, Deadline], AsyncGenerator[E]],
        cursor: str | None,
        deadline: Deadline,
    ) -> AsyncGenerator[E]:
        """Yield events by streaming or, if they do not get through, by polling."""
        try:
            async with aclosing(self._stream(f"{path}/events", cursor, deadline)) as stream:
                async for sent in stream:
                    if event := read(sent):
                        yield event
            return
        except _NoStream:
            pass
        async with aclosing(poll(path, deadline)) as polling:
            async for event in polling:
                yield event

    async def _stream(self, path: str, cursor: str | None, deadline: Deadline) -> AsyncGenerator[ServerSentEvent]:
        """Yield the events of a stream after the cursor, each once, over as many connections as needed.

        Raises:
            _NoStream: events do not get through.
        """
        barren, proven = 0, False
        while True:
            limit_s = deadline.left_s(SILENCE_S if proven else FIRST_EVENT_S)
            asked_s, in_order = None, False
            try:
                response = await self._open(path, cursor, limit_s)
                if response.status_code == 204:
                    return
                async with aclosing(self._transport.events(response)) as stream:
                    async for event in stream:
                        if event.data:  # A ping has no data.
                            barren, proven, cursor = 0, True, event.id or cursor
                            yield event
                        if event.event == "done":
                            return
                        in_order = deadline.left_s(limit_s) < limit_s - SLACK_S
                        if in_order:  # Reconnect with a shorter limit, or pings would hide that the time is up.
                            break
            except httpx.ReadTimeout as exc:
                if not proven:
                    raise _NoStream from exc
            except SSEError as exc:  # Something on the way has answered instead of the service.
                raise _NoStream from exc
            except httpx.TransportError:
                pass
            except Busy as exc:
                if exc.status == 429:  # There are too many streams, but polling is still allowed.
                    raise _NoStream from exc
                asked_s = exc.retry_after_s
            if in_order:
                continue
            if barren == (BARREN_PROVEN if proven else BARREN):
                raise _NoStream
            await self._transport.sleep(deadline.left_s(asked_s or BACKOFF.wait_s(barren)))
            barren += 1

    async def _open(self, path: str, cursor: str | None, limit_s: float) -> httpx.Response:
        """Open a stream. The answer is 204 if there are no more events."""
        headers = {"Accept": "text/event-stream", **({"Last-Event-ID": cursor} if cursor else {})}
        response = await self._transport.send(self._build(Call("GET", path, headers=headers), limit_s), stream=True)
        if response.is_success:
            return response
        problem = answers.problem(response)
        if problem.status >= 500 and not isinstance(problem, Busy):
            raise httpx.RemoteProtocolError(str(problem))
        raise problem

    async def _poll_job(self, path: str, deadline: Deadline) -> AsyncGenerator[JobEvent]:
        seq = 0
        while True:
            response = await self._send(Call("GET", path), deadline)
            job = answers.read(Job, response.content)
            if job.status in TERMINAL:
                known = job.status == "succeeded" and job.kind == "filters"
                yield JobEvent(None, "done", job, result=await self.result(job) if known else None)
                return
            if job.seq != seq:
                yield JobEvent(None, "status", job)
            seq = job.seq
            await self._transport.sleep(deadline.left_s(answers.retry_after_s(response) or POLL_S))

    async def _poll_batch(self, path: str, deadline: Deadline) -> AsyncGenerator[BatchEvent]:
        before = None
        while True:
            response = await self._send(Call("GET", path), deadline)
            batch = answers.read(Batch, response.content)
            if batch.status == "ended":
                yield BatchEvent(None, "done", batch)
                return
            if batch.request_counts != before:
                yield BatchEvent(None, "snapshot", batch)
            before = batch.request_counts
            await self._transport.sleep(deadline.left_s(answers.retry_after_s(response) or POLL_S))


def _raise_unsuccessful(job: Job) -> NoReturn:
    raise JobUnsuccessful(job.id, job.status, job.error.model_dump() if job.error else None)


def _once(key: str | None) -> dict[str, str]:
    return {"Idempotency-Key": key or str(uuid.uuid4())}


def _id(subject: Job | Batch | str) -> str:
    return subject if isinstance(subject, str) else subject.id


def _job(job: Job | str) -> str:
    return f"/v1/jobs/{quote(_id(job), safe='')}"


def _batch(batch: Batch | str) -> str:
    return f"/v1/batches/{quote(_id(batch), safe='')}"


def _subject(subject: Job | Batch | str) -> str:
    return _batch(_id(subject)) if _is_batch(subject) else _job(_id(subject))


def _is_batch(subject: Job | Batch | str) -> bool:
    return _id(subject).startswith("batch_")


def _catalog(name: str) -> str:
    return f"/v1/catalogs/{quote(name, safe='')}"
