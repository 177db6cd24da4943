"""The query parameters of OGC API - Features and STAC, with the filter as CQL2-text.

The order is in `sortby`, as the sort extensions of both have it.
https://docs.ogc.org/is/19-079r2/19-079r2.html
"""

from typing import Any

from nlp2filters.core.cql2.standard import CQL2Writer
from nlp2filters.core.cql2.text_writer import write
from nlp2filters.core.dialects.writer import Search


def render(search: Search) -> dict[str, Any]:
    """Return `{"filter", "filter-lang", "sortby", "limit"}`, each if it is asked for."""
    parameters: dict[str, Any] = {}
    if search.where:
        parameters["filter"] = write(CQL2Writer(search.target).write(search.where))
        parameters["filter-lang"] = "cql2-text"
    if search.sort:
        signs = {"asc": "+", "desc": "-"}
        parameters["sortby"] = ",".join(signs[key.direction] + search.target.name(key.field) for key in search.sort)
    if search.limit is not None:
        parameters["limit"] = search.limit
    return parameters
