"""Python libraries, whose queries are expressions."""

import re

from nlp2filters.core.dialects.capabilities import ALL_TYPES, NOTHING, Capabilities, Support
from nlp2filters.core.dialects.dialect import Dialect
from nlp2filters.core.dialects.tree import Test
from nlp2filters.core.mapping import Form, StoredField


def _times_in_json(test: Test, stored: StoredField) -> str | None:
    """Return the reason why Django cannot compare with the times in a JSONField."""
    if test.field.many and test.field.type in ("datetime", "time") and stored.form == "json":
        return "The times in a JSONField are texts, in a form of their encoder's."
    return None


_FRAMES: frozenset[Form] = frozenset({"native", "timestamptz", "iso", "epoch_seconds", "epoch_milliseconds"})

DIALECTS = (
    Dialect(
        name="django",
        title="Django",
        module="libraries.django",
        documentation="https://docs.djangoproject.com/en/stable/ref/models/querysets/#field-lookups",
        capabilities=Capabilities(
            lists=Support(ALL_TYPES, NOTHING, frozenset()),
            list_folding="never",
            has_exact=True,
            selects_missing="always",
            refuses=_times_in_json,
            names=re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*"),
            forms=frozenset({"native", "iso", "json"}),
        ),
        proof="engine",
    ),
    Dialect(
        name="pandas",
        title="pandas",
        module="libraries.pandas",
        documentation="https://pandas.pydata.org/docs/user_guide/indexing.html#boolean-indexing",
        capabilities=Capabilities(has_exact=True, selects_missing="always", forms=_FRAMES),
        proof="engine",
    ),
    Dialect(
        name="polars",
        title="polars",
        module="libraries.polars",
        documentation="https://docs.pola.rs/api/python/stable/reference/expressions/index.html",
        capabilities=Capabilities(has_exact=True, selects_missing="lists", forms=_FRAMES),
        proof="engine",
    ),
)
