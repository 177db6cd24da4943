"""A catalog: the searchable fields, with types, units, known values and the words that people use for them.

The types are plain frozen dataclasses. Pydantic validates them at the boundary, so that `parse` reports every
fault at once with a JSON pointer, and the same definitions give the JSON schema of the API.
"""

import datetime as dt
import hashlib
import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain, islice
from typing import Annotated, Any, Literal

import orjson
from annotated_types import Ge, Le, MaxLen, MinLen
from pydantic import BeforeValidator, ConfigDict, FailFast, StringConstraints, TypeAdapter, ValidationError

from nlp2filters.core.mapping import EngineMapping
from nlp2filters.errors import InvalidCatalog, Violation, pointer

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

Operator = Literal[
    "=",
    "<>",
    "in",
    "not in",
    "<",
    "<=",
    ">",
    ">=",
    "between",
    "not between",
    "contains",
    "not contains",
    "isNull",
    "not isNull",
]
_EQUALITY: tuple[Operator, ...] = ("=", "<>", "in", "not in")
_ORDER: tuple[Operator, ...] = ("<", "<=", ">", ">=")
_RANGE: tuple[Operator, ...] = ("between", "not between")
_WORDS: tuple[Operator, ...] = ("contains", "not contains")
_NULL: tuple[Operator, ...] = ("isNull", "not isNull")


def applicable(type: FieldType, *, many: bool = False) -> tuple[Operator, ...]:  # noqa: A002
    """Return the operators that make sense for a type.

    A list passes a test if one of its values does, and the negated test if none does. "<" and ">=" would not be
    opposites then, so lists have ranges instead.
    """
    equality = _EQUALITY if type != "geo" else ()
    order = (*(_ORDER if not many else ()), *_RANGE) if type in ORDERED else ()
    words = _WORDS if type in STRINGS else ()
    return (*equality, *order, *words, *_NULL)


MAX_FIELDS = 10_000
# An LLM is told this many values of a field; of others, those that a text may mean are retrieved.
MAX_LISTED_VALUES = 200
# At most this many faults are reported.
MAX_VIOLATIONS = 1_000

Name = Annotated[str, MinLen(1), MaxLen(200)]
Phrase = Annotated[str, MinLen(1), MaxLen(200)]
Prose = Annotated[str, MaxLen(500)]
# Without failing fast, a list of half a million numbers would have as many faults.
Phrases = Annotated[tuple[Phrase, ...], FailFast()]

_STRICT = ConfigDict(extra="forbid")


@dataclass(frozen=True, slots=True)
class Value:
    """A known value of a keyword field in its stored spelling, with the other words that people use for it.

    A synonym that differs from it in case and blanks only is another stored spelling, which filters ask for as well.
    `count` is how often all of these were seen, if they were counted.
    """

    __pydantic_config__ = _STRICT

    value: Name
    synonyms: Phrases = ()
    count: Annotated[int, Ge(0)] | None = None


def is_spelling(synonym: str, value: str) -> bool:
    """Return whether a synonym is another stored spelling of the value."""
    return synonym != value and " ".join(synonym.split()).casefold() == " ".join(value.split()).casefold()


def _value_object(value: Any) -> Any:
    return {"value": value} if isinstance(value, str) else value


@dataclass(frozen=True, slots=True)
class Adjectives:
    """Words that say which end of a field is meant: `low` "cheap", `high` "expensive" (base form, not "cheapest")."""

    __pydantic_config__ = _STRICT

    low: Phrases = ()
    high: Phrases = ()


@dataclass(frozen=True, slots=True)
class Field:
    """One searchable property.

    `name` is the name in the search engine, `label` the one for people. `unit` is the unit of the stored
    numbers ("lb", "mpg", "min"), `currency` an ISO 4217 code. `values` are known values, most frequent
    first (of a text field: words that occur in it); with `closed`, no others occur. `many`: the property holds
    a list. `operators` are the allowed ones; if empty, all that the type has. `minimum` and `maximum` are the
    limits of the data seen (ISO 8601 for dates), `examples` are possible values.
    """

    __pydantic_config__ = _STRICT

    name: Name
    type: FieldType
    label: Prose = ""
    description: Prose = ""
    unit: Name | None = None
    currency: Annotated[str, StringConstraints(pattern="^[A-Z]{3}$")] | None = None
    synonyms: Phrases = ()
    adjectives: Adjectives = field(default_factory=Adjectives)
    values: Annotated[
        tuple[Annotated[Value, BeforeValidator(_value_object, json_schema_input_type=str | Value)], ...], FailFast()
    ] = ()
    closed: bool = False
    many: bool = False
    nullable: bool = True
    minimum: int | float | str | None = None
    maximum: int | float | str | None = None
    operators: Annotated[tuple[Operator, ...], FailFast()] = ()
    examples: Annotated[tuple[Prose | int | float | bool, ...], FailFast()] = ()

    def __hash__(self) -> int:
        """Hash by name: a field may have thousands of values, and is looked up often."""
        return hash(self.name)

    @property
    def title(self) -> str:
        """The field's name for people."""
        return self.label or title_of(self.name)

    @property
    def is_open(self) -> bool:
        """True for a string field whose values the catalog does not list."""
        return self.type in STRINGS and not self.closed and not self.values


def title_of(name: str) -> str:
    """Return a field's name as people read it: "max_speed" is "max speed"."""
    return name.replace("_", " ")


@dataclass(frozen=True, slots=True)
class _Spellings:
    """The spellings of a field's known values. The first value with a spelling owns it."""

    exact: Set[str]
    folded: Mapping[str, str]
    synonyms: Mapping[str, str]

    @classmethod
    def of(cls, values: Sequence[Value]) -> "_Spellings":
        folded: dict[str, str] = {}
        synonyms: dict[str, str] = {}
        for value in values:
            folded.setdefault(value.value.casefold(), value.value)
            for synonym in value.synonyms:
                synonyms.setdefault(synonym.casefold(), value.value)
        return cls({value.value for value in values}, folded, synonyms)

    def stored(self, spelling: str) -> str | None:
        if spelling in self.exact:
            return spelling
        folded = spelling.strip().casefold()
        return self.folded.get(folded) or self.synonyms.get(folded)


@dataclass(frozen=True)
class Catalog:
    """The fields of one kind of record. `nouns` are words for the records themselves ("cars", "vehicles").

    `scope` is a filter (CQL2) that applies to every search, whatever the text says. `fiscal_year_start` is the
    month in which fiscal years begin; each is called after the year that it ends in. `mappings` say how engines store
    the records, by the name of the dialect.
    """

    __pydantic_config__ = _STRICT

    name: Name
    fields: Annotated[tuple[Field, ...], MinLen(1), MaxLen(MAX_FIELDS)]
    title: Prose = ""
    description: Prose = ""
    source: Prose = ""
    nouns: Phrases = ()
    examples: Annotated[tuple[Prose, ...], FailFast()] = ()
    scope: Mapping[str, Any] | str | None = None
    fiscal_year_start: Annotated[int, Ge(1), Le(12)] = 1
    mappings: Mapping[str, EngineMapping] = field(default_factory=dict)

    @cached_property
    def by_name(self) -> Mapping[str, Field]:
        """The fields by name."""
        return {field.name: field for field in self.fields}

    def stored_value(self, field: Field, spelling: str) -> str | None:
        """Return the known value that is meant: an exact match first, then one in any case, then by synonym."""
        if field.name not in self._spellings:
            self._spellings[field.name] = _Spellings.of(field.values)
        return self._spellings[field.name].stored(spelling)

    @cached_property
    def _spellings(self) -> dict[str, "_Spellings"]:
        return {}

    @cached_property
    def fingerprint(self) -> str:
        """The SHA-256 of the content: the key for anything derived from the catalog."""
        return hashlib.sha256(orjson.dumps(to_json(self), option=orjson.OPT_SORT_KEYS)).hexdigest()

    def __hash__(self) -> int:
        return hash(self.fingerprint)


_adapter = TypeAdapter(Catalog)
_field_adapter = TypeAdapter(Field)


def parse(data: object) -> Catalog:
    """Read a catalog from decoded JSON.

    Raises:
        InvalidCatalog: with every fault and its place, up to `MAX_VIOLATIONS`; only the first in a list within a field.
    """
    if isinstance(data, dict) and isinstance(fields := data.get("fields"), list) and len(fields) > MAX_FIELDS:
        raise InvalidCatalog([Violation("/fields", f"There are {len(fields)} fields; {MAX_FIELDS} are allowed.")])
    try:
        catalog = _adapter.validate_python(data)
    except ValidationError as exc:
        more = _violations(_sound_fields(data)) if exc.error_count() < MAX_VIOLATIONS else ()
        raise InvalidCatalog(list(islice(chain(_faults_of_types(exc), more), MAX_VIOLATIONS))) from exc
    if violations := list(islice(_violations(dict(enumerate(catalog.fields))), MAX_VIOLATIONS)):
        raise InvalidCatalog(violations)
    return catalog


def to_json(catalog: Catalog) -> dict[str, Any]:
    """Return the catalog as JSON data, without members at their default."""
    data: dict[str, Any] = _adapter.dump_python(catalog, mode="json", exclude_defaults=True)
    return data


def _faults_of_types(error: ValidationError) -> Iterator[Violation]:
    """Yield the faults that Pydantic has found."""
    errors = error.errors()
    for part in errors:
        # Pydantic also calls a list too short if all of its members are faulty.
        if len(errors) == 1 or part["type"] != "too_short" or part["loc"] != ("fields",):
            yield Violation(pointer(*part["loc"]), part["msg"])


def _sound_fields(data: object) -> dict[int, Field]:
    """Return the fields of a faulty catalog that are valid by themselves, by index."""
    fields = data.get("fields") if isinstance(data, dict) else None
    sound = {}
    for index, field_ in enumerate(fields if isinstance(fields, list) else ()):
        try:
            sound[index] = _field_adapter.validate_python(field_)
        except ValidationError:
            continue
    return sound


def _violations(fields: Mapping[int, Field]) -> Iterator[Violation]:
    """Yield the faults that the types alone do not rule out."""
    counts = Counter(field.name for field in fields.values())
    for index, field_ in fields.items():
        at = f"/fields/{index}"
        if counts[field_.name] > 1:
            yield Violation(
                f"{at}/name", f"The name {field_.name!r} is used {counts[field_.name]} times; make it unique."
            )
        yield from _wrong_members(field_, at)
        yield from _wrong_operators(field_, f"{at}/operators")
        yield from _wrong_limits(field_, at)
        for value, times in Counter(value.value for value in field_.values).items():
            if times > 1:
                yield Violation(f"{at}/values", f"The value {value!r} stands there {times} times.")


def _wrong_members(field: Field, at: str) -> Iterator[Violation]:
    """Yield a fault for each member that a field of this type cannot have, or lacks."""
    if field.values and field.type not in STRINGS:
        yield Violation(f"{at}/values", f"Only keyword and text fields have values, not {field.type}.")
    if field.closed and not field.values:
        yield Violation(f"{at}/closed", "A closed field needs its values.")
    if field.currency and field.type != "money":
        yield Violation(f"{at}/currency", f"Only a money field has a currency, not {field.type}.")
    if field.type == "money" and not field.currency:
        yield Violation(f"{at}/currency", "A money field needs its currency, an ISO 4217 code such as USD.")
    if field.many and field.type in ("boolean", "geo"):
        yield Violation(f"{at}/many", f"A {field.type} field holds no list.")


def _wrong_operators(field: Field, at: str) -> Iterator[Violation]:
    allowed = applicable(field.type, many=field.many)
    for index, operator in enumerate(field.operators):
        if operator not in allowed:
            kind = f"a list of {field.type}" if field.many else field.type
            yield Violation(f"{at}/{index}", f"{operator!r} does not apply to {kind}. Allowed: {', '.join(allowed)}.")


def _wrong_limits(field: Field, at: str) -> Iterator[Violation]:
    """Yield a fault for limits of another type than the field, or in the wrong order."""
    limits = {"minimum": field.minimum, "maximum": field.maximum}
    sound = True
    for name, limit in limits.items():
        if limit is not None and not _is_limit(limit, field.type):
            sound = False
            yield Violation(f"{at}/{name}", f"{limit!r} is no limit of a {field.type} field.")
    low, high = limits.values()
    # Both have the same type.
    if sound and low is not None and high is not None and low > high:  # type: ignore[operator]
        yield Violation(f"{at}/minimum", f"The minimum {low!r} is greater than the maximum {high!r}.")


def _is_limit(limit: int | float | str, type_: FieldType) -> bool:
    if type_ in NUMERIC:
        return not isinstance(limit, str) and math.isfinite(limit)
    read = _READ_TEMPORAL.get(type_)
    if read is None or not isinstance(limit, str):
        return False
    try:
        read(limit)
    except ValueError:
        return False
    return True


_READ_TEMPORAL: Mapping[FieldType, Callable[[str], object]] = {
    "date": dt.date.fromisoformat,
    "datetime": dt.datetime.fromisoformat,
    "time": dt.time.fromisoformat,
}
