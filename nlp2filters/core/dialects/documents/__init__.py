"""Engines whose queries are JSON objects: document stores, vector stores and search engines."""

from dataclasses import replace

from nlp2filters.core.catalog import ORDERED, STRINGS
from nlp2filters.core.dialects.capabilities import ALL_TYPES, NOTHING, Capabilities, Support
from nlp2filters.core.dialects.dialect import Dialect
from nlp2filters.core.dialects.documents import (
    chroma,
    elasticsearch,
    hasura,
    mongodb,
    pinecone,
    prisma,
    qdrant,
    relations,
    weaviate,
)
from nlp2filters.core.filters import Anchor
from nlp2filters.core.mapping import Form

_NUMBERS: frozenset[Form] = frozenset({"native", "epoch_seconds", "epoch_milliseconds"})
_ALL_FORMS: frozenset[Form] = _NUMBERS | {"iso"}
_START: frozenset[Anchor] = frozenset({"anywhere", "start"})
_NOWHERE: frozenset[Anchor] = frozenset()
# Records that lack a field pass every negation, and only whole values can be asked for.
_METADATA = Capabilities(
    scalars=Support(has=_NOWHERE),
    folding="never",
    negated=frozenset({"eq", "in"}),
    selects_missing="always",
    sort=False,
    forms=_NUMBERS,
)
_QUERY_DSL = Capabilities(
    max_values=65_536,
    folding="ascii",
    has_folding="ascii",
    has_exact=True,
    selects_missing="always",
    refuses=elasticsearch.refuses,
    approximates=elasticsearch.approximates,
    text=True,
    max_limit=10_000,
    forms=_ALL_FORMS,
    places=frozenset({"nested", "exact"}),
)
_RELATIONS = Capabilities(
    has_exact=True,
    selects_missing="lists",
    refuses=relations.refuses,
    approximates=relations.approximates,
    forms=frozenset({"native", "iso"}),
    places=frozenset({"nested"}),
)

DIALECTS = (
    Dialect(
        name="elasticsearch",
        title="Elasticsearch",
        module="documents.elasticsearch",
        documentation="https://www.elastic.co/docs/reference/query-languages/querydsl",
        capabilities=_QUERY_DSL,
        proof="emulator",
    ),
    Dialect(
        name="opensearch",
        title="OpenSearch",
        module="documents.elasticsearch",
        documentation="https://docs.opensearch.org/latest/query-dsl/",
        capabilities=_QUERY_DSL,
        proof="emulator",
    ),
    Dialect(
        name="mongodb",
        title="MongoDB",
        module="documents.mongodb",
        documentation="https://www.mongodb.com/docs/manual/reference/operator/query/",
        capabilities=Capabilities(
            has_exact=True,
            selects_missing="always",
            refuses=mongodb.refuses,
            names=mongodb.NAMES,
            text=True,
            forms=_ALL_FORMS,
            places=frozenset({"nested"}),
        ),
        proof="emulator",
    ),
    Dialect(
        name="qdrant",
        title="Qdrant",
        module="documents.qdrant",
        documentation="https://qdrant.tech/documentation/search/filtering/",
        capabilities=replace(
            _METADATA,
            scalars=Support(has=_START),
            lists=Support(has=_START),
            has_folding="never",
            has_exact=True,
            negated=Capabilities().negated,
            refuses=qdrant.refuses,
            names=qdrant.NAMES,
            forms=_ALL_FORMS,
            places=frozenset({"nested"}),
        ),
        proof="emulator",
    ),
    Dialect(
        name="weaviate",
        title="Weaviate",
        module="documents.weaviate",
        documentation="https://docs.weaviate.io/weaviate/api/graphql/filters",
        capabilities=Capabilities(
            scalars=Support(range=ORDERED - {"time"}),
            lists=Support(range=ORDERED - {"time"}),
            folding="never",
            has_folding="never",
            has_exact=True,
            selects_missing="always",
            refuses=weaviate.refuses,
            names=weaviate.NAMES,
            nulls_last=False,
            text=True,
            places=frozenset({"exact"}),
        ),
        proof="grammar",
    ),
    Dialect(
        name="pinecone",
        title="Pinecone",
        module="documents.pinecone",
        documentation="https://docs.pinecone.io/guides/search/filter-by-metadata",
        capabilities=replace(
            _METADATA,
            lists=Support(STRINGS, NOTHING, _NOWHERE),
            max_values=10_000,
            names=pinecone.NAMES,
            max_limit=10_000,
        ),
        proof="golden",
    ),
    Dialect(
        name="chroma",
        title="Chroma",
        module="documents.chroma",
        documentation="https://docs.trychroma.com/reference/where-filter",
        capabilities=replace(
            _METADATA,
            lists=Support(ALL_TYPES, NOTHING, _NOWHERE),
            null_test=False,
            exists_test=NOTHING,
            refuses=chroma.refuses,
            names=chroma.NAMES,
            text=True,
        ),
        proof="engine",
    ),
    Dialect(
        name="hasura",
        title="Hasura",
        module="documents.hasura",
        documentation="https://hasura.io/docs/2.0/api-reference/graphql-api/query/",
        capabilities=replace(_RELATIONS, names=hasura.NAMES),
        proof="grammar",
    ),
    Dialect(
        name="prisma",
        title="Prisma",
        module="documents.prisma",
        documentation="https://www.prisma.io/docs/orm/reference/prisma-client-reference",
        capabilities=replace(_RELATIONS, refuses=prisma.refuses, names=prisma.NAMES),
        proof="golden",
    ),
)
