"""The JSON schema of an LLM's answer: what it allows, and that it stays within what providers take."""

from typing import Any

import jsonschema_rs
import pytest

from nlp2filters import demo
from nlp2filters.core import catalog as catalogs
from nlp2filters.core.catalog import Catalog
from nlp2filters.core.llm.answer_schema import answer_schema, fits
from nlp2filters.core.llm.schema_limits import OPENAI_LIMITS, SchemaLimits

CARS = demo.catalog("cars")


def assert_valid(answer: Any, schema: Any) -> None:
    jsonschema_rs.validator_for(schema).validate(answer)


def is_valid(answer: Any, schema: Any) -> bool:
    return bool(jsonschema_rs.validator_for(schema).is_valid(answer))


def answer(field: str, op: str, value: Any) -> dict[str, Any]:
    condition = {"quote": "x", "field": field, "op": op, "value": value, "group": 0, "confidence": 0.9}
    return {"conditions": [condition], "sort": [], "limit": None, "text": "", "ignored": [], "clarification": None}


def wide(fields: int, values: int = 0, length: int = 8) -> Catalog:
    """Build a catalog of so many closed fields, each with so many values of this length, or of numbers."""
    described = [
        {
            "name": f"f{at}",
            "type": "keyword",
            "closed": True,
            "values": [f"{number:0{length}}" for number in range(values)],
        }
        if values
        else {"name": f"f{at}", "type": "number"}
        for at in range(fields)
    ]
    return catalogs.parse({"name": "wide", "fields": described})


def test_the_schema_is_of_the_form_that_providers_enforce() -> None:
    def walk(schema: dict[str, Any]) -> None:
        if schema.get("type") == "object":
            assert schema["required"] == list(schema["properties"])
            assert schema["additionalProperties"] is False
        for part in [
            *schema.get("properties", {}).values(),
            *schema.get("anyOf", []),
            *schema.get("$defs", {}).values(),
            *([schema["items"]] if "items" in schema else []),
        ]:
            walk(part)

    schema = answer_schema(CARS)
    assert schema["type"] == "object"
    walk(schema)


@pytest.mark.parametrize(
    ("field", "op", "value", "valid"),
    [
        ("Origin", "=", "Japan", True),
        ("Origin", "in", ["Japan", "USA"], True),
        ("Origin", "isNull", None, True),
        ("Origin", "=", "France", False),
        ("Origin", "in", ["Japan", "France"], False),
        ("Origin", "<", "Japan", False),
        ("Origins", "=", "Japan", False),
        ("Cylinders", "=", 8, True),
        ("Cylinders", "between", [4, 6], True),
        ("Cylinders", "=", "eight", False),
        ("Cylinders", "contains", 8, False),
        ("Name", "contains", "pinto", True),  # its values are known, but not closed
    ],
)
def test_a_condition_has_the_operators_and_values_of_its_field(field: str, op: str, value: Any, valid: bool) -> None:
    assert is_valid(answer(field, op, value), answer_schema(CARS)) is valid


@pytest.mark.parametrize(
    "catalog",
    [
        CARS,
        demo.catalog("movies"),
        wide(1, 900),
        wide(1, 10_000),
        wide(1, 500, 40),
        wide(200),
        wide(100, 20),
        wide(450, 1),
        wide(999),
        wide(1_000),
        wide(10_000),
        wide(500, 3, 200),
    ],
    ids=lambda catalog: f"{len(catalog.fields)} fields of {len(catalog.fields[0].values)}",
)
@pytest.mark.parametrize(
    "limits",
    [
        OPENAI_LIMITS,
        SchemaLimits(unions=16),
        SchemaLimits(enum_values=100),
        SchemaLimits(depth=5),
        SchemaLimits(properties=40),
        SchemaLimits(characters=4_000),
    ],
    ids=repr,
)
def test_the_schema_is_within_the_limits_however_large_the_catalog(catalog: Catalog, limits: SchemaLimits) -> None:
    schema = answer_schema(catalog, limits)
    assert fits(schema, limits)
    field = catalog.fields[0]
    value = field.values[0].value if field.values else 1 if field.type == "number" else "x"
    assert is_valid(answer(field.name, "=", value), schema)


def test_closed_values_are_listed_while_they_fit_the_fewest_first() -> None:
    sizes = {"a": 700, "b": 2, "c": 300, "d": 2_000}
    fields = [
        {"name": name, "type": "keyword", "closed": True, "values": [str(number) for number in range(size)]}
        for name, size in sizes.items()
    ]
    schema = answer_schema(catalogs.parse({"name": "n", "fields": fields}))
    listed = [name for name in sizes if not is_valid(answer(name, "=", "none of them"), schema)]
    assert listed == ["b", "c"]


def test_a_field_name_is_enforced_while_the_names_fit() -> None:
    assert not is_valid(answer("f200", "=", 1), answer_schema(wide(200)))
    assert is_valid(answer("f10000", "=", 1), answer_schema(wide(10_000)))
