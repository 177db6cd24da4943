"""Write the OpenAPI document into a file, for linters and generators: `python -m tools.openapi_document FILE`."""

import sys
from pathlib import Path

import orjson

from nlp2filters.api import openapi
from nlp2filters.app import OPERATIONS


def main() -> None:
    """Write it."""
    file = Path(sys.argv[1])
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(orjson.dumps(openapi.document(OPERATIONS)))


if __name__ == "__main__":
    main()
