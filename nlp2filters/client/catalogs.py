"""The calls for catalogs."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Literal, TypeAlias, TypedDict, Unpack
from urllib.parse import quote

from nlp2filters.client import jobs, options, responses
from nlp2filters.client.jobs import AsyncJobs
from nlp2filters.client.requests import Call, Deadline, Requester
from nlp2filters.client.resource import idempotency_headers
from nlp2filters.core import media_types, schemas
from nlp2filters.core.catalog import Catalog
from nlp2filters.core.kinds import INFERENCE_PATH
from nlp2filters.core.schemas import CatalogSummary, InferredCatalog

TableInput: TypeAlias = Sequence[Mapping[str, Any]] | str | Path | BinaryIO


class InferenceOptions(TypedDict, total=False):
    """The options of an inference.

    `currency` (ISO 4217) is that of amounts without one, `date_order` what comes first in dates such as 03/04/2024.
    `media_type` is needed if the suffix of the file's name does not tell it. `table_name` selects one of an SQLite
    file's tables. `timeout_s` limits the wait for a large table.
    """

    currency: str
    date_order: Literal["day", "month"]
    media_type: str
    table_name: str
    timeout_s: float | None


class AsyncCatalogs:
    """The calls for catalogs: `client.catalogs`."""

    def __init__(self, requester: Requester) -> None:
        self._requester = requester

    async def list(self) -> Sequence[CatalogSummary]:
        """List the catalogs that a job can name: the packaged ones and the caller's own."""
        return (await self._requester.read(schemas.Catalogs, Call("GET", "/v1/catalogs"))).catalogs

    async def get(self, name: str) -> Catalog:
        """Get a complete catalog."""
        return await self._read(Call("GET", _path(name)))

    async def put(self, name: str, catalog: Catalog | Mapping[str, Any]) -> Catalog:
        """Store a catalog under this name. Jobs submitted earlier keep using the previous version."""
        return await self._read(Call("PUT", _path(name), {**options.catalog_body(catalog), "name": name}))

    async def delete(self, name: str) -> None:
        """Delete a catalog."""
        await self._requester.send(Call("DELETE", _path(name), repeatable=False))

    async def infer(self, table: TableInput, name: str = "inferred", **more: Unpack[InferenceOptions]) -> Catalog:
        """Infer a catalog from a table, for you to review, edit and store: nothing is stored yet.

        The table is a list of rows, a path, or an open binary file; it may have up to 32 MiB. A large one is read by a
        job, for which this method waits.

        Raises:
            JobFailed: no catalog can be inferred from a large table.
            WaitTimeout: it takes longer than `timeout_s`.
            ValueError: the name of the file does not tell the media type, and there is no `media_type`.
        """
        return (await self.infer_with_reasons(table, name, **more)).catalog

    async def infer_with_reasons(
        self, table: TableInput, name: str = "inferred", **more: Unpack[InferenceOptions]
    ) -> InferredCatalog:
        """Infer a catalog as `infer` does, with what was seen, decided and refused in each column."""
        deadline = Deadline("The inference", more.get("timeout_s"))
        query = {
            "currency": more.get("currency"),
            "date_order": more.get("date_order"),
            "table": more.get("table_name"),
        }
        params = {"name": name, "explain": "true", **{key: value for key, value in query.items() if value is not None}}
        content, media_type = table_content(table, more.get("media_type"))
        headers = {"Content-Type": media_type, **idempotency_headers()}
        call = Call("POST", INFERENCE_PATH, content=content, headers=headers, params=params)
        response = await self._requester.send(call, deadline)
        if response.status_code == 200:
            return responses.read(InferredCatalog, response.content)
        job = responses.read(schemas.Job, response.content)
        inference: schemas.Inference = await jobs.any_outcome(AsyncJobs(self._requester), job.id, deadline)
        return inference

    async def _read(self, call: Call) -> Catalog:
        return (await self._requester.read(schemas.CatalogDocument, call)).root


def _path(name: str) -> str:
    return f"/v1/catalogs/{quote(name, safe='')}"


def table_content(table: TableInput, media_type: str | None) -> tuple[bytes, str]:
    """Return the content of a table and its media type."""
    if isinstance(table, str | Path):
        content, name = Path(table).read_bytes(), str(table)
    elif isinstance(table, Sequence):
        return json.dumps([*table]).encode(), media_types.JSON
    else:
        content, name = table.read(), str(getattr(table, "name", ""))
    if type_ := media_type or media_types.of_file(name):
        return content, type_
    readable = ", ".join(suffix for suffixes in media_types.SUFFIXES.values() for suffix in suffixes)
    raise ValueError(f"The name {name!r} does not tell the media type. Give a media_type, or one of {readable}.")
