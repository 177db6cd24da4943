"""Compile a reading, and a filter that a caller brings along: with the same checks, and without a job."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from annotated_types import Len
from pydantic import FailFast, Field, field_validator

from nlp2filters.core import checks, dialects, filters, interpretation
from nlp2filters.core.catalog import Catalog
from nlp2filters.core.cql2.standard import standard
from nlp2filters.core.dialects import Options
from nlp2filters.core.explain import explain
from nlp2filters.core.filters import LIMITS, READ_LIMITS, Filter, Limits
from nlp2filters.core.interpretation import Interpretation, Sort
from nlp2filters.core.query import resolve_now
from nlp2filters.core.requests import (
    CatalogSource,
    Cql2,
    DialectNames,
    Mappings,
    Now,
    RequestBody,
    ScopeOption,
    Text,
    Timezone,
    UnknownOption,
    limit_scope_copies,
)
from nlp2filters.errors import InvalidFilter, InvalidRequest

MAX_LIMIT = 1_000_000_000


class SortKey(RequestBody):
    """A field to sort by."""

    field: str
    direction: Literal["asc", "desc"] = "asc"


class FilterRequest(RequestBody):
    """A filter to work on, with its catalog."""

    catalog: CatalogSource = Field(description="A catalog's name, or a complete catalog.")
    filter: Cql2 | None = Field(default=None, description="CQL2-JSON, or CQL2-text in a string; none selects all.")
    sort: Annotated[list[SortKey], Len(0, 16), FailFast()] = Field(default=[], description="The order of the rows.")
    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT)] | None = Field(default=None, description="The number of rows.")
    text: Text | Literal[""] = Field(default="", description="Words for the engine's full-text search.")
    timezone: Timezone = "UTC"
    now: Now = None

    def interpretation(self, catalog: Catalog, now: dt.datetime) -> Interpretation:
        """Check the filter and its order, and resolve its relative dates.

        Raises:
            InvalidFilter: it does not fit the catalog; with pointers into the request.
        """
        sort = tuple(Sort(key.field, key.direction) for key in self.sort)
        reading = Interpretation(
            filter=None if self.filter is None else read_filter(self.filter, catalog, "/filter", READ_LIMITS),
            sort=checks.check_sort(sort, catalog, "/sort"),
            limit=self.limit,
            text=self.text.strip(),
        )
        return interpretation.resolve(reading, now)

    def time(self, received_ms: int) -> dt.datetime:
        """Return the instant that counts as now."""
        return resolve_now(self.now, ZoneInfo(self.timezone), received_ms)


class CompileRequest(FilterRequest):
    """A filter to compile for search engines."""

    dialects: DialectNames = Field(default=["sql"])
    scope: ScopeOption = None
    unknown: UnknownOption = "exclude"
    mappings: Mappings = Field(default={})

    _limit_copies = field_validator("scope")(limit_scope_copies)


class ExplainRequest(FilterRequest):
    """A filter to explain to people."""


def compile_request(request: CompileRequest, catalog: Catalog, received_ms: int) -> dict[str, Any]:
    """Compile a filter to every dialect that is asked for, with the scopes of the catalog and of the request.

    Returns:
        What a job's result has of a reading: filter, order, limit, text, explanation, and the query in each dialect.

    Raises:
        InvalidFilter, InvalidRequest: with pointers into the request.
    """
    if faults := dialects.mapping_faults(request.mappings, catalog):
        raise InvalidRequest(faults).prefixed("/mappings")
    now = request.time(received_ms)
    options = Options(ZoneInfo(request.timezone), request.unknown, request.mappings)
    reading = request.interpretation(catalog, now)
    callers = None if request.scope is None else read_filter(request.scope, catalog, "/scope")
    check_scopes(callers, catalog, request.dialects, options)
    scoped = with_scope(reading, scope_of(catalog, callers, now))
    members = ("filter", "sort", "limit", "text")
    written = shown(scoped, catalog, options)
    return {
        **{name: written[name] for name in members},
        "explanation": explain(reading, catalog),
        "dialects": {name: dialects.compile(name, scoped, catalog, options) for name in request.dialects},
    }


def explain_request(request: ExplainRequest, catalog: Catalog, received_ms: int) -> dict[str, Any]:
    """Say in a sentence what a filter selects.

    Raises:
        InvalidFilter: with pointers into the request.
    """
    reading = request.interpretation(catalog, request.time(received_ms))
    return {"explanation": explain(reading, catalog)}


def shown(resolved: Interpretation, catalog: Catalog, options: Options) -> dict[str, Any]:
    """Return a reading as JSON data for users: what its filter means is written in the standard's words."""
    cql2 = resolved.filter and standard(resolved.filter, catalog, options.zone, options.unknown)
    return {**interpretation.to_json(resolved), "filter": cql2}


def check_scopes(callers: Filter | None, catalog: Catalog, names: Sequence[str], options: Options) -> None:
    """Check that every dialect expresses the caller's scope, already checked, and the catalog's own without a loss.

    Raises:
        InvalidFilter: the pointers begin with `/scope` or `/catalog/scope`.
    """
    for scope, at in ((callers, "/scope"), (checks.own_scope(catalog), "/catalog/scope")):
        try:
            if scope:
                dialects.check_scope(scope, catalog, tuple(names), options)
        except InvalidFilter as exc:
            raise exc.prefixed(at) from exc


def scope_of(catalog: Catalog, callers: Filter | None, now: dt.datetime) -> Filter | None:
    """Join the conditions that catalog and caller impose on every search. `callers` must be checked."""
    scope = filters.all_of(checks.own_scope(catalog), callers)
    return filters.resolve(scope, now) if scope else None


def with_scope(resolved: Interpretation, scope: Filter | None) -> Interpretation:
    """Return a reading with a scope before its filter."""
    return replace(resolved, filter=filters.all_of(scope, resolved.filter))


def read_filter(cql2: Any, catalog: Catalog, at: str, limits: Limits = LIMITS) -> Filter:
    """Read and check a caller's CQL2, as `checks.read` does; the pointers of its faults begin with `at`."""
    try:
        return checks.read(cql2, catalog, limits)
    except InvalidFilter as exc:
        raise exc.prefixed(at) from exc
