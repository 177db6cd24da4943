"""Catalogs of one's own: written, used by name, replaced and forgotten."""

import json
from typing import Any

import httpx
import pytest

from nlp2filters.core import catalog as catalogs
from nlp2filters.core import schemas

LAMPS = {
    "fields": [
        {"name": "price", "type": "money", "currency": "EUR"},
        {"name": "colour", "type": "keyword", "values": ["red", "blue"], "closed": True},
    ]
}
CSV = "name,price (USD),in stock\nDesk lamp,20,yes\nFloor lamp,55.5,no\nDesk lamp,18,yes\n"


def asked(client: httpx.Client, text: str, catalog: str) -> dict[str, Any]:
    job = client.post("/v1/jobs", json={"catalog": catalog, "text": text}, headers={"Prefer": "wait=20"}).json()
    assert job["status"] == "succeeded", job
    result: dict[str, Any] = job["result"]
    return result


def test_a_catalog_is_written_and_used_by_name(client: httpx.Client) -> None:
    response = client.put("/v1/catalogs/lamps", json=LAMPS)
    assert (response.status_code, response.json()["name"]) == (201, "lamps")
    assert client.put("/v1/catalogs/lamps", json=LAMPS).status_code == 200
    found = client.get("/v1/catalogs/lamps")
    assert catalogs.parse(found.json()) == catalogs.parse({"name": "lamps", **LAMPS})
    etag = {"If-None-Match": found.headers["etag"]}
    assert client.get("/v1/catalogs/lamps", headers=etag).status_code == 304
    listed = {one["name"]: one["packaged"] for one in client.get("/v1/catalogs").json()["catalogs"]}
    assert (listed["lamps"], listed["cars"]) == (False, True)
    result = asked(client, "red lamps under 30 euros", "lamps")
    assert {condition["field"] for condition in result["conditions"]} == {"price", "colour"}


def test_a_job_keeps_the_catalog_that_it_was_given(client: httpx.Client) -> None:
    client.put("/v1/catalogs/kept", json=LAMPS)
    job = client.post("/v1/jobs", json={"catalog": "kept", "text": "blue"}).json()
    client.put("/v1/catalogs/kept", json={"fields": [{"name": "size", "type": "integer"}]})
    client.delete("/v1/catalogs/kept")
    client.get(job["urls"]["events"])
    assert client.get(job["urls"]["result"]).json()["conditions"][0]["value"] == "blue"


def test_a_forgotten_catalog(client: httpx.Client) -> None:
    client.put("/v1/catalogs/gone", json=LAMPS)
    assert client.delete("/v1/catalogs/gone").status_code == 204
    assert client.delete("/v1/catalogs/gone").status_code == 404
    response = client.post("/v1/jobs", json={"catalog": "gone", "text": "blue"})
    assert (response.status_code, response.json()["type"]) == (404, "/problems/catalog-not-found")


@pytest.mark.parametrize(
    ("name", "body", "pointer"),
    [
        ("cars", LAMPS, "/path/name"),
        ("a b", LAMPS, "/path/name"),
        ("x", {}, "/fields"),
        ("x", {"name": "y", **LAMPS}, "/name"),
        ("x", {"fields": [{"name": "a", "type": "colour"}]}, "/fields/0/type"),
        ("x", [], ""),
    ],
)
def test_what_is_refused(client: httpx.Client, name: str, body: Any, pointer: str) -> None:
    response = client.put(f"/v1/catalogs/{name}", json=body)
    assert response.status_code == 422
    assert response.json()["errors"][0]["pointer"] == pointer


@pytest.mark.parametrize(
    ("media_type", "content"),
    [
        ("text/csv", CSV),
        (
            "application/x-ndjson",
            '{"name": "a", "price (USD)": 1.5, "in stock": true}\n{"name": "b", "price (USD)": 2, "in stock": false}',
        ),
        ("application/json", json.dumps([{"name": "a", "price (USD)": 1.5, "in stock": True}])),
    ],
)
def test_a_catalog_from_example_rows(client: httpx.Client, media_type: str, content: str) -> None:
    response = client.post("/v1/catalogs/infer?name=lamps", content=content, headers={"Content-Type": media_type})
    assert response.status_code == 200, response.text
    catalog = catalogs.parse(response.json())
    assert catalog.name == "lamps"
    assert [field.type for field in catalog.fields[1:]] == ["money", "boolean"]
    assert catalog.fields[1].currency == "USD"


def test_a_catalog_with_its_reasons(client: httpx.Client) -> None:
    headers = {"Content-Type": "text/csv"}
    content = "size,sent\n1,01/02/2024\nmany,03/04/2024\n"
    response = client.post("/v1/catalogs/infer?explain=true&date_order=day", content=content, headers=headers)
    explained = schemas.InferredCatalog.model_validate(response.json())
    plain = client.post("/v1/catalogs/infer?date_order=day", content=content, headers=headers)
    assert explained.catalog == catalogs.parse(plain.json())
    size, sent = explained.columns
    assert (size.type, size.notes[0].kind, size.notes[0].cells, size.notes[0].examples) == (
        "text",
        "refused",
        1,
        ["many"],
    )
    assert (sent.type, explained.catalog.fields[1].maximum) == ("date", "2024-04-03")


@pytest.mark.parametrize("query", ["explain=perhaps", "date_order=year", "currency=euro"])
def test_options_of_inference_that_are_none(client: httpx.Client, query: str) -> None:
    response = client.post(f"/v1/catalogs/infer?{query}", json=[{"a": 1}])
    name = query.partition("=")[0]
    assert (response.status_code, response.json()["errors"][0]["pointer"]) == (422, f"/query/{name}")


def test_rows_may_be_nested_and_their_delimiter_any(client: httpx.Client) -> None:
    rows = [{"tags": ["new", "red"], "place": {"city": "Rome"}, "share": "95%"}] * 2
    nested = catalogs.parse(client.post("/v1/catalogs/infer", json=rows).json())
    assert [(field.name, field.type, field.many, field.unit) for field in nested.fields] == [
        ("tags", "keyword", True, None),
        ("place.city", "keyword", False, None),
        ("share", "number", False, "%"),
    ]
    headers = {"Content-Type": "text/csv"}
    flat = catalogs.parse(client.post("/v1/catalogs/infer", content="a;b\n1;2\n", headers=headers).json())
    assert [(field.name, field.type) for field in flat.fields] == [("a", "integer"), ("b", "integer")]
    twins = catalogs.parse(client.post("/v1/catalogs/infer", content="a,a\n1,2\n", headers=headers).json())
    assert [field.name for field in twins.fields] == ["a", "a_2"]
    ragged = client.post("/v1/catalogs/infer", content="a,b\n1,2,3\n", headers=headers)
    assert (ragged.status_code, "Line 2 has 3 cells" in ragged.json()["detail"]) == (400, True)


@pytest.mark.parametrize("content", ["", "[]", "[1]", '{"a": 1}', "[{}]"])
def test_rows_that_are_none(client: httpx.Client, content: str) -> None:
    headers = {"Content-Type": "application/json"}
    response = client.post("/v1/catalogs/infer", content=content, headers=headers)
    assert response.status_code in (400, 422)
