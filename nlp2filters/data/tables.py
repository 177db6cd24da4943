"""Choosing one of a database's tables."""

from collections.abc import Sequence

from nlp2filters.errors import SourceError


def pick_table(table: str | None, tables: Sequence[str]) -> str:
    """Return the table to read: the named one, or the only one.

    Raises:
        SourceError: the message lists the tables.
    """
    if table is not None and table in tables:
        return table
    if table is None and len(tables) == 1:
        return tables[0]
    hint = f"There are: {', '.join(tables[:50])}." if tables else "There is none."
    raise SourceError(f"There is no table {table!r}. {hint}" if table else f"Name a table. {hint}")
