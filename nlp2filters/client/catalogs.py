"""The calls for catalogs."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from nlp2filters.client import options
from nlp2filters.client.requests import Call, Requester
from nlp2filters.core import schemas
from nlp2filters.core.catalog import Catalog
from nlp2filters.core.schemas import CatalogSummary, InferredCatalog


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

    async def infer(
        self, rows: Sequence[Mapping[str, Any]], name: str = "inferred", *, currency: str | None = None
    ) -> Catalog:
        """Infer a catalog from rows, for you to review, edit and store: nothing is stored yet."""
        return await self._read(_inference(rows, name, currency))

    async def infer_with_reasons(
        self, rows: Sequence[Mapping[str, Any]], name: str = "inferred", *, currency: str | None = None
    ) -> InferredCatalog:
        """Infer a catalog as `infer` does, with what was seen, decided and refused in each column."""
        return await self._requester.read(InferredCatalog, _inference(rows, name, currency, explain="true"))

    async def _read(self, call: Call) -> Catalog:
        return (await self._requester.read(schemas.CatalogDocument, call)).root


def _inference(rows: Sequence[Mapping[str, Any]], name: str, currency: str | None, **params: str) -> Call:
    params |= {"name": name, **({"currency": currency} if currency else {})}
    return Call("POST", "/v1/catalogs/infer", [*rows], params=params)


def _path(name: str) -> str:
    return f"/v1/catalogs/{quote(name, safe='')}"
