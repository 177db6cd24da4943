"""Query DSL by a small evaluator, over an index as Elasticsearch maps it by itself.

It keeps to what the pages on dynamic mapping, `ignore_above`, numbers and dates say, and to Lucene's order of floats:
-0.0 is less than 0.0.
"""

import datetime as dt
import re
import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from nlp2filters.core.catalog import NUMERIC
from nlp2filters.core.dialects.stored_values import in_form
from tests.core.dialects.engines.adapter import Adapter
from tests.core.dialects.engines.rows import SHOP, Row
from tests.reference import fold

IGNORE_ABOVE = 256
_DATE = re.compile(r"\d{4}-\d\d-\d\d(T.*)?")

# The terms of a document by the name of the field or sub-field, and the fields in which it has values.
Document = tuple[Mapping[str, list[Any]], set[str]]


class QueryDSL(Adapter):
    dialect = "elasticsearch"
    emulated = True

    def load(self, rows: Sequence[Row]) -> None:
        self.documents = {row["id"]: _indexed(row) for row in rows}

    def select(self, compiled: dict[str, Any]) -> list[int]:
        return [number for number, document in self.documents.items() if _passes(compiled["query"], document)]


class OpenSearchDSL(QueryDSL):
    dialect = "opensearch"


def _indexed(row: Row) -> Document:
    terms: dict[str, list[Any]] = {}
    present = set()
    for field in SHOP.fields:
        value = row[field.name]
        values = [] if value is None else value if isinstance(value, list) else [value]
        if values:
            present.add(field.name)
        for element in values:
            # Numbers with fractions come as such, or the first whole one would make the field a long.
            is_fraction = field.type in NUMERIC and field.type != "integer"
            stored = float(element) if is_fraction else in_form(element, "iso")
            if isinstance(stored, str) and not _DATE.fullmatch(stored):
                if len(stored.encode("utf-16-le")) // 2 <= IGNORE_ABOVE:
                    terms.setdefault(f"{field.name}.keyword", []).append(stored)
                continue
            terms.setdefault(field.name, []).append(_term(stored, float if is_fraction else None))
    return terms, present


def _term(value: Any, type_: type | None) -> Any:
    if isinstance(value, str):
        return _milliseconds(value)
    return _single(value) if type_ is float else value


def _milliseconds(text: str) -> int:
    instant = dt.datetime.fromisoformat(text)
    instant = instant if instant.tzinfo else instant.replace(tzinfo=dt.UTC)
    return (instant - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)) // dt.timedelta(milliseconds=1)


def _single(value: float) -> int:
    """Lucene's FloatPoint: the bits of single precision as an integer of the same order."""
    bits: int = struct.unpack(">i", struct.pack(">f", value))[0]
    return bits if bits >= 0 else bits ^ 0x7FFF_FFFF


def _passes(query: Mapping[str, Any], document: Document) -> bool:
    ((kind, body),) = query.items()
    terms, present = document
    match kind:
        case "bool":
            assert body.keys() <= {"filter", "must_not", "should", "minimum_should_match"}
            should = [_passes(part, document) for part in body.get("should", ())]
            return (
                all(_passes(part, document) for part in body.get("filter", ()))
                and not any(_passes(part, document) for part in body.get("must_not", ()))
                and sum(should) >= body.get("minimum_should_match", 0)
            )
        case "exists":
            return body["field"] in present
    ((name, asked),) = body.items()
    is_keyword = name.endswith(".keyword")
    field = SHOP.by_name[name.removesuffix(".keyword")]
    assert is_keyword == (field.type in ("keyword", "text", "time")), "only whole strings are compared"
    type_ = float if field.type in NUMERIC and field.type != "integer" else None
    asked_term: Callable[[Any], Any] = (lambda value: value) if is_keyword else (lambda value: _term(value, type_))
    return any(_term_passes(kind, asked, term, asked_term) for term in terms.get(name, ()))


def _term_passes(kind: str, asked: Any, term: Any, asked_term: Callable[[Any], Any]) -> bool:
    match kind:
        case "term" if asked.get("case_insensitive"):
            return fold(term) == fold(asked["value"])
        case "term":
            return _equals(term, asked["value"], asked_term)
        case "terms":
            return any(_equals(term, value, asked_term) for value in asked)
        case "wildcard":
            insensitive = asked.get("case_insensitive", False)
            pattern = "".join(
                ".*" if part == "*" else "." if part == "?" else re.escape(part[-1])
                for part in re.findall(r"\\.|.", fold(asked["value"]) if insensitive else asked["value"], re.DOTALL)
            )
            return re.fullmatch(pattern, fold(term) if insensitive else term, re.DOTALL) is not None
        case "range":
            bounds = {"lt": term.__lt__, "lte": term.__le__, "gt": term.__gt__, "gte": term.__ge__}
            return all(bounds[bound](_rounded(limit, bound, asked_term)) for bound, limit in asked.items())
    raise AssertionError(f"unknown query {kind}")


def _equals(term: Any, value: Any, asked_term: Callable[[Any], Any]) -> bool:
    if isinstance(term, str):
        return bool(term == value)
    return bool(asked_term(value) <= term <= asked_term(value) + _missing(value))


def _rounded(limit: Any, bound: str, asked_term: Callable[[Any], Any]) -> Any:
    """The parts that a date lacks are filled up to its last millisecond by `gt` and `lte`."""
    limit_term = asked_term(limit)
    return limit_term + _missing(limit) if bound in ("gt", "lte") and not isinstance(limit_term, str) else limit_term


def _missing(value: Any) -> int:
    """The milliseconds that a date may be later, by the parts that it lacks."""
    if not isinstance(value, str) or not _DATE.fullmatch(value):
        return 0
    return 86_399_999 if "T" not in value else 0 if "." in value else 999
