"""The calls for the rows of a user's own file."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypedDict, Unpack

from nlp2filters.client import jobs, responses
from nlp2filters.client.catalogs import TableInput, table_content
from nlp2filters.client.jobs import AsyncJobs
from nlp2filters.client.options import CatalogInput, FilterInput, catalog_body
from nlp2filters.client.requests import Call, Deadline, Requester
from nlp2filters.client.resource import id_of, idempotency_headers
from nlp2filters.core.kinds import INFERENCE_PATH, ROWS_PATH
from nlp2filters.core.schemas import Job, RowPage


class RowOptions(TypedDict, total=False):
    """The options of a question for rows, as described in docs/api.md. `job` has a filter; else give one, or none."""

    catalog: CatalogInput
    job: str
    filter: FilterInput
    sort: Sequence[Mapping[str, str]]
    limit: int
    text: str
    unknown: Literal["exclude", "include"]
    timezone: str
    now: str
    offset: int
    page_size: int
    columns: Sequence[str]
    plot: Mapping[str, Any]


class AsyncRows:
    """The calls for the rows of a file: `client.rows`."""

    def __init__(self, requester: Requester) -> None:
        self._requester = requester

    async def upload(
        self, table: TableInput, name: str = "inferred", *, media_type: str | None = None, table_name: str | None = None
    ) -> Job:
        """Upload a file of up to 32 MiB. Returns the job that infers its catalog; its id is the `data` of `find`."""
        content, media_type = table_content(table, media_type)
        headers = {"Content-Type": media_type, "Prefer": "respond-async", **idempotency_headers()}
        params = {"name": name, **({"table": table_name} if table_name else {})}
        return await self._requester.read(
            Job, Call("POST", INFERENCE_PATH, None, headers, content=content, params=params)
        )

    async def find(self, data: Job | str, *, timeout_s: float | None = None, **query: Unpack[RowOptions]) -> RowPage:
        """Find a page of rows of a file.

        Raises:
            JobFailed: the file does not have the columns of the catalog.
            WaitTimeout: it takes longer than `timeout_s`.
        """
        _, page = await self._run(data, dict(query), timeout_s)
        return page

    async def export(
        self,
        data: Job | str,
        form: Literal["csv", "jsonl"] = "csv",
        *,
        timeout_s: float | None = None,
        **query: Unpack[RowOptions],
    ) -> bytes:
        """Return all matching rows as CSV or JSON Lines; raises as `find` does."""
        job, _ = await self._run(data, {**query, "export": form, "page_size": 0}, timeout_s)
        return (await self._requester.send(Call("GET", f"{jobs.PATH}/{job.id}/export"))).content

    async def _run(self, data: Job | str, query: dict[str, Any], timeout_s: float | None) -> tuple[Job, RowPage]:
        deadline = Deadline("Finding the rows", timeout_s)
        if "catalog" in query:
            query["catalog"] = catalog_body(query["catalog"])
        call = Call("POST", ROWS_PATH, {"data": id_of(data), **query}, idempotency_headers())
        job = responses.read(Job, (await self._requester.send(call, deadline)).content)
        page: RowPage = await jobs.any_outcome(AsyncJobs(self._requester), job.id, deadline)
        return job, page
