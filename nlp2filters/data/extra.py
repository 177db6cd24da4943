"""The extra `data`: libraries that read further formats, installed on request."""

import importlib
from typing import Any

from nlp2filters.errors import SourceError

_FORMATS = {"duckdb": "Parquet", "python_calamine": "Excel"}


def require(module: str) -> Any:
    """Import a library of the extra.

    Raises:
        SourceError: it is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as exc:
        raise SourceError(f"To read {_FORMATS[module]}: pip install 'nlp2filters[data]'.") from exc
