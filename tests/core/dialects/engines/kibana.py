"""Kibana's own parser, and what it makes of a query run as Elasticsearch does.

This version is older than nested queries, whose braces later ones escape.
"""

import re
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from nlp2filters.core.catalog import NUMERIC
from tests.core.dialects.engines.elasticsearch import Elasticsearch
from tests.core.dialects.engines.programs import Program, lucene_version
from tests.core.dialects.engines.rows import SHOP, Row

_ESCAPED_BRACE = re.compile(r"(?<!\\)((?:\\\\)*)\\([{}])")


class Kibana(Elasticsearch):
    dialect = "kibana"

    @staticmethod
    def fold(text: str) -> str:
        return text

    @property
    def version(self) -> str:
        return f"@cybernetex/kbn-es-query 1.0.2, {lucene_version()}"

    def load(self, rows: Sequence[Row]) -> None:
        super().load(rows)
        self.parser = Program.node("kibana")
        # It nests the alternatives of a list.
        sys.setrecursionlimit(20_000)

    def select(self, compiled: dict[str, Any]) -> list[int]:
        query = self.parser.ask(_ESCAPED_BRACE.sub(r"\1\2", compiled["query"]))
        assert "error" not in query, query
        return super().select({"query": _as_filter(query)})

    def close(self) -> None:
        self.parser.close()
        super().close()


def _as_filter(query: Mapping[str, Any]) -> dict[str, Any]:
    """Return a query in the few forms that the evaluator reads."""
    ((kind, body),) = query.items()
    match kind:
        case "bool":
            occurs = {name: body[name] for name in ("filter", "should", "must_not") if name in body}
            parts = {name: value if isinstance(value, list) else [value] for name, value in occurs.items()}
            rest = {name: value for name, value in body.items() if name not in occurs}
            return {"bool": {**{name: list(map(_as_filter, value)) for name, value in parts.items()}, **rest}}
        case "match" | "match_phrase":
            ((name, value),) = body.items()
            return {"term": {name: {"value": _number(name, value)}}}
        case "range":
            ((name, limits),) = body.items()
            return {"range": {name: {sign: _number(name, limit) for sign, limit in limits.items()}}}
        case "match_all":
            return {"bool": {"filter": []}}
        case "query_string":
            assert not any(sign.isspace() for sign in body["query"]), body
            return {"wildcard": {body["fields"][0]: {"value": body["query"]}}}
    return dict(query)


def _number(name: str, value: Any) -> Any:
    """A number may stand in quotes."""
    field = SHOP.by_name.get(name)
    is_number = isinstance(value, str) and field is not None and field.type in NUMERIC
    return float(value) if is_number else value
