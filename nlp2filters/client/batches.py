"""The calls for batches."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import Any

from nlp2filters.client import options, responses, streams
from nlp2filters.client.events import BatchEvent, read_batch_event
from nlp2filters.client.options import BatchRequest
from nlp2filters.client.requests import Call, Deadline
from nlp2filters.client.resource import Resource, id_of, idempotency_headers
from nlp2filters.core.schemas import Batch, BatchResult


class AsyncBatches(Resource[Batch]):
    """The calls for batches: `client.batches`."""

    _collection = "/v1/batches"
    _id_member = "batch_id"

    async def submit(
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
        call = Call("POST", self._collection, body, idempotency_headers(idempotency_key))
        return await self._requester.read(Batch, call)

    async def get(self, batch: Batch | str) -> Batch:
        """Get the batch's current state."""
        return await self._requester.read(Batch, Call("GET", self._path(batch)))

    async def follow(
        self, batch: Batch | str, *, last_event_id: str | None = None, timeout_s: float | None = None
    ) -> AsyncGenerator[BatchEvent]:
        """Follow a batch to its end. If events do not get through, it yields snapshots by polling.

        Raises:
            WaitTimeout: the batch takes longer than `timeout_s`.
        """
        path, deadline = self._path(batch), Deadline(f"Batch {id_of(batch)}", timeout_s)
        following = streams.follow(self._requester, path, read_batch_event, self._poll, last_event_id, deadline)
        async with aclosing(following):
            async for event in following:
                yield event

    async def results(self, batch: Batch | str) -> list[BatchResult]:
        """Get the outcome of each request, in order; for unfinished jobs, the status."""
        response = await self._requester.send(Call("GET", f"{self._path(batch)}/results"))
        return [responses.read(BatchResult, line) for line in response.content.split(b"\n") if line]

    async def wait(self, batch: Batch | str, *, timeout_s: float | None = None) -> list[BatchResult]:
        """Wait for all jobs of a batch to end, and return the outcome of each request.

        Raises:
            WaitTimeout: the batch takes longer than `timeout_s`.
        """
        async with aclosing(self.follow(batch, timeout_s=timeout_s)) as following:
            async for _ in following:
                pass
        return await self.results(batch)

    async def cancel(self, batch: Batch | str) -> Batch:
        """Cancel the jobs of a batch that have not ended."""
        return await self._requester.read(Batch, Call("POST", f"{self._path(batch)}/cancel"))

    async def _poll(self, path: str, deadline: Deadline) -> AsyncGenerator[BatchEvent]:
        counts = None
        async with aclosing(streams.poll(self._requester, path, Batch, deadline)) as states:
            async for batch in states:
                if batch.status == "ended":
                    yield BatchEvent(None, "done", batch)
                    return
                if batch.request_counts != counts:
                    yield BatchEvent(None, "snapshot", batch)
                counts = batch.request_counts
