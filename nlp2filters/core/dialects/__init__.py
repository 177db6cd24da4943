"""The search engines that a filter can be written for. All of them select the same rows."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from nlp2filters.core.catalog import Catalog
from nlp2filters.core.dialects import elasticsearch, sql
from nlp2filters.core.interpretation import Interpretation


class Render(Protocol):
    """A function that writes a resolved interpretation as JSON data.

    `zone` is the time zone in which days begin, for datetime fields.
    """

    def __call__(self, interpretation: Interpretation, catalog: Catalog, zone: dt.tzinfo) -> dict[str, Any]: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Dialect:
    """The query language of an engine or of a family of engines.

    `title` is its name for people. `text`: the words that no condition took are searched for as well.

    Every dialect supports all operators, lists, sort and limit.
    """

    name: str
    title: str
    render: Render
    text: bool = False


DIALECTS: Mapping[str, Dialect] = {
    dialect.name: dialect
    for dialect in (
        Dialect("sql", "SQL", sql.render),
        Dialect("elasticsearch", "Elasticsearch", elasticsearch.render, text=True),
    )
}


def compile(  # noqa: A001
    name: str, interpretation: Interpretation, catalog: Catalog, zone: dt.tzinfo = dt.UTC
) -> dict[str, Any]:
    """Write a checked and resolved interpretation in the dialect of that name, as JSON data.

    Raises:
        KeyError: there is no dialect of that name.
    """
    return DIALECTS[name].render(interpretation, catalog, zone)
