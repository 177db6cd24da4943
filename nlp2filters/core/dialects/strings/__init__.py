"""Engines whose filters are one line of text."""

import re

from nlp2filters.core.catalog import NUMERIC, TEMPORAL
from nlp2filters.core.dialects.capabilities import NO_SUPPORT, NOTHING, Capabilities, Support
from nlp2filters.core.dialects.dialect import Dialect
from nlp2filters.core.dialects.strings import algolia, kibana, solr, typesense
from nlp2filters.core.dialects.strings.infix import (
    compares_roughly,
    fraction_of_second,
    open_range_on_list,
    two_ended_on_list,
)
from nlp2filters.core.filters import Anchor
from nlp2filters.core.mapping import Form

_NO_ANCHORS: frozenset[Anchor] = frozenset()
_NUMBERS: frozenset[Form] = frozenset({"epoch_seconds", "epoch_milliseconds"})
_TEXTS: frozenset[Form] = _NUMBERS | {"iso"}


def _names(pattern: str, *keywords: str) -> re.Pattern[str]:
    """Return the pattern of names that are no keywords, in upper or lower case."""
    return re.compile(f"(?!(?i:{'|'.join(keywords)})$)(?:{pattern})" if keywords else pattern)


_WORD, _PATH = "[A-Za-z_][A-Za-z0-9_]*", r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*"
EQUALITY_AND_ORDER = Support(has=_NO_ANCHORS)
NO_ORDER = Support(range=NOTHING, has=_NO_ANCHORS)

DIALECTS = (
    Dialect(
        name="typesense",
        title="Typesense",
        module="strings.typesense",
        documentation="https://typesense.org/docs/guide/tips-for-filtering.html",
        capabilities=Capabilities(
            scalars=EQUALITY_AND_ORDER,
            lists=EQUALITY_AND_ORDER,
            folding="always",
            negated=frozenset({"eq", "in"}),
            selects_missing="always",
            null_test=False,
            exists_test=NUMERIC | TEMPORAL | {"boolean"},
            refuses=typesense.refuses,
            approximates=typesense.approximates,
            names=_names(_PATH),
            # https://typesense.org/docs/0.25.0/api/search.html#ranking-and-sorting-parameters, #pagination-parameters
            max_sort_keys=3,
            max_limit=250,
            text=True,
            forms=_NUMBERS,
        ),
        proof="engine",
    ),
    Dialect(
        name="meilisearch",
        title="Meilisearch",
        module="strings.meilisearch",
        documentation=(
            "https://www.meilisearch.com/docs/capabilities/filtering_sorting_faceting/advanced/filter_expression_syntax"
        ),
        capabilities=Capabilities(
            scalars=EQUALITY_AND_ORDER,
            lists=EQUALITY_AND_ORDER,
            folding="always",
            selects_missing="always",
            refuses=open_range_on_list,
            approximates=compares_roughly,
            # `maxTotalHits` of an index, unless it is set.
            max_limit=1000,
            text=True,
            forms=_NUMBERS,
        ),
    ),
    Dialect(
        name="algolia",
        title="Algolia",
        module="strings.algolia",
        documentation="https://www.algolia.com/doc/api-reference/api-parameters/filters",
        capabilities=Capabilities(
            scalars=EQUALITY_AND_ORDER,
            lists=EQUALITY_AND_ORDER,
            membership=False,
            folding="always",
            negated=frozenset({"eq", "range"}),
            selects_missing="always",
            null_test=False,
            exists_test=NOTHING,
            nesting="clauses",
            clause_kind=algolia.kind,
            refuses=algolia.refuses,
            names=_names(_PATH, "and", "or", "not", "to"),
            sort=False,
            # https://www.algolia.com/doc/api-reference/api-parameters/hitsPerPage
            max_limit=1000,
            text=True,
            forms=_NUMBERS,
        ),
    ),
    Dialect(
        name="milvus",
        title="Milvus",
        module="strings.milvus",
        documentation="https://milvus.io/docs/boolean.md",
        capabilities=Capabilities(
            lists=NO_ORDER,
            folding="never",
            has_folding="never",
            selects_missing="either",
            names=_names(_WORD, "and", "or", "not", "in", "like", "is", "null", "exists", "true", "false"),
            sort=False,
            # https://milvus.io/docs/limitations.md
            max_limit=16_384,
            forms=_TEXTS,
        ),
        proof="engine",
    ),
    Dialect(
        name="solr",
        title="Solr",
        module="strings.solr",
        documentation="https://solr.apache.org/guide/solr/latest/query-guide/standard-query-parser.html",
        capabilities=Capabilities(
            has_exact=True,
            selects_missing="always",
            refuses=solr.refuses,
            nulls_last=False,
            # https://solr.apache.org/guide/solr/latest/indexing-guide/fields.html#field-properties
            names=_names("[A-Za-z_][A-Za-z0-9_.-]*", "and", "or", "not", "to"),
            text=True,
            forms=_TEXTS,
        ),
        proof="emulator",
    ),
    Dialect(
        name="vespa",
        title="Vespa",
        module="strings.vespa",
        documentation="https://docs.vespa.ai/en/reference/querying/yql.html",
        capabilities=Capabilities(
            folding="always",
            selects_missing="always",
            null_test=False,
            exists_test=NOTHING,
            refuses=fraction_of_second,
            nulls_last=False,
            names=_names(_PATH, "and", "or", "not", "in", "contains", "matches", "range", "true", "false", "null"),
            # `maxHits` of the default query profile.
            max_limit=400,
            text=True,
            forms=_NUMBERS,
        ),
    ),
    Dialect(
        name="odata",
        title="OData",
        module="strings.odata",
        documentation="https://docs.oasis-open.org/odata/odata/v4.01/odata-v4.01-part2-url-conventions.html",
        capabilities=Capabilities(
            has_exact=True,
            selects_missing="either",
            nulls_last=False,
            names=_names(
                "[A-Za-z_][A-Za-z0-9_]*(?:/[A-Za-z_][A-Za-z0-9_]*)*",
                *(
                    "and",
                    "or",
                    "not",
                    "eq",
                    "ne",
                    "gt",
                    "ge",
                    "lt",
                    "le",
                    "in",
                    "has",
                    "add",
                    "sub",
                    "mul",
                    "div",
                    "mod",
                ),
                *("divby", "null", "true", "false", "inf", "nan", "asc", "desc", "any", "all", "e"),
            ),
            text=True,
            forms=_TEXTS,
        ),
        proof="emulator",
    ),
    Dialect(
        name="kusto",
        title="Kusto",
        module="strings.kusto",
        documentation="https://learn.microsoft.com/en-us/kusto/query/",
        capabilities=Capabilities(
            lists=NO_ORDER,
            has_exact=True,
            selects_missing="either",
            text=True,
            forms=_TEXTS,
        ),
        proof="grammar",
    ),
    Dialect(
        name="kibana",
        title="Kibana",
        module="strings.kibana",
        documentation="https://www.elastic.co/docs/reference/query-languages/kql",
        capabilities=Capabilities(
            folding="never",
            has_folding="never",
            selects_missing="always",
            refuses=kibana.refuses,
            approximates=kibana.approximates,
            sort=False,
            limit=False,
            forms=_TEXTS | {"native"},
            places=frozenset({"exact"}),
        ),
        proof="emulator",
    ),
    Dialect(
        name="logql",
        title="Loki",
        module="strings.logql",
        documentation="https://grafana.com/docs/loki/latest/query/log_queries/",
        capabilities=Capabilities(
            lists=NO_SUPPORT,
            has_exact=True,
            negated=frozenset({"eq", "in", "has"}),
            selects_missing="either",
            names=_names(
                _WORD,
                *(
                    "and",
                    "or",
                    "unless",
                    "by",
                    "without",
                    "on",
                    "ignoring",
                    "bool",
                    "offset",
                    "json",
                    "logfmt",
                    "regexp",
                ),
                *("pattern", "unpack", "unwrap", "drop", "keep", "distinct", "decolorize", "ip", "line_format"),
                "label_format",
            ),
            sort=False,
            # `max_entries_limit_per_query`, unless it is set.
            max_limit=5000,
            text=True,
            forms=_NUMBERS,
        ),
        proof="grammar",
    ),
    Dialect(
        name="datadog",
        title="Datadog",
        module="strings.datadog",
        documentation="https://docs.datadoghq.com/logs/explorer/search_syntax/",
        capabilities=Capabilities(
            membership=False,
            folding="never",
            has_folding="never",
            selects_missing="always",
            refuses=two_ended_on_list,
            names=_names(_PATH),
            sort=False,
            # https://docs.datadoghq.com/api/latest/logs/#search-logs-post
            max_limit=1000,
            text=True,
            forms=_NUMBERS,
        ),
    ),
    Dialect(
        name="postgrest",
        title="PostgREST",
        module="strings.postgrest",
        documentation="https://docs.postgrest.org/en/stable/references/api/tables_views.html",
        capabilities=Capabilities(
            lists=NO_ORDER,
            list_folding="never",
            has_exact=True,
            selects_missing="lists",
            forms=_TEXTS,
        ),
    ),
)
