"""Extract the schemas of requests and answers that the tests check ours against from OpenAI's published specification.

The specification is https://github.com/openai/openai-openapi (MIT). Run it from the root with the path of its
`openapi.json`; it writes `tests/llm/openai/schemas.json`. What explains the schemas to people is left out, and so is
what only concerns tools, which no request of ours uses.
"""

import json
import sys
from pathlib import Path
from typing import Any

TARGET = Path("tests/llm/openai/schemas.json")
ROOTS = (
    "CreateChatCompletionRequest",
    "CreateChatCompletionResponse",
    "CreateEmbeddingRequest",
    "CreateEmbeddingResponse",
    "CreateResponse",
    "CreateTranscriptionResponseJson",
    "CreateTranscriptionResponseVerboseJson",
)
FOR_PEOPLE = ("description", "title", "example", "examples", "default", "deprecated", "discriminator", "externalDocs")
TOOLS = ("tools", "tool_choice", "functions", "function_call", "prompt", "web_search_options", "context_management")
PREFIX = "#/components/schemas/"


def main() -> None:
    schemas = json.loads(Path(sys.argv[1]).read_text())["components"]["schemas"]
    schemas_in_use: dict[str, Any] = {}
    waiting = list(ROOTS)
    while waiting:
        name = waiting.pop()
        if name not in schemas_in_use:
            schemas_in_use[name] = stripped(schemas[name])
            waiting += references(schemas_in_use[name])
    document = {"components": {"schemas": dict(sorted(schemas_in_use.items()))}}
    TARGET.write_text(json.dumps(document, ensure_ascii=False, separators=(",", ":")) + "\n")
    print(f"{len(schemas_in_use)} schemas, {TARGET.stat().st_size} bytes")


def stripped(schema: Any, *, names: bool = False) -> Any:
    """A schema without what is for people; `names`: the members of an object are names of properties."""
    if isinstance(schema, list):
        return [stripped(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        name: stripped(part, names=name == "properties" and not names)
        for name, part in schema.items()
        if (name not in TOOLS if names else name not in FOR_PEOPLE and not name.startswith("x-"))
    }


def references(schema: Any) -> list[str]:
    if isinstance(schema, list):
        return [name for part in schema for name in references(part)]
    if not isinstance(schema, dict):
        return []
    own = [schema["$ref"].removeprefix(PREFIX)] if isinstance(schema.get("$ref"), str) else []
    return own + [name for part in schema.values() for name in references(part)]


if __name__ == "__main__":
    main()
