"""SQL for use by way of SQLAlchemy: clauses for all of its statements and databases, and text in its default dialect.

Words that no condition took (`Interpretation.text`) are left to the caller's own full-text search.
"""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from sqlalchemy.engine.default import DefaultDialect

from nlp2filters.core.catalog import Catalog
from nlp2filters.core.dialects.fitting import fit
from nlp2filters.core.dialects.lowering import lower
from nlp2filters.core.dialects.sql import SQL
from nlp2filters.core.dialects.sql.clauses import Clause, Column, SQLWriter, identifier
from nlp2filters.core.dialects.writer import Search, SortKey, Target
from nlp2filters.core.filters import Filter
from nlp2filters.core.interpretation import Sort

_quote = DefaultDialect().identifier_preparer.quote


def render(search: Search) -> dict[str, Any]:
    """Return `{"where", "params", "order_by", "limit", "statement"}`; absent clauses are None.

    Parameters are named (`:p_1`); dates among them are ISO 8601 strings, so that the whole is JSON.
    """
    writer = SQLWriter(search.target)
    where = writer.write(search.where).compile() if search.where else None
    order = ", ".join(str(column.compile()) for column in writer.order(search.sort)) or None
    statement = ["SELECT * FROM", _quote(identifier(search.target.table))]
    params: dict[str, Any] = {}
    if where is not None:
        statement += ["WHERE", str(where)]
        params = {name: _to_json(value) for name, value in where.params.items()}
    if order:
        statement += ["ORDER BY", order]
    if search.limit is not None:
        statement += ["LIMIT", ":limit"]
        params["limit"] = search.limit
    return {
        "where": str(where) if where is not None else None,
        "params": params,
        "order_by": order,
        "limit": search.limit,
        "statement": " ".join(statement),
    }


def where_clause(filter: Filter, catalog: Catalog, zone: dt.tzinfo = dt.UTC) -> Clause:  # noqa: A002
    """Return the filter as the argument of SQLAlchemy's `where()`, over columns named after the fields.

    `=` and `in` ignore case on text and on keywords with unlisted values; on a closed keyword they are exact.
    Only `isNull` selects a NULL. `zone` is the time zone in which days begin, for datetime fields.
    """
    target = Target(catalog)
    node, _ = fit(lower(filter, catalog, zone), SQL, "SQL", target.stored)
    assert node is not None, "SQL expresses every filter"
    return SQLWriter(target).write(node)


def order_by(sorts: Sequence[Sort], catalog: Catalog) -> list[Column]:
    """Return the arguments of SQLAlchemy's `order_by()`: NULLs last, in a form that every database understands."""
    keys = [SortKey(catalog.by_name[sort.field], sort.direction) for sort in sorts]
    return list(SQLWriter(Target(catalog)).order(keys))


def _to_json(value: Any) -> Any:
    return value.isoformat() if isinstance(value, dt.date | dt.time) else value
