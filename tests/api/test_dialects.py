"""The list of query languages, and the options with which a filter is compiled to them."""

from itertools import islice
from typing import Any

import httpx

from nlp2filters.core.dialects import DIALECTS
from nlp2filters.core.schemas import Result

WAIT = {"Prefer": "wait=20"}
SHOP = {
    "name": "shop",
    "fields": [
        {"name": "brand", "type": "keyword", "values": ["Beats", "Bose"]},
        {"name": "price", "type": "money", "currency": "USD"},
    ],
    "mappings": {"sql": {"table": "products", "fields": {"price": {"name": "list price"}}}},
}


def ask(client: httpx.Client, **body: Any) -> dict[str, Any]:
    response = client.post("/v1/jobs", json={"catalog": SHOP, **body}, headers=WAIT)
    assert response.status_code == 200, response.text
    result: dict[str, Any] = response.json()["result"]
    assert Result.model_validate(result)
    return result


def test_every_dialect_that_is_listed_compiles(client: httpx.Client) -> None:
    dialects = client.get("/v1/dialects").json()["dialects"]
    assert {dialect["name"]: dialect["title"] for dialect in dialects} == {
        name: dialect.title for name, dialect in DIALECTS.items()
    }
    names = iter(dialect["name"] for dialect in dialects)
    # A job takes so many at once.
    while some := list(islice(names, 16)):
        result = ask(client, catalog="cars", text="8 cylinders", dialects=some)
        assert list(result["dialects"]) == some


def test_unknown_values_are_excluded_unless_they_are_asked_for(client: httpx.Client) -> None:
    usual = ask(client, text="not Beats")["dialects"]["sql"]
    wider = ask(client, text="not Beats", unknown="include")["dialects"]["sql"]
    assert "IS NULL" not in usual["where"]
    assert "brand IS NULL" in wider["where"]


def test_the_demo_rows_are_those_of_the_jobs_own_meaning(client: httpx.Client) -> None:
    counts = {}
    for unknown in ("exclude", "include"):
        body = {"catalog": "cars", "text": "not 15 mpg", "unknown": unknown}
        job = client.post("/v1/jobs", json=body, headers=WAIT).json()
        counts[unknown] = client.get(f"{job['urls']['self']}/rows").json()["count"]
    # Some cars have no figure.
    assert counts["include"] > counts["exclude"] > 0


def test_the_mapping_of_a_request_comes_before_the_one_of_the_catalog(client: httpx.Client) -> None:
    catalogs = ask(client, text="under $80")["dialects"]["sql"]
    assert catalogs["statement"] == 'SELECT * FROM products WHERE "list price" < :p_1'
    mappings = {"sql": {"table": "goods"}}
    assert ask(client, text="under $80", mappings=mappings)["dialects"]["sql"]["statement"] == (
        "SELECT * FROM goods WHERE price < :p_1"
    )


def test_a_mapping_with_faults_is_refused(client: httpx.Client) -> None:
    mappings = {"sql": {"fields": {"weight": {"name": "w"}, "price": {"form": "epoch_seconds"}}}}
    problem = client.post("/v1/jobs", json={"catalog": SHOP, "text": "a", "mappings": mappings}).json()
    assert {error["pointer"] for error in problem["errors"]} == {
        "/mappings/sql/fields/weight",
        "/mappings/sql/fields/price/form",
    }
    problem = client.put("/v1/catalogs/shop", json={**SHOP, "mappings": {"cobol": {}}}).json()
    assert [error["pointer"] for error in problem["errors"]] == ["/mappings/cobol"]


def test_words_that_no_condition_took_are_reported_where_the_query_does_not_search_for_them(
    client: httpx.Client,
) -> None:
    result = ask(client, text="gritty things under $80", dialects=["sql", "elasticsearch"])
    assert result["text"]
    (loss,) = result["dialects"]["sql"]["lossy"]
    assert (loss["pointer"], loss["effect"]) == ("/text", "wider")
    assert result["text"] in loss["reason"]
    assert result["dialects"]["elasticsearch"]["lossy"] == []
