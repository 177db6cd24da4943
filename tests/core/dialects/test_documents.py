"""Golden queries of document and vector stores, each with the page of the engine's documentation that it follows."""

import datetime as dt
from typing import Any

import pytest

from nlp2filters.core.catalog import Catalog
from nlp2filters.core.dialects import Options
from nlp2filters.core.dialects import compile as compile_dialect
from nlp2filters.core.filters import And, Between, Comparison, Contains, Filter, IsNull, Not, OneOf, Or
from nlp2filters.core.interpretation import Interpretation, Sort
from nlp2filters.core.mapping import EngineMapping, StoredField

BOSE = Comparison("=", "brand", "Bose")
NOT_USA = Comparison("<>", "origin", "usa")
CHEAP = Comparison("<=", "price", 80)
MID = Between("price", 10, 80)
JANUARY = Comparison("<", "released", dt.date(2026, 2, 1))
SINCE = Comparison(">=", "seen", dt.datetime(2026, 1, 31, 12, tzinfo=dt.UTC))
AGED = Comparison("<", "released", dt.date(1969, 12, 31))
ORIGINS = OneOf("origin", ("usa", "japan"))


def query(dialect: str, shop: Catalog, node: Filter | None, fields: dict[str, StoredField], **asked: Any) -> Any:
    options = Options(mappings={dialect: EngineMapping(fields=fields)})
    compiled = compile_dialect(dialect, Interpretation(filter=node, **asked), shop, options)
    return compiled, [(loss["pointer"], loss["effect"]) for loss in compiled.pop("lossy")]


# https://www.mongodb.com/docs/manual/reference/operator/query/ and …/reference/mongodb-extended-json/
FIND = [
    (BOSE, {"brand": {"$regex": r"^Bose(?![\s\S])", "$options": "i"}}),
    (NOT_USA, {"origin": {"$ne": None}, "$nor": [{"origin": {"$eq": "usa"}}]}),
    (MID, {"price": {"$gte": 10, "$lte": 80}}),
    (JANUARY, {"released": {"$lt": {"$date": "2026-02-01T00:00:00Z"}}}),
    (AGED, {"released": {"$lt": {"$date": {"$numberLong": "-86400000"}}}}),
    (SINCE, {"seen": {"$gte": {"$date": "2026-01-31T12:00:00Z"}}}),
    (Contains("title", "50%*", "start"), {"title": {"$regex": r"^50%\*", "$options": "i"}}),
    (IsNull("tags"), {"$nor": [{"tags": {"$ne": None, "$not": {"$size": 0}}}]}),
    (And((CHEAP, ORIGINS)), {"price": {"$lte": 80}, "origin": {"$in": ["usa", "japan"]}}),
    (Or((CHEAP, IsNull("brand"))), {"$or": [{"price": {"$lte": 80}}, {"$nor": [{"brand": {"$ne": None}}]}]}),
]
EMPTY = {"is_empty": {"key": "brand"}}
# https://qdrant.tech/documentation/search/filtering/
QDRANT = [
    (Comparison("=", "origin", "usa"), {"must": [{"key": "origin", "match": {"value": "usa"}}]}),
    (
        NOT_USA,
        {
            "must": [
                {"must_not": [{"is_empty": {"key": "origin"}}]},
                {"must_not": [{"key": "origin", "match": {"value": "usa"}}]},
            ]
        },
    ),
    (ORIGINS, {"must": [{"key": "origin", "match": {"any": ["usa", "japan"]}}]}),
    (MID, {"must": [{"key": "price", "range": {"gte": 10, "lte": 80}}]}),
    (Comparison("=", "price", 80), {"must": [{"key": "price", "range": {"gte": 80, "lte": 80}}]}),
    (Comparison("=", "doors", 4), {"must": [{"key": "doors", "match": {"value": 4}}]}),
    (SINCE, {"must": [{"key": "seen", "range": {"gte": "2026-01-31T12:00:00Z"}}]}),
    (Contains("title", "50%"), {"must": [{"key": "title", "match": {"substring": "50%"}}]}),
    (Comparison("<", "order by", 5), {"must": [{"key": '"order by"', "range": {"lt": 5}}]}),
    (
        Or((CHEAP, IsNull("brand"))),
        {"should": [{"key": "price", "range": {"lte": 80}}, {"is_empty": {"key": "brand"}}]},
    ),
]
# https://docs.weaviate.io/weaviate/api/graphql/filters
WEAVIATE = [
    (Comparison("=", "origin", "usa"), {"path": ["origin"], "operator": "Equal", "valueText": "usa"}),
    (
        NOT_USA,
        {
            "operator": "And",
            "operands": [
                {"path": ["origin"], "operator": "IsNull", "valueBoolean": False},
                {"operator": "Not", "operands": [{"path": ["origin"], "operator": "Equal", "valueText": "usa"}]},
            ],
        },
    ),
    (ORIGINS, {"path": ["origin"], "operator": "ContainsAny", "valueTextArray": ["usa", "japan"]}),
    (CHEAP, {"path": ["price"], "operator": "LessThanEqual", "valueNumber": 80}),
    (JANUARY, {"path": ["released"], "operator": "LessThan", "valueDate": "2026-02-01T00:00:00Z"}),
    (Contains("brand", "50%", "end"), {"path": ["brand"], "operator": "Like", "valueText": "*50%"}),
]
# https://docs.pinecone.io/guides/search/filter-by-metadata
PINECONE = [
    (Comparison("=", "origin", "usa"), {"origin": {"$eq": "usa"}}),
    (NOT_USA, {"$and": [{"origin": {"$exists": True}}, {"origin": {"$ne": "usa"}}]}),
    (Not(ORIGINS), {"$and": [{"origin": {"$exists": True}}, {"origin": {"$nin": ["usa", "japan"]}}]}),
    (MID, {"$and": [{"price": {"$gte": 10}}, {"price": {"$lte": 80}}]}),
    (SINCE, {"seen": {"$gte": 1769860800}}),
    (Not(MID), {"$or": [{"price": {"$lt": 10}}, {"price": {"$gt": 80}}]}),
]
# https://docs.trychroma.com/reference/where-filter
CHROMA = [
    (Comparison("=", "origin", "usa"), {"origin": {"$eq": "usa"}}),
    (ORIGINS, {"origin": {"$in": ["usa", "japan"]}}),
    (MID, {"$and": [{"price": {"$gte": 10}}, {"price": {"$lte": 80}}]}),
    (Comparison("=", "tags", "50%"), {"tags": {"$contains": "50%"}}),
    (JANUARY, {"released": {"$lt": 1769904000}}),
    (Comparison("<>", "doors", 4), {"doors": {"$ne": 4}}),
]
# https://hasura.io/docs/2.0/api-reference/graphql-api/query/#boolexp
HASURA = [
    (BOSE, {"brand": {"_ilike": "Bose"}}),
    (Comparison("=", "brand", "50%_\\"), {"brand": {"_ilike": "50\\%\\_\\\\"}}),
    (NOT_USA, {"_not": {"origin": {"_eq": "usa"}}}),
    (MID, {"price": {"_gte": 10, "_lte": 80}}),
    (Contains("title", "x", "start", exact=True), {"title": {"_like": "x%"}}),
    (IsNull("brand"), {"_not": {"brand": {"_is_null": False}}}),
    (Comparison("=", "tags", "50%"), {"tags": {"_contains": ["50%"]}}),
    (Not(IsNull("tags")), {"tags": {"_is_null": False, "_neq": []}}),
]
# https://www.prisma.io/docs/orm/reference/prisma-client-reference#filter-conditions-and-operators
PRISMA = [
    (BOSE, {"brand": {"equals": "Bose", "mode": "insensitive"}}),
    (NOT_USA, {"NOT": {"origin": {"equals": "usa"}}}),
    (ORIGINS, {"origin": {"in": ["usa", "japan"]}}),
    (JANUARY, {"released": {"lt": "2026-02-01T00:00:00.000Z"}}),
    (Contains("title", "50%"), {"title": {"contains": "50\\%", "mode": "insensitive"}}),
    (IsNull("brand"), {"NOT": {"brand": {"not": None}}}),
    (OneOf("tags", ("1", "2")), {"tags": {"hasSome": ["1", "2"]}}),
    (Not(IsNull("tags")), {"tags": {"isEmpty": False}}),
]
GOLDEN = [
    *(("mongodb", "filter", *case) for case in FIND),
    *(("qdrant", "filter", *case) for case in QDRANT),
    *(("weaviate", "where", *case) for case in WEAVIATE),
    *(("pinecone", "filter", *case) for case in PINECONE),
    *(("chroma", "where", *case) for case in CHROMA),
    *(("hasura", "where", *case) for case in HASURA),
    *(("prisma", "where", *case) for case in PRISMA),
]


@pytest.mark.parametrize(("dialect", "member", "node", "expected"), GOLDEN)
def test_query(shop: Catalog, dialect: str, member: str, node: Filter, expected: dict[str, Any]) -> None:
    assert query(dialect, shop, node, {}) == ({member: expected}, [])


REVIEWED = {"rating": StoredField(name="reviews.rating", nested="reviews")}


@pytest.mark.parametrize(
    ("dialect", "member", "expected"),
    [
        # https://www.mongodb.com/docs/manual/reference/operator/query/elemMatch/
        ("mongodb", "filter", {"reviews": {"$elemMatch": {"rating": {"$gte": 4, "$lte": 5}}}}),
        # https://qdrant.tech/documentation/search/filtering/#nested-object-filter
        (
            "qdrant",
            "filter",
            {
                "must": [
                    {
                        "nested": {
                            "key": "reviews",
                            "filter": {"must": [{"key": "rating", "range": {"gte": 4, "lte": 5}}]},
                        }
                    }
                ]
            },
        ),
        # https://hasura.io/docs/2.0/queries/postgres/filters/using-nested-objects/
        ("hasura", "where", {"reviews": {"rating": {"_gte": 4, "_lte": 5}}}),
        # https://www.prisma.io/docs/orm/reference/prisma-client-reference#relation-filters
        ("prisma", "where", {"reviews": {"is": {"rating": {"gte": 4, "lte": 5}}}}),
    ],
)
def test_objects_of_their_own(shop: Catalog, dialect: str, member: str, expected: dict[str, Any]) -> None:
    assert query(dialect, shop, Between("rating", 4, 5), REVIEWED) == ({member: expected}, [])


@pytest.mark.parametrize(
    ("dialect", "asked", "expected"),
    [
        # https://www.mongodb.com/docs/manual/reference/method/cursor.sort/: null is less than any value
        ("mongodb", {"sort": (Sort("price", "desc"),), "limit": 3}, {"filter": {}, "sort": {"price": -1}, "limit": 3}),
        ("mongodb", {"sort": (Sort("doors", "asc"),)}, {"filter": {}, "sort": {"doors": 1}}),
        (
            "mongodb",
            {"sort": (Sort("price", "asc"),), "limit": 3},
            {
                "filter": {},
                "pipeline": [
                    {"$match": {}},
                    {"$addFields": {"_missing_0": {"$in": [{"$ifNull": ["$price", None]}, [None, []]]}}},
                    {"$sort": {"_missing_0": 1, "price": 1}},
                    {"$limit": 3},
                    {"$unset": ["_missing_0"]},
                ],
            },
        ),
        # https://www.mongodb.com/docs/manual/reference/operator/query/text/: a hyphen excludes, quotes make phrases
        ("mongodb", {"text": '-loud "ones'}, {"filter": {"$text": {"$search": "loud  ones"}}}),
        ("qdrant", {"limit": 3}, {"limit": 3}),
        ("weaviate", {"text": "loud", "limit": 3}, {"bm25": {"query": "loud"}, "limit": 3}),
        ("weaviate", {"sort": (Sort("doors", "desc"),)}, {"sort": [{"path": ["doors"], "order": "desc"}]}),
        ("pinecone", {"limit": 3}, {"top_k": 3}),
        ("chroma", {"limit": 3}, {"limit": 3}),
        ("chroma", {"text": "loud", "limit": 3}, {"query_texts": ["loud"], "n_results": 3}),
        (
            "hasura",
            {"sort": (Sort("price", "asc"),), "limit": 3},
            {"order_by": [{"price": "asc_nulls_last"}], "limit": 3},
        ),
        (
            "prisma",
            {"sort": (Sort("price", "asc"), Sort("doors", "desc")), "limit": 3},
            {"orderBy": [{"price": {"sort": "asc", "nulls": "last"}}, {"doors": "desc"}], "take": 3},
        ),
    ],
)
def test_order_limit_and_words(shop: Catalog, dialect: str, asked: dict[str, Any], expected: dict[str, Any]) -> None:
    assert query(dialect, shop, None, {}, **asked) == (expected, [])


@pytest.mark.parametrize(
    ("dialect", "node", "expected"),
    [
        ("qdrant", BOSE, [("/filter", "narrower")]),
        ("qdrant", Comparison("<", "opens", dt.time(9)), [("/filter", "wider")]),
        ("qdrant", Contains("title", "x", "end"), [("/filter", "wider")]),
        ("weaviate", Contains("brand", "50*"), [("/filter", "wider")]),
        ("weaviate", Contains("title", "50"), [("/filter", "wider")]),
        ("pinecone", Contains("brand", "50"), [("/filter", "wider")]),
        ("chroma", IsNull("brand"), [("/filter", "wider")]),
        ("chroma", NOT_USA, [("/filter", "wider")]),
        ("mongodb", Comparison(">", "seen", dt.datetime(2026, 1, 1, 0, 0, 0, 1, dt.UTC)), [("/filter", "wider")]),
        ("hasura", Comparison("=", "tags", "new"), [("/filter", "narrower")]),
        ("hasura", Contains("tags", "new"), [("/filter", "wider")]),
        ("prisma", Comparison("<>", "tags", "new"), [("/filter", "wider")]),
        ("hasura", Comparison("<", "order by", 5), [("/filter", "wider")]),
    ],
)
def test_what_an_engine_lacks_is_reported(
    shop: Catalog, dialect: str, node: Filter, expected: list[tuple[str, str]]
) -> None:
    assert query(dialect, shop, node, {})[1] == expected


def test_a_relation_of_many_rows_knows_all_of_its_elements(shop: Catalog) -> None:
    """https://hasura.io/docs/2.0/queries/postgres/filters/using-nested-objects/"""
    related = {"tags": StoredField(name="name", nested="tags")}
    assert query("hasura", shop, Contains("tags", "x"), related) == (
        {"where": {"tags": {"name": {"_ilike": "%x%"}}}},
        [],
    )
    assert query("prisma", shop, Not(Contains("tags", "x")), related) == (
        {
            "where": {
                "AND": [
                    {"tags": {"some": {"name": {"not": None}}}},
                    {"NOT": {"tags": {"some": {"name": {"contains": "x", "mode": "insensitive"}}}}},
                ]
            }
        },
        [],
    )
