"""The JSON schema of an LLM's answer."""

from typing import Any

from nlp2filters import demo
from nlp2filters.core.llm.answer_schema import answer_schema


def test_the_schema_is_of_the_form_that_providers_enforce() -> None:
    def walk(schema: dict[str, Any]) -> None:
        if schema.get("type") == "object":
            assert schema["required"] == list(schema["properties"])
            assert schema["additionalProperties"] is False
        for part in [
            *schema.get("properties", {}).values(),
            *schema.get("anyOf", []),
            *([schema["items"]] if "items" in schema else []),
        ]:
            walk(part)

    walk(answer_schema(demo.catalog("cars")))
