"""A catalog: what can be searched. Its fields have types, units, known values and the words people use for them.

The types are plain frozen dataclasses. Pydantic checks them at the border, so that `parse` reports every
fault at once with a JSON pointer, and the same definitions give the JSON schema of the API.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Annotated, Any, Literal

import orjson
from annotated_types import Ge, MaxLen, MinLen
from pydantic import BeforeValidator, ConfigDict, TypeAdapter, ValidationError

from nlp2filters.errors import Fault, InvalidCatalog

FieldType = Literal[
    "keyword",  # one of a set of strings; `closed` says whether others may occur
    "text",  # open text, searched by words
    "integer",
    "number",
    "money",  # a number in `currency`
    "date",  # a calendar day
    "datetime",  # an instant
    "time",  # a time of day
    "duration",  # a number in `unit`
    "boolean",
    "geo",  # a point: longitude and latitude in degrees
]

NUMERIC: frozenset[FieldType] = frozenset({"integer", "number", "money", "duration"})
TEMPORAL: frozenset[FieldType] = frozenset({"date", "datetime", "time"})
ORDERED = NUMERIC | TEMPORAL
STRINGS: frozenset[FieldType] = frozenset({"keyword", "text"})

Name = Annotated[str, MinLen(1), MaxLen(200)]
Phrase = Annotated[str, MinLen(1), MaxLen(200)]
Prose = Annotated[str, MaxLen(500)]

_STRICT = ConfigDict(extra="forbid")


@dataclass(frozen=True, slots=True)
class Value:
    """A known value of a keyword field, as it is stored, with the other words people use for it.

    `count` is how often it was seen, where somebody counted.
    """

    __pydantic_config__ = _STRICT

    value: Name
    synonyms: tuple[Phrase, ...] = ()
    count: Annotated[int, Ge(0)] | None = None


def _value_object(value: Any) -> Any:
    return {"value": value} if isinstance(value, str) else value


@dataclass(frozen=True, slots=True)
class Adjectives:
    """Words that say which end of a field is meant: `low` "cheap", `high` "expensive" (base form, not "cheapest")."""

    __pydantic_config__ = _STRICT

    low: tuple[Phrase, ...] = ()
    high: tuple[Phrase, ...] = ()


@dataclass(frozen=True, slots=True)
class Field:
    """One searchable property.

    `name` is the name in the search engine, `label` the one for people. `unit` is the unit of the stored
    numbers ("lb", "mpg", "min"), `currency` an ISO 4217 code. `values` are known values, most frequent
    first (of a text field: words that occur in it); with `closed` no other occurs. `many`: the property holds
    a list. `minimum` and `maximum` are what the data was seen to hold (ISO 8601 for dates).
    """

    __pydantic_config__ = _STRICT

    name: Name
    type: FieldType
    label: Prose = ""
    description: Prose = ""
    unit: Name | None = None
    currency: Annotated[str, MinLen(3), MaxLen(3)] | None = None
    synonyms: tuple[Phrase, ...] = ()
    adjectives: Adjectives = field(default_factory=Adjectives)
    values: tuple[Annotated[Value, BeforeValidator(_value_object)], ...] = ()
    closed: bool = False
    many: bool = False
    nullable: bool = True
    minimum: int | float | str | None = None
    maximum: int | float | str | None = None

    @property
    def title(self) -> str:
        """The field's name for people."""
        return self.label or self.name.replace("_", " ")


@dataclass(frozen=True)
class Catalog:
    """The fields of one kind of record. `nouns` are words for the records themselves ("cars", "vehicles")."""

    __pydantic_config__ = _STRICT

    name: Name
    fields: Annotated[tuple[Field, ...], MinLen(1), MaxLen(10_000)]
    title: Prose = ""
    description: Prose = ""
    source: Prose = ""
    nouns: tuple[Phrase, ...] = ()
    examples: tuple[Prose, ...] = ()

    @cached_property
    def by_name(self) -> Mapping[str, Field]:
        """The fields under their names."""
        return {field.name: field for field in self.fields}

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the content: the key for anything derived from the catalog."""
        return hashlib.sha256(orjson.dumps(to_json(self), option=orjson.OPT_SORT_KEYS)).hexdigest()


_adapter = TypeAdapter(Catalog)


def parse(data: object) -> Catalog:
    """Read a catalog from decoded JSON.

    Raises:
        InvalidCatalog: with every fault found and where it is.
    """
    try:
        catalog = _adapter.validate_python(data)
    except ValidationError as exc:
        raise InvalidCatalog([Fault(_pointer(error["loc"]), error["msg"]) for error in exc.errors()]) from exc
    if faults := list(_faults(catalog)):
        raise InvalidCatalog(faults)
    return catalog


def to_json(catalog: Catalog) -> dict[str, Any]:
    """The catalog as JSON data; what is at its default is left out."""
    data: dict[str, Any] = _adapter.dump_python(catalog, mode="json", exclude_defaults=True)
    return data


def _pointer(loc: tuple[int | str, ...]) -> str:
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in loc)


def _faults(catalog: Catalog) -> Iterator[Fault]:
    """What the types alone do not rule out."""
    counts = Counter(field.name for field in catalog.fields)
    for index, field_ in enumerate(catalog.fields):
        at = f"/fields/{index}"
        if counts[field_.name] > 1:
            yield Fault(f"{at}/name", f"The name {field_.name!r} is used {counts[field_.name]} times; make it unique.")
        if field_.values and field_.type not in STRINGS:
            yield Fault(f"{at}/values", f"Only keyword and text fields have values, not {field_.type}.")
        if field_.closed and not field_.values:
            yield Fault(f"{at}/closed", "A closed field needs its values.")
        if field_.currency and field_.type != "money":
            yield Fault(f"{at}/currency", f"Only a money field has a currency, not {field_.type}.")
        if field_.type == "money" and not field_.currency:
            yield Fault(f"{at}/currency", "A money field needs its currency, an ISO 4217 code such as USD.")
        values = Counter(value.value for value in field_.values)
        for value, times in values.items():
            if times > 1:
                yield Fault(f"{at}/values", f"The value {value!r} stands there {times} times.")
