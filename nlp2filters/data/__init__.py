"""Rows from a user's own data: CSV, JSON, Parquet, Excel, SQLite, or a table behind an SQLAlchemy URL.

Rows are streamed, so that memory does not grow with their number, and what was noticed on the way is in `Source.notes`.
"""

from nlp2filters.data.notes import Notes
from nlp2filters.data.opening import SUFFIXES, open_source
from nlp2filters.data.rows import BATCH, Row, flatten
from nlp2filters.data.source import Source

__all__ = ["BATCH", "SUFFIXES", "Notes", "Row", "Source", "flatten", "open_source"]
