"""Queries for the rows of a table that was converted to Parquet: in DuckDB's SQL, by the places of its columns."""

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

from nlp2filters.core import dialects
from nlp2filters.core.catalog import Catalog, FieldType
from nlp2filters.core.compilation import scope_of, with_scope
from nlp2filters.core.dialects import Options
from nlp2filters.core.mapping import EngineMapping, StoredField
from nlp2filters.core.row_requests import RowQuery
from nlp2filters.errors import InvalidRequest, Violation

# A page of rows ends before it is larger than this, since it is part of a job's record.
MAX_PAGE_BYTES = 256_000
PLOTTED: frozenset[FieldType] = frozenset({"integer", "number", "money", "duration", "date", "datetime"})


def compile_query(query: RowQuery, catalog: Catalog, now: dt.datetime) -> dict[str, Any]:
    """Compile a query for the columns of a converted table, as `dialects.compile` does.

    Raises:
        InvalidFilter, InvalidRequest: it does not fit the catalog.
    """
    names = [*query.columns, *((query.plot.x, query.plot.y) if query.plot else ())]
    if faults := [
        Violation("", f"The catalog has no field {name!r}.") for name in names if name not in catalog.by_name
    ]:
        raise InvalidRequest(faults)
    for name in (query.plot.x, query.plot.y) if query.plot else ():
        of = catalog.by_name[name]
        if of.many or of.type not in PLOTTED:
            raise InvalidRequest([Violation("/plot", f"{name!r} has no numbers or dates to plot.")])
    moment = query.time(int(now.timestamp() * 1000))
    reading = with_scope(query.interpretation(catalog, moment), scope_of(catalog, None, moment))
    columns = {field.name: StoredField(name=column(i)) for i, field in enumerate(catalog.fields)}
    mapping = {"duckdb": EngineMapping(paramstyle="dollar", fields=columns)}
    return dialects.compile("duckdb", reading, catalog, Options(ZoneInfo(query.timezone), query.unknown, mapping))


def column(position: int) -> str:
    """Return the name of a column in the Parquet: DuckDB takes names that differ in case for one."""
    return f"c{position}"
