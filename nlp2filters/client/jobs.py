"""The calls for jobs."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, NoReturn, Unpack

from nlp2filters.client import options, responses, streams
from nlp2filters.client.errors import InvalidResponse, JobFailed
from nlp2filters.client.events import JobEvent, JobEventReader
from nlp2filters.client.options import AnswerOptions, CatalogInput, Options
from nlp2filters.client.requests import Call, Deadline
from nlp2filters.client.resource import Resource, id_of, idempotency_headers
from nlp2filters.client.responses import JSONDocument
from nlp2filters.core import schemas
from nlp2filters.core.schemas import Job, Result, Rows
from nlp2filters.core.statuses import TERMINAL, Status

PATH = "/v1/jobs"


class AsyncJobs(Resource[Job]):
    """The calls for jobs: `client.jobs`."""

    _collection = PATH
    _id_member = "job_id"

    async def submit(
        self,
        text: str,
        catalog: CatalogInput | None = None,
        *,
        idempotency_key: str | None = None,
        **more: Unpack[Options],
    ) -> Job:
        """Submit a text, and do not wait for the job. `catalog` is a name, a `Catalog`, or a catalog as JSON data.

        With `refines`, the text refines an earlier job, in that job's catalog.
        """
        body, headers = options.submission(text, catalog, more), idempotency_headers(idempotency_key)
        return await self._requester.read(Job, Call("POST", PATH, body, headers))

    async def get(self, job: Job | str) -> Job:
        """Get the job's current state."""
        return await self._requester.read(Job, Call("GET", self._path(job)))

    async def result(self, job: Job | str) -> Result:
        """Get the result of a job that has succeeded; any other raises `Conflict`."""
        return await self._requester.read(Result, self._result_call(job))

    async def any_result(self, job: Job) -> Any:
        """Get the result of a job of any kind, in the model of that kind."""
        response = await self._requester.send(self._result_call(job))
        return responses.read_result(job.kind, responses.read(JSONDocument, response.content).root)

    async def rows(self, job: Job | str, *, limit: int = 50) -> Rows:
        """Get up to `limit` rows of a packaged catalog's data that the job's filter selects, and their number."""
        call = Call("GET", f"{self._path(job)}/rows", params={"limit": str(limit)})
        return await self._requester.read(Rows, call)

    async def wait(self, job: Job | str, *, timeout_s: float | None = None) -> Result:
        """Wait for a job to end, and return its result.

        Raises:
            JobFailed: the job failed, was canceled or expired.
            WaitTimeout: the job takes longer than `timeout_s`.
        """
        return await outcome(self, id_of(job), Deadline(f"Job {id_of(job)}", timeout_s))

    async def follow(
        self, job: Job | str, *, last_event_id: str | None = None, timeout_s: float | None = None
    ) -> AsyncGenerator[JobEvent]:
        """Follow a job to its end: yield each event once, over as many connections as needed, or by polling.

        With `last_event_id`, the `id` of an earlier event, it yields the events after that one.

        Raises:
            WaitTimeout: the job takes longer than `timeout_s`.
        """
        deadline = Deadline(f"Job {id_of(job)}", timeout_s)
        if last_event_id and isinstance(job, str):  # Later events may not contain the job's state.
            job = await self.get(job)
        state = None if isinstance(job, str) else job
        async with aclosing(self._follow(id_of(job), state, last_event_id, deadline)) as following:
            async for event in following:
                yield event

    async def cancel(self, job: Job | str) -> Job:
        """Cancel a job at once, or when its worker stops (until then `canceling`). `Conflict` if it has ended."""
        return await self._requester.read(Job, Call("POST", f"{self._path(job)}/cancel"))

    async def retry(self, job: Job | str, *, idempotency_key: str | None = None) -> Job:
        """Submit the request of a failed, canceled or expired job again, as a new job."""
        call = Call("POST", f"{self._path(job)}/retry", headers=idempotency_headers(idempotency_key))
        return await self._requester.read(Job, call)

    async def answer(
        self,
        job: Job | str,
        choice: int | None = None,
        *,
        text: str | None = None,
        idempotency_key: str | None = None,
        **more: Unpack[AnswerOptions],
    ) -> Job:
        """Answer the question in a job's result, with one of its choices (counted from 0) or with a text.

        The answer is a new job that refines the old one. `Conflict` if there is no question.
        """
        answer = {"choice": choice} if text is None else {"text": text}
        call = Call("POST", f"{self._path(job)}/answer", {**answer, **more}, idempotency_headers(idempotency_key))
        return await self._requester.read(Job, call)

    async def delete(self, job: Job | str) -> None:
        """Delete a job that has ended, with everything about it."""
        await self._requester.send(Call("DELETE", self._path(job), repeatable=False))

    async def list(self, *, status: Status | None = None, page_size: int = 50) -> AsyncGenerator[Job]:
        """List the caller's jobs, newest first, over as many pages as there are."""
        params = {"page_size": str(page_size), **({"status": status} if status else {})}
        while True:
            page = await self._requester.read(schemas.Jobs, Call("GET", PATH, params=params))
            for job in page.jobs:
                yield job
            if page.next_page_token is None:
                return
            params["page_token"] = page.next_page_token

    def _result_call(self, job: Job | str) -> Call:
        return Call("GET", f"{self._path(job)}/result")

    def _follow(
        self, job_id: str, state: Job | None, cursor: str | None, deadline: Deadline
    ) -> AsyncGenerator[JobEvent]:
        reader = JobEventReader(state)
        return streams.follow(self._requester, self._path(job_id), reader.read, self._poll, cursor, deadline)

    async def _poll(self, path: str, deadline: Deadline) -> AsyncGenerator[JobEvent]:
        seq = 0
        async with aclosing(streams.poll(self._requester, path, Job, deadline)) as states:
            async for job in states:
                if job.status in TERMINAL:
                    result = await self.any_result(job) if job.status == "succeeded" else None
                    yield JobEvent(None, "done", job, result=result)
                    return
                if job.seq != seq:
                    yield JobEvent(None, "status", job)
                seq = job.seq


async def outcome(jobs: AsyncJobs, job_id: str, deadline: Deadline) -> Result:
    """Follow a job to its end, and return its result. See `AsyncJobs.wait`."""
    result: Result = await any_outcome(jobs, job_id, deadline)
    return result


async def any_outcome(jobs: AsyncJobs, job_id: str, deadline: Deadline) -> Any:
    """Follow a job of any kind to its end, and return its result, in the model of its kind."""
    last = None
    async with aclosing(jobs._follow(job_id, None, None, deadline)) as following:
        async for event in following:
            last = event
    if last is None:
        raise InvalidResponse("The stream ended before it began.")
    if last.job.status != "succeeded":
        raise_failed(last.job)
    return last.result or await jobs.any_result(last.job)


def raise_failed(job: Job) -> NoReturn:
    """Raise the error of a job that has ended without a result."""
    raise JobFailed(job.id, job.status, job.error.model_dump() if job.error else None)
