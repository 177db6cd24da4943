"""The options of a submission besides the text and the catalog."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any, Literal, Required, TypeAlias, TypedDict

from nlp2filters.core import catalog as catalogs
from nlp2filters.core.catalog import Catalog

CatalogInput: TypeAlias = str | Catalog | Mapping[str, Any]
# CQL2-JSON, CQL2-text, or None for a filter that selects all.
FilterInput: TypeAlias = Mapping[str, Any] | str | None


class Webhook(TypedDict, total=False):
    """A webhook to call when the job has ended, and the outcomes for which to call it; by default all."""

    url: Required[str]
    events: Sequence[Literal["succeeded", "failed", "canceled", "expired"]]


class Options(TypedDict, total=False):
    """The options described in docs/api.md; missing ones have the service's defaults."""

    refines: str
    dialects: Sequence[str]
    strategy: Literal["auto", "llm", "builtin"]
    provider: str | None
    locale: str
    timezone: str
    now: str | dt.datetime
    scope: Mapping[str, Any] | str
    cache: bool
    unknown: Literal["exclude", "include"]
    mappings: Mapping[str, Mapping[str, Any]]
    webhook: Webhook
    metadata: Mapping[str, str]
    deadline_seconds: int


class AnswerOptions(TypedDict, total=False):
    """The options of an answer to a question."""

    webhook: Webhook
    metadata: Mapping[str, str]
    deadline_seconds: int


class SortKey(TypedDict, total=False):
    """A field to sort by, in ascending order unless the direction is "desc"."""

    field: Required[str]
    direction: Literal["asc", "desc"]


class FilterOptions(TypedDict, total=False):
    """Options of compiling or explaining a filter: members of the requests in docs/api.md."""

    sort: Sequence[SortKey]
    limit: int
    text: str
    timezone: str
    now: str | dt.datetime


class CompileOptions(FilterOptions, total=False):
    """Options of compiling a filter."""

    dialects: Sequence[str]
    scope: Mapping[str, Any] | str
    unknown: Literal["exclude", "include"]
    mappings: Mapping[str, Mapping[str, Any]]


class BatchRequest(Options, total=False):
    """One request of a batch. `custom_id` is your own name for it."""

    custom_id: Required[str]
    text: Required[str]
    catalog: CatalogInput


def submission(text: str, catalog: CatalogInput | None, options: Options) -> dict[str, Any]:
    """Build the body of a submission."""
    body: dict[str, Any] = {**options, "text": text}
    if catalog is not None:
        body["catalog"] = catalog_body(catalog)
    return _with_iso_time(body)


def filter_body(cql2: FilterInput, catalog: CatalogInput, options: FilterOptions | Mapping[str, Any]) -> dict[str, Any]:
    """Build the body of a request to compile or explain a filter."""
    return _with_iso_time({**options, "filter": cql2, "catalog": catalog_body(catalog)})


def _with_iso_time(body: dict[str, Any]) -> dict[str, Any]:
    if isinstance(now := body.get("now"), dt.datetime):
        body["now"] = now.isoformat()
    return body


def batch(requests: Sequence[BatchRequest]) -> list[dict[str, Any]]:
    """Build the requests of a batch's submission."""
    return [submission(request["text"], request.get("catalog"), request) for request in requests]


def catalog_body(catalog: CatalogInput) -> Any:
    """Return a catalog's name, or the catalog as JSON data."""
    return catalogs.to_json(catalog) if isinstance(catalog, Catalog) else catalog
