"""Engines whose queries are JSON objects: document stores, vector stores and search engines."""

from nlp2filters.core.dialects.capabilities import Capabilities
from nlp2filters.core.dialects.dialect import Dialect

DIALECTS = (
    Dialect(
        name="elasticsearch",
        title="Elasticsearch",
        module="documents.elasticsearch",
        documentation="https://www.elastic.co/docs/reference/query-languages/querydsl",
        capabilities=Capabilities(
            folding="ascii", has_folding="ascii", has_exact=True, selects_missing="always", text=True
        ),
    ),
)
