"""Metadata filters of Pinecone.

Dates and times are numbers: seconds since 1970, or since midnight. The query itself is a vector, so the words that no
condition took are left to the caller, who may embed them.
https://docs.pinecone.io/guides/search/filter-by-metadata
"""

import re
from typing import Any

from nlp2filters.core.catalog import Field
from nlp2filters.core.dialects.documents.operators import OperatorWriter, Query
from nlp2filters.core.dialects.writer import Search

NAMES = re.compile(r"(?!\$).+", re.DOTALL)


def render(search: Search) -> dict[str, Any]:
    """Return `{"filter": …, "top_k": n}`, arguments of a query; each if asked for."""
    written: dict[str, Any] = {}
    if search.where:
        written["filter"] = PineconeWriter(search.target).write(search.where)
    if search.limit is not None:
        written["top_k"] = search.limit
    return written


class PineconeWriter(OperatorWriter):
    """A writer of filters in which a record without the field passes every negation."""

    def missing(self, field: Field) -> Query:
        return self.field(field, {"$exists": False})

    def exists(self, field: Field) -> Query:
        return self.field(field, {"$exists": True})
