"""Vectors of chunks kept on this machine, so that the second question about a codebase is answered at once."""

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

READ_AT_ONCE = 500


class VectorCache:
    """A file of vectors by the SHA-256 of what was embedded, and by what embedded it."""

    def __init__(self, path: Path, model: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._model = model
        with closing(self._open()) as database, database:
            database.execute("CREATE TABLE IF NOT EXISTS vectors (key TEXT PRIMARY KEY, vector BLOB NOT NULL)")

    def load(self, digests: Sequence[str]) -> dict[str, NDArray[np.int8]]:
        """Load the vectors that there are."""
        vectors = {}
        with closing(self._open()) as database:
            for start in range(0, len(digests), READ_AT_ONCE):
                keys = [self._key(digest) for digest in digests[start : start + READ_AT_ONCE]]
                places = ", ".join("?" * len(keys))
                query = f"SELECT key, vector FROM vectors WHERE key IN ({places})"  # noqa: S608 - only question marks
                for key, vector in database.execute(query, keys):
                    vectors[key.rpartition(":")[2]] = np.frombuffer(vector, dtype=np.int8)
        return vectors

    def save(self, vectors: Mapping[str, NDArray[np.int8]]) -> None:
        """Keep vectors."""
        rows = [(self._key(digest), vector.tobytes()) for digest, vector in vectors.items()]
        with closing(self._open()) as database, database:
            database.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?)", rows)

    def _open(self) -> sqlite3.Connection:
        return sqlite3.connect(self._path, timeout=30)

    def _key(self, digest: str) -> str:
        return f"{self._model}:{digest}"
