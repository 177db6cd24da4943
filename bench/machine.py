"""The machine that the benchmarks run on."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nlp2filters.storage.embedded_server import running


@contextmanager
def redis_server() -> Iterator[str]:
    """A Redis of its own, gone afterwards; gives its URL."""
    with tempfile.TemporaryDirectory() as folder, running(Path(folder)) as server:
        yield server.url
