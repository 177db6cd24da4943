"""Cases: texts with their expected meaning, and their catalogs. There are two forms, which may be mixed in a file.

exact    {"id", "catalog", "text", "category", "today"?, "locale"?, "expected": {"filter": CQL2-JSON or null, "also"?:
         [CQL2-JSON, …], "sort"?: [[field, direction], …], "limit"?, "text"?, "ignored"?: [quote, …], "asks"?: bool}}
flat     {"id", "catalog", "text", "conditions": [{"field", "op", "value", "alt"?: [value, …]}]}, for public data sets

Catalogs come as a list: the name of a packaged catalog, a catalog in our own form, or for flat cases {"catalog",
"fields": [{"name", "type", "description", "values", "unit"}], "reference_date"?, "ops_labelled"?,
"strict_comparisons"?}.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import orjson

from nlp2filters import demo
from nlp2filters.core import catalog as catalogs
from nlp2filters.core import checks, filters
from nlp2filters.core.catalog import STRINGS, Catalog, Field
from nlp2filters.core.cql2.reader import from_cql2
from nlp2filters.core.filters import Filter, Leaf, Not
from nlp2filters.core.interpretation import Interpretation, Sort, leaf_to_json
from nlp2filters.errors import InvalidCases, InvalidFilter, InvalidInput, Violation
from nlp2filters.evaluation.values import field_key

MAX_VALUES = 10_000

_OPERATORS = {
    **dict.fromkeys(("=", "==", "is", "equals", "equal", "term"), "eq"),
    **dict.fromkeys(("!=", "<>", "not", "neq", "not_eq"), "ne"),
    **dict.fromkeys((">",), "gt"),
    **dict.fromkeys((">=", "ge"), "gte"),
    **dict.fromkeys(("<",), "lt"),
    **dict.fromkeys(("<=", "le"), "lte"),
    **dict.fromkeys(("like", "match", "contains_any"), "contains"),
    **dict.fromkeys(("any", "terms"), "in"),
}


@dataclass(frozen=True, slots=True)
class Condition:
    """A test without its place in a boolean tree. `value` or any of `alternatives` is right; a list means `op` "in".

    `op` is one of eq, ne, gt, gte, lt, lte, in, contains, or a name that equals only itself. `confidence` is that of
    a prediction.
    """

    field: str
    op: str
    value: Any
    alternatives: tuple[Any, ...] = ()
    confidence: float = 1.0


@dataclass(frozen=True, slots=True)
class Expected:
    """The complete expected interpretation of a text; any of `filters` is right.

    `ignored` are quotes that must be among the ignored words. A `text` or `asks` of None is not compared.
    """

    filters: tuple[Filter | None, ...]
    sort: tuple[Sort, ...] = ()
    limit: int | None = None
    text: str | None = ""
    ignored: tuple[str, ...] = ()
    asks: bool | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """A text with its expected conditions, and with the complete interpretation if the case gives it."""

    id: str
    catalog: str
    text: str
    category: str
    conditions: tuple[Condition, ...]
    expected: Expected | None = None
    today: dt.date | None = None
    locale: str = "en"


@dataclass(frozen=True)
class Collection:
    """A catalog, with the meaning of the labels of its cases.

    If `operators` is false, operators are not labelled, and only fields and values count. If `strict`, "over 5" differs
    from "5 or more".
    """

    catalog: Catalog
    reference_date: dt.date | None = None
    operators: bool = True
    strict: bool = True

    @property
    def name(self) -> str:
        """The name by which cases refer to the catalog."""
        return self.catalog.name

    @cached_property
    def fields(self) -> Mapping[str, Field]:
        """The fields by their `field_key`."""
        return {field_key(field.name): field for field in self.catalog.fields}


def read_collections(data: bytes) -> dict[str, Collection]:
    """Read the catalogs of a file, by name.

    Raises:
        InvalidCases: the file is not JSON.
        InvalidCatalog: a catalog has faults; the error lists those of the first such catalog.
        CatalogNotFound: the file names a packaged catalog that does not exist.
    """
    try:
        items = orjson.loads(data)
    except orjson.JSONDecodeError as exc:
        raise InvalidCases([Violation("", f"The catalogs are not JSON: {exc}.")]) from exc
    collections = {}
    for index, item in enumerate(items if isinstance(items, list) else [items]):
        try:
            collection = _collection(item)
        except InvalidInput as exc:
            raise exc.prefixed(f"/{index}") from exc
        collections[collection.name] = collection
    return collections


def _collection(item: object) -> Collection:
    if isinstance(item, dict) and "catalog" in item:
        return _flat_collection(item)
    return Collection(demo.catalog_of(item))


def _flat_collection(item: Mapping[str, Any]) -> Collection:
    reference = item.get("reference_date")
    fields = [_flat_field(field) for field in item["fields"]]
    return Collection(
        catalog=catalogs.parse({"name": item["catalog"], "fields": fields}),
        reference_date=dt.date.fromisoformat(reference) if reference else None,
        operators=item.get("ops_labelled") is not False,
        strict=item.get("strict_comparisons") is not False,
    )


def _flat_field(field: Mapping[str, Any]) -> dict[str, Any]:
    plain = {"name": field["name"], "type": field["type"], "description": (field.get("description") or "")[:500]}
    if field["type"] == "money":
        plain["currency"] = "USD"
    if field.get("values") and field["type"] in STRINGS:
        plain["values"] = list(dict.fromkeys(field["values"]))[:MAX_VALUES]
    if field.get("unit"):
        plain["unit"] = field["unit"]
    return plain


def read_cases(data: bytes, collections: Mapping[str, Collection]) -> list[Case]:
    """Read the cases of a JSON Lines file.

    Raises:
        InvalidCases: it lists every line that is not a case, or that names no catalog of `collections`.
    """
    cases, violations = [], []
    for number, line in enumerate(data.splitlines(), 1):
        if not line.strip():
            continue
        try:
            cases.append(_case(orjson.loads(line), collections))
        except InvalidFilter as exc:
            violations += [
                Violation(f"/{number}/expected/filter{violation.pointer}", violation.detail)
                for violation in exc.violations
            ]
        except (ValueError, LookupError, TypeError) as exc:
            violations.append(Violation(f"/{number}", f"Not a case: {type(exc).__name__}: {exc}."))
    if violations:
        raise InvalidCases(violations)
    return cases


def _case(data: Mapping[str, Any], collections: Mapping[str, Collection]) -> Case:
    collection = collections.get(data["catalog"])
    if collection is None:
        raise LookupError(f"there is no catalog {data['catalog']!r}")
    today = dt.date.fromisoformat(data["today"]) if "today" in data else collection.reference_date
    expected = _expected(data["expected"], collection.catalog, today) if "expected" in data else None
    if expected:
        conditions = flatten(expected.filters[0])
    else:
        conditions = tuple(
            Condition(item["field"], item["op"], item["value"], tuple(item.get("alt") or ()))
            for item in data["conditions"]
        )
    return Case(
        id=data["id"],
        catalog=data["catalog"],
        text=data["text"],
        category=data.get("category") or _size(conditions),
        conditions=conditions,
        expected=expected,
        today=today,
        locale=data.get("locale", "en"),
    )


def _size(conditions: Sequence[Condition]) -> str:
    """Return a category for cases without one."""
    return {0: "no condition", 1: "1 condition"}.get(len(conditions), f"{min(len(conditions), 4)} conditions")


def _expected(data: Mapping[str, Any], catalog: Catalog, today: dt.date | None) -> Expected:
    nodes = [data["filter"], *data.get("also", ())]
    sorts = tuple(Sort(field, direction) for field, direction in data.get("sort", ()))
    return Expected(
        filters=tuple(_filter(item, catalog, today) for item in nodes),
        sort=checks.check_sort(sorts, catalog),
        limit=data.get("limit"),
        text=data.get("text", ""),
        ignored=tuple(data.get("ignored", ())),
        asks=data.get("asks"),
    )


def _filter(data: Any, catalog: Catalog, today: dt.date | None) -> Filter | None:
    if data is None:
        return None
    read = from_cql2(data, stored=True)
    checks.check(read, catalog)
    return filters.resolve(read, today) if today else read


def flatten(node: Filter | None) -> tuple[Condition, ...]:
    """Return the tests of a filter, without AND and OR."""
    return tuple(
        part for test in filters.tests(filters.push_not_inward(node) if node else None) for part in conditions(test)
    )


def conditions(test: Leaf | Not, confidence: float = 1.0) -> tuple[Condition, ...]:
    """Convert a test to conditions: a range to its two limits, "none of" to one `ne` for each value."""
    data = leaf_to_json(test)
    field, op, value = data["field"], data["op"], _plain(data["value"])
    match op:
        case "between":
            parts = [("gte", value[0]), ("lte", value[1])]
        case "not in":
            parts = [("ne", item) for item in value]
        case "not contains":
            parts = [("ne", value)]
        case _:
            parts = [(operator(op), value)]
    return tuple(Condition(field, name, item, confidence=confidence) for name, item in parts)


def operator(name: str) -> str:
    """Return the operator's name as used in `Condition`."""
    name = name.lower().strip()
    return _OPERATORS.get(name, name)


def _plain(value: Any) -> Any:
    """Unwrap dates and times in a value of `leaf_to_json`."""
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return next(iter(value.values())) if isinstance(value, dict) else value


def predicted(reading: Interpretation) -> tuple[Condition, ...]:
    """Return the conditions of an interpretation, with their confidence. Relative dates must be resolved."""
    return tuple(part for one in reading.conditions for part in conditions(one.test, one.confidence))
