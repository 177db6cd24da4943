"""Infer the packaged catalogs from their rows, and refine them as written by hand: `python -m tools.demo_catalogs`."""

import csv
from pathlib import Path

import orjson

from nlp2filters import demo
from nlp2filters.core.catalog import Catalog, to_json
from nlp2filters.core.infer import infer, refine

FOLDER = Path(demo.__file__).parent


def made(name: str) -> Catalog:
    with (FOLDER / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        inferred = infer(name, csv.DictReader(file), currency="USD").catalog
    return refine(inferred, orjson.loads((FOLDER / f"{name}.json").read_bytes()))


def main() -> None:
    for name in demo.NAMES:
        content = orjson.dumps(to_json(made(name)), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
        (FOLDER / f"{name}.catalog.json").write_bytes(content)


if __name__ == "__main__":
    main()
