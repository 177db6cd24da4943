"""Engines whose filters are one line of text."""

import re

from nlp2filters.core.catalog import ORDERED
from nlp2filters.core.dialects.capabilities import ALL_TYPES, NO_SUPPORT, NOTHING, Capabilities, Support
from nlp2filters.core.dialects.dialect import Dialect
from nlp2filters.core.dialects.strings import algolia, meilisearch, typesense
from nlp2filters.core.dialects.strings.infix import two_ended_on_list
from nlp2filters.core.filters import Anchor
from nlp2filters.core.mapping import Form

_NO_ANCHORS: frozenset[Anchor] = frozenset()
_NUMBERS: frozenset[Form] = frozenset({"epoch_seconds", "epoch_milliseconds"})
_TEXTS: frozenset[Form] = _NUMBERS | {"iso"}
_WORDS = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")
_PATHS = re.compile(r"[A-Za-z_][A-Za-z0-9_/]*")
_LABELS = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

EQUALITY_AND_ORDER = Support(has=_NO_ANCHORS)

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
            exists_test=False,
            refuses=typesense.refuses,
            names=_WORDS,
            text=True,
            forms=_NUMBERS,
        ),
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
            refuses=meilisearch.refuses,
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
            exists_test=False,
            nesting="clauses",
            clause_kind=algolia.kind,
            refuses=algolia.refuses,
            names=_WORDS,
            sort=False,
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
            lists=Support(range=NOTHING, has=_NO_ANCHORS),
            folding="never",
            has_folding="never",
            selects_missing="lists",
            names=_LABELS,
            sort=False,
            forms=_NUMBERS | {"iso"},
        ),
    ),
    Dialect(
        name="solr",
        title="Solr",
        module="strings.solr",
        documentation="https://solr.apache.org/guide/solr/latest/query-guide/standard-query-parser.html",
        capabilities=Capabilities(selects_missing="always", nulls_last=False, text=True, forms=_TEXTS),
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
            exists_test=False,
            nulls_last=False,
            names=_WORDS,
            text=True,
            forms=_NUMBERS,
        ),
    ),
    Dialect(
        name="odata",
        title="OData",
        module="strings.odata",
        documentation="https://docs.oasis-open.org/odata/odata/v4.01/odata-v4.01-part2-url-conventions.html",
        capabilities=Capabilities(selects_missing="always", nulls_last=False, names=_PATHS, text=True, forms=_TEXTS),
    ),
    Dialect(
        name="kusto",
        title="Kusto",
        module="strings.kusto",
        documentation="https://learn.microsoft.com/en-us/kusto/query/",
        capabilities=Capabilities(
            lists=Support(range=NOTHING, has=_NO_ANCHORS), selects_missing="always", text=True, forms=_TEXTS
        ),
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
            refuses=two_ended_on_list,
            sort=False,
            limit=False,
            forms=_TEXTS,
        ),
    ),
    Dialect(
        name="logql",
        title="Loki",
        module="strings.logql",
        documentation="https://grafana.com/docs/loki/latest/query/log_queries/",
        capabilities=Capabilities(
            scalars=Support(eq=ALL_TYPES, range=ORDERED),
            lists=NO_SUPPORT,
            membership=True,
            negated=frozenset({"eq", "in", "has"}),
            selects_missing="always",
            names=_LABELS,
            sort=False,
            text=True,
            forms=_NUMBERS,
        ),
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
            names=_WORDS,
            sort=False,
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
            lists=Support(range=NOTHING, has=_NO_ANCHORS),
            list_folding="never",
            selects_missing="lists",
            forms=_TEXTS,
        ),
    ),
)
