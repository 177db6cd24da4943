"""Two packaged catalogs with their rows, for trying the service. Their sources are in SOURCES.md.

A catalog is inferred from its rows, then refined by hand in a file of its own: `python -m tools.demo_catalogs` does so,
and writes `NAME.catalog.json`, so that no process has to.
"""

import csv
import datetime as dt
import io
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import TypeAlias

import orjson

from nlp2filters.core.catalog import Catalog, FieldType, parse
from nlp2filters.errors import CatalogNotFound

NAMES = ("cars", "movies")

Cell: TypeAlias = str | int | float | dt.date | None


@cache
def catalog(name: str) -> Catalog:
    """Return the catalog `name`.

    Raises:
        CatalogNotFound: the name is none of `NAMES`.
    """
    return parse(orjson.loads(_resource(name, "catalog.json")))


def catalog_of(data: object) -> Catalog:
    """Return the packaged catalog that `data` names, or parse the whole catalog that it is, as JSON data.

    Raises:
        CatalogNotFound: the name is none of `NAMES`.
        InvalidCatalog: it lists the catalog's faults.
    """
    return catalog(data) if isinstance(data, str) else parse(data)


@cache
def rows(name: str) -> tuple[Mapping[str, Cell], ...]:
    """Return the rows of the catalog `name`, with the types of its fields; an unknown value is None.

    Raises:
        CatalogNotFound: the name is none of `NAMES`.
    """
    types = {field.name: field.type for field in catalog(name).fields}
    return tuple(
        MappingProxyType({header: _cell(text, types[header]) for header, text in row.items()}) for row in _read(name)
    )


def _read(name: str) -> Iterator[dict[str, str]]:
    return csv.DictReader(io.StringIO(_resource(name, "csv")))


def _resource(name: str, suffix: str) -> str:
    if name not in NAMES:
        raise CatalogNotFound(name, NAMES)
    return files(__name__).joinpath(f"{name}.{suffix}").read_text(encoding="utf-8")


def _cell(text: str, type_: FieldType) -> Cell:
    return _READ.get(type_, str)(text) if text else None


def _amount(text: str) -> int | float:
    return int(text) if text.isdigit() else float(text)


_READ: Mapping[FieldType, Callable[[str], Cell]] = {
    "integer": int,
    "number": float,
    "money": _amount,
    "duration": _amount,
    "date": dt.date.fromisoformat,
}
