"""The names that people may say when they search a catalog, so that a speech model spells them like this."""

from collections.abc import Iterable, Iterator
from itertools import zip_longest

from nlp2filters.core.catalog import STRINGS, Catalog
from nlp2filters.core.transcripts import MAX_PROMPT

# Those of a request.
MAX_NAMES = 100
MAX_NAME = 64


def names_to_expect(catalog: Catalog) -> list[str]:
    """Return values of the catalog's fields and the fields' labels, as many as a speech model reads, the best first.

    Each field gives its most frequent value first, in turn with all others and with the labels, so that no field takes
    all the room.
    """
    columns = [[value.value for value in field.values] for field in catalog.fields if field.type in STRINGS]
    labels = [field.title for field in catalog.fields]
    names: dict[str, str] = {}
    size = 0
    for name in _in_turn([*columns, labels]):
        key = name.casefold()
        if key in names or len(name) > MAX_NAME or not any(character.isalpha() for character in name):
            continue
        size += len(name) + len(", ")
        if size > MAX_PROMPT or len(names) == MAX_NAMES:
            break
        names[key] = name
    return list(names.values())


def _in_turn(columns: Iterable[Iterable[str]]) -> Iterator[str]:
    for row in zip_longest(*columns):
        yield from (name for name in row if name is not None)
