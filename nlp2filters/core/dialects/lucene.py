"""Limits of Lucene, on which Elasticsearch, OpenSearch and Solr build."""

from nlp2filters.core.dialects.tree import In, Test

# `maxBooleanClauses` of Solr, and `indices.query.bool.max_clause_count` of a small cluster.
MAX_ALTERNATIVES = 1024


def has_too_many_alternatives(test: Test) -> bool:
    """Return whether a test has more values than can be joined by OR."""
    return isinstance(test, In) and len(test.values) > MAX_ALTERNATIVES


def refuses_folded_list(test: Test) -> str | None:
    """Return the reason why a test cannot be written if its values would have to be joined by OR."""
    if isinstance(test, In) and test.fold and has_too_many_alternatives(test):
        return f"The engine takes {MAX_ALTERNATIVES:,} values in upper or lower case at most."
    return None
