"""The examples of the OpenAPI document: every operation has them, and they are as its schemas say."""

import tomllib
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest

from nlp2filters.api import openapi
from nlp2filters.app import OPERATIONS
from tests.service import ROOT

DOCUMENT = openapi.document(OPERATIONS)
BINARY = ("application/gzip", "application/x-tar", "application/zip", "multipart/form-data")


def media() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every body of every operation: the operation, the status or `request`, and the media type with its object."""
    operations = [item[method] for item in DOCUMENT["paths"].values() for method in item]
    for operation in operations:
        bodies = {"request": operation.get("requestBody", {}), **operation["responses"]}
        for place, body in bodies.items():
            for media_type, content in body.get("content", {}).items():
                yield f"{operation['operationId']} {place} {media_type}", media_type, content


MEDIA = list(media())


@pytest.mark.parametrize(("media_type", "content"), [row[1:] for row in MEDIA], ids=[row[0] for row in MEDIA])
def test_an_example_is_as_its_schema_says(media_type: str, content: dict[str, Any]) -> None:
    if "example" not in content:
        assert content["schema"].get("format") == "binary" or media_type in BINARY or media_type == "application/json"
        return
    schema = {**content["schema"], "components": DOCUMENT["components"]}
    jsonschema_rs.validator_for(schema).validate(content["example"])


def test_every_operation_has_examples() -> None:
    """One of a request, if it has a body, and one of each successful answer with content."""
    for item in DOCUMENT["paths"].values():
        for operation in item.values():
            bodies = [body for status, body in operation["responses"].items() if status < "3"]
            for body in filter(None, [operation.get("requestBody"), *bodies]):
                contents = body.get("content", {}).values()
                assert not contents or any("example" in content for content in contents), operation["operationId"]


def test_the_licence_is_that_of_the_package() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert DOCUMENT["info"]["license"]["identifier"] == project["license"]


def test_a_catalog_is_typed() -> None:
    schemas = DOCUMENT["components"]["schemas"]
    for model in ("Submission", "BatchRequest", "CompileRequest"):
        assert "schemas/Catalog'" in str(schemas[model]["properties"]["catalog"]), model
