"""The text of standard SQL, for `sqlalchemy.text()` and for databases that have no dialect of their own here.

Words that no condition took (`Interpretation.text`) are left to the caller's own full-text search.
"""

import re

from nlp2filters.core.dialects.sql import SQL
from nlp2filters.core.dialects.sql.family import NullsByCase, Renderer

# A name in any other form is quoted: databases disagree about the case of those without quotes.
_PLAIN = re.compile(r"[a-z_][a-z0-9_$]*")
# The words that PostgreSQL reserves, which SQLAlchemy quotes for any database.
_RESERVED = """
all analyse analyze and any array as asc asymmetric authorization between binary both case cast check collate column
constraint create cross current_date current_role current_time current_timestamp current_user default deferrable desc
distinct do else end except false for foreign freeze from full grant group having ilike in initially inner intersect
into is isnull join leading left like limit localtime localtimestamp natural new not notnull null off offset old on only
or order outer overlaps placing primary references right select session_user set similar some symmetric table then to
trailing true union unique user using verbose when where
"""
RESERVED = frozenset(_RESERVED.split())


class StandardWriter(NullsByCase):
    """A writer for databases that have none of their own here."""

    row = SQL

    def quoted(self, name: str) -> str:
        if _PLAIN.fullmatch(name) and name not in RESERVED:
            return name
        doubled = name.replace('"', '""')
        return f'"{doubled}"'


render = Renderer(StandardWriter)
