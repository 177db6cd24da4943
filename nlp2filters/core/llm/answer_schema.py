"""The JSON schema of an LLM's answer: the form of `answer_form.py`, narrowed to a catalog.

    {"conditions": [{"quote", "field", "op", "value", "group", "confidence"}], "sort", "limit", "text", "ignored",
     "clarification"}

A condition is one of several kinds: that of a closed field with its values, or that of all fields with the same type
and operators. So a model that is held to the schema can neither misspell a field, nor invent a value of a closed one.
The schema depends on nothing but the catalog and the provider's limits: providers cache what they make of it.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import accumulate, chain
from typing import Any

from nlp2filters.core import checks
from nlp2filters.core.catalog import NUMERIC, STRINGS, Catalog, Field
from nlp2filters.core.llm.schema_limits import OPENAI_LIMITS, SchemaLimits

Schema = dict[str, Any]

# The schemas of so many catalogs are kept: building one takes as much CPU time as the rest of a question.
MAX_CATALOGS = 64
# Enum values that a schema needs besides those of the fields' names and values: operators and directions.
_SPARE_ENUM_VALUES = 60
# Each closed field is a kind of condition of its own, and servers compile every kind. Beyond this many it is too slow.
_MAX_CLOSED_FIELDS = 32
_STRING, _NUMBER, _BOOLEAN = {"type": "string"}, {"type": "number"}, {"type": "boolean"}


@lru_cache(maxsize=MAX_CATALOGS)
def answer_schema(catalog: Catalog, limits: SchemaLimits = OPENAI_LIMITS) -> Schema:
    """Build the most exact schema of an answer that stays within the limits.

    Every object is closed and every member required, as the strict modes of providers demand. Closed fields are listed
    with their values while they fit, those with the fewest first; a catalog of too many fields has none listed. Every
    caller gets the same object, so it is not to be changed.
    """
    *exact, plainest = _schemas(catalog, limits)
    return next((schema for schema in exact if fits(schema, limits)), plainest)


def _schemas(catalog: Catalog, limits: SchemaLimits) -> Iterator[Schema]:
    """Yield schemas from the most exact to the plainest."""
    if len(catalog.fields) <= limits.enum_values:
        for closed in (_closed_fields(catalog, limits), ()):
            yield _Builder().answer(_kinds(catalog, closed), [field.name for field in catalog.fields])
        yield _Builder().answer([_any_field(catalog, listed=True)], None)
    yield _Builder().answer([_any_field(catalog, listed=False)], None)


def _closed_fields(catalog: Catalog, limits: SchemaLimits) -> Sequence[Field]:
    """Return the closed fields whose values fit into the enums, beside the names of all fields."""
    closed = [field for field in catalog.fields if field.closed and field.type in STRINGS]
    closed = sorted((field for field in closed if _is_short(field, limits)), key=lambda field: len(field.values))
    room = limits.enum_values - 2 * len(catalog.fields) - _SPARE_ENUM_VALUES
    totals = accumulate(len(field.values) for field in closed)
    # Each kind of condition has an `anyOf` of its own, and so have the answer's other members.
    most = max(0, limits.unions - 3 - len({_shape(field) for field in catalog.fields}))
    fitting = [field for field, total in zip(closed, totals, strict=True) if total <= room]
    return fitting[: min(most, _MAX_CLOSED_FIELDS)]


def _is_short(field: Field, limits: SchemaLimits) -> bool:
    characters = sum(len(value.value) for value in field.values)
    return len(field.values) <= limits.long_enum_values or characters <= limits.long_enum_characters


@dataclass(frozen=True, slots=True)
class _Kind:
    """A kind of condition: the fields that it may be about (None: any name), its operators, and a scalar's schemas."""

    fields: Sequence[str] | None
    operators: tuple[str, ...]
    scalars: Sequence[Schema]


def _shape(field: Field) -> tuple[str, tuple[str, ...]]:
    """Return what fields of one kind of condition have in common: the JSON type of values, and the operators."""
    if field.type in NUMERIC:
        return "number", checks.operators(field)
    return ("boolean" if field.type == "boolean" else "string"), checks.operators(field)


def _kinds(catalog: Catalog, closed: Sequence[Field]) -> list[_Kind]:
    names = {field.name for field in closed}
    alike: dict[tuple[str, tuple[str, ...]], list[str]] = defaultdict(list)
    for one in catalog.fields:
        if one.name not in names:
            alike[_shape(one)].append(one.name)
    return [
        *(_Kind([one.name], checks.operators(one), [_enum(value.value for value in one.values)]) for one in closed),
        *(_Kind(fields, operators, [{"type": type_}]) for (type_, operators), fields in alike.items()),
    ]


def _any_field(catalog: Catalog, *, listed: bool) -> _Kind:
    operators = dict.fromkeys(chain.from_iterable(checks.operators(field) for field in catalog.fields))
    names = [field.name for field in catalog.fields] if listed else None
    return _Kind(names, tuple(operators), [_STRING, _NUMBER, _BOOLEAN])


@dataclass
class _Builder:
    """A builder of one schema. What is said in several places, such as operators, is said once, as a definition."""

    definitions: dict[str, Schema] = field(default_factory=dict)

    def answer(self, kinds: Sequence[_Kind], sortable: Sequence[str] | None) -> Schema:
        conditions = [self.condition(kind) for kind in kinds]
        sort = {"field": _enum(sortable) if sortable else _STRING, "direction": _enum(["asc", "desc"])}
        clarification = {"question": _STRING, "choices": _list(_STRING)}
        members = {
            "conditions": _list(_any_of(conditions)),
            "sort": _list(_object(sort)),
            "limit": _nullable({"type": "integer"}),
            "text": _STRING,
            "ignored": _list(_object({"quote": _STRING, "reason": _STRING})),
            "clarification": _nullable(_object(clarification)),
        }
        return {**_object(members), **({"$defs": self.definitions} if self.definitions else {})}

    def condition(self, kind: _Kind) -> Schema:
        scalars = [self.shared("values", schema) if "enum" in schema else schema for schema in kind.scalars]
        return _object(
            {
                "quote": _STRING,
                "field": _STRING if kind.fields is None else _enum(kind.fields),
                "op": self.shared("operators", _enum(kind.operators)),
                "value": _any_of([*scalars, _list(_any_of(scalars)), {"type": "null"}]),
                "group": {"type": "integer"},
                "confidence": _NUMBER,
            }
        )

    def shared(self, name: str, schema: Schema) -> Schema:
        """Refer to a definition with this content."""
        alike = (key for key, other in self.definitions.items() if other == schema)
        key = next(alike, f"{name}_{len(self.definitions)}")
        self.definitions[key] = schema
        return {"$ref": f"#/$defs/{key}"}


def fits(schema: Mapping[str, Any], limits: SchemaLimits) -> bool:
    """Return whether a schema is within the limits."""
    parts = list(_parts(schema, 1))
    enums = [part["enum"] for part, _ in parts if "enum" in part]
    names = [name for part, _ in parts for name in part.get("properties", ())]
    long = [enum for enum in enums if len(enum) > limits.long_enum_values]
    characters = sum(map(len, chain(names, schema.get("$defs", ()), *enums)))
    return (
        sum(map(len, enums)) <= limits.enum_values
        and len(names) <= limits.properties
        and max(depth for _, depth in parts) <= limits.depth
        and characters <= limits.characters
        and all(sum(map(len, enum)) <= limits.long_enum_characters for enum in long)
        and sum("anyOf" in part for part, _ in parts) <= limits.unions
    )


def _parts(schema: Mapping[str, Any], depth: int) -> Iterator[tuple[Mapping[str, Any], int]]:
    """Yield a schema and all within it, each with the number of objects and lists that it is in, and itself."""
    yield schema, depth
    for inner in schema.get("properties", {}).values():
        yield from _parts(inner, depth + 1)
    if "items" in schema:
        yield from _parts(schema["items"], depth + 1)
    for inner in chain(schema.get("anyOf", ()), schema.get("$defs", {}).values()):
        yield from _parts(inner, depth)


def _object(properties: Mapping[str, Any]) -> Schema:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def _enum(values: Iterable[str]) -> Schema:
    return {"type": "string", "enum": list(values)}


def _any_of(schemas: Sequence[Schema]) -> Schema:
    return schemas[0] if len(schemas) == 1 else {"anyOf": list(schemas)}


def _nullable(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}
