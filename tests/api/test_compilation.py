"""Filters that callers have are compiled and explained at once, with the checks that jobs have."""

from typing import Any

import httpx
import pytest

from nlp2filters import demo
from nlp2filters.core.dialects import DIALECTS

SHOP = {
    "name": "shop",
    "fields": [
        {"name": "brand", "type": "keyword", "values": ["Beats", "Bose"]},
        {"name": "owner", "type": "keyword"},
        {"name": "price", "type": "money", "currency": "USD"},
        {"name": "wireless", "type": "boolean"},
        {"name": "sold", "type": "datetime"},
        {"name": "tags", "type": "keyword", "many": True},
    ],
}
SCOPED = {**SHOP, "scope": "owner = 'anna'"}


def op(name: str, *args: Any) -> dict[str, Any]:
    return {"op": name, "args": list(args)}


def of(name: str) -> dict[str, str]:
    return {"property": name}


CHEAP = op("<=", of("price"), 80)


def compiled(client: httpx.Client, **body: Any) -> Any:
    response = client.post("/v1/compile", json={"catalog": SHOP, **body})
    assert response.status_code == 200, response.text
    return response.json()


def fault(client: httpx.Client, path: str = "/v1/compile", **body: Any) -> tuple[str, str, str]:
    response = client.post(path, json={"catalog": SHOP, **body})
    assert response.status_code == 422, response.text
    problem = response.json()
    error = problem["errors"][0]
    return problem["type"].removeprefix("/problems/"), error["pointer"], error["detail"]


def test_a_filter_is_compiled_to_every_dialect(client: httpx.Client) -> None:
    names = list(DIALECTS)
    for first in range(0, len(names), 16):
        some = names[first : first + 16]
        answer = compiled(client, filter=CHEAP, dialects=some, sort=[{"field": "price"}], limit=5)
        assert list(answer["dialects"]) == some
        assert answer["filter"] == CHEAP
        assert (answer["sort"], answer["limit"]) == ([{"field": "price", "direction": "asc"}], 5)


def test_text_and_json_are_the_same_filter(client: httpx.Client) -> None:
    text = "CASEI(brand) <> CASEI('beats') AND price <= 80 AND wireless"
    answer = compiled(client, filter=text)
    assert answer["filter"]["args"][0] == op("<>", op("casei", of("brand")), op("casei", "Beats"))
    assert answer["explanation"] == "Brand is not Beats, price is at most $80 and wireless is yes."
    assert compiled(client, filter=answer["filter"]) == answer


def test_the_filter_of_a_result_can_be_sent_back(client: httpx.Client) -> None:
    body = {"catalog": SHOP, "text": "not Beats, under $80, sold yesterday", "timezone": "Europe/Madrid"}
    job = client.post("/v1/jobs", json=body, headers={"Prefer": "wait=20"}).json()
    result = job["result"]
    assert result["filter"]["op"] == "and"
    answer = compiled(client, filter=result["filter"], timezone="America/New_York")
    assert answer["filter"] == result["filter"]
    assert answer["dialects"]["sql"]["where"] == result["dialects"]["sql"]["where"]


def test_scopes_are_added(client: httpx.Client) -> None:
    answer = compiled(client, catalog=SCOPED, filter=CHEAP, scope="A_OVERLAPS(tags, ('a', 'b'))")
    owner, tags = op("=", of("owner"), "anna"), op("a_overlaps", of("tags"), ["a", "b"])
    assert answer["filter"] == op("and", owner, tags, CHEAP)
    assert answer["explanation"] == "Price is at most $80."
    assert compiled(client, catalog=SCOPED)["filter"] == owner
    assert compiled(client)["filter"] is None


def test_days_are_those_of_the_time_zone(client: httpx.Client) -> None:
    answer = compiled(client, filter="sold >= DATE('2026-03-01')", timezone="Europe/Madrid")
    assert answer["filter"] == op(">=", of("sold"), {"timestamp": "2026-02-28T23:00:00Z"})
    relative = op(">=", of("sold"), {"relative": {"offset": -1, "unit": "day"}})
    answer = compiled(client, filter=relative, now="2026-03-02T12:00:00", timezone="Europe/Madrid")
    assert answer["filter"] == op(">=", of("sold"), {"timestamp": "2026-02-28T23:00:00Z"})


def test_unknown_values(client: httpx.Client) -> None:
    answer = compiled(client, filter="brand <> 'Bose'", unknown="include")
    assert answer["filter"]["op"] == "or"


@pytest.mark.parametrize(
    ("body", "kind", "pointer"),
    [
        ({"filter": "price < "}, "invalid-filter", "/filter"),
        ({"filter": "colour = 'red'"}, "invalid-filter", "/filter"),
        ({"filter": op("=", of("colour"), "red")}, "invalid-filter", "/filter/args/0/property"),
        ({"filter": op("=", "x", of("price"))}, "invalid-filter", "/filter"),
        ({"filter": {**CHEAP, "property": "wireless"}}, "invalid-filter", "/filter"),
        ({"scope": "colour = 'red'"}, "invalid-filter", "/scope"),
        ({"scope": "owner LIKE 'An%'", "dialects": ["typesense"]}, "invalid-filter", "/scope"),
        ({"sort": [{"field": "tags"}]}, "invalid-filter", "/sort/0/field"),
        ({"dialects": ["klingon"]}, "invalid-request", "/dialects/0"),
        ({"limit": 0}, "invalid-request", "/limit"),
        ({"timezone": "Mars"}, "invalid-request", "/timezone"),
        ({"catalog": {"name": "x"}}, "invalid-catalog", "/catalog/fields"),
        ({"mappings": {"sql": {"fields": {"colour": {}}}}}, "invalid-request", "/mappings/sql/fields/colour"),
    ],
)
def test_faults(client: httpx.Client, body: dict[str, Any], kind: str, pointer: str) -> None:
    assert fault(client, **body)[:2] == (kind, pointer)


def test_a_fault_of_a_text_has_its_place(client: httpx.Client) -> None:
    assert fault(client, filter="price < 80 AND colour = 'red'")[2].endswith("(at character 16)")


def test_an_unknown_catalog(client: httpx.Client) -> None:
    response = client.post("/v1/compile", json={"catalog": "nothing", "filter": CHEAP})
    assert (response.status_code, response.json()["type"]) == (404, "/problems/catalog-not-found")


def test_ten_thousand_ids(client: httpx.Client) -> None:
    ids = [f"{number:08}-e89b-12d3-a456-426614174000" for number in range(10_000)]
    answer = compiled(client, filter=CHEAP, scope=op("in", of("owner"), ids))
    assert len(answer["filter"]["args"][0]["args"][1]) == 10_000
    explained = client.post("/v1/explain", json={"catalog": SHOP, "filter": op("in", of("owner"), ids)}).json()
    assert explained["explanation"].endswith("or 9,990 others.")
    many = {"catalog": SHOP, "filter": op("in", of("owner"), [*ids, *(f"x{number}" for number in range(15_001))])}
    response = client.post("/v1/compile", json=many)
    assert (response.status_code, response.json()["type"]) == (422, "/problems/invalid-filter")


def test_a_filter_is_explained(client: httpx.Client) -> None:
    body = {"catalog": SHOP, "filter": "owner LIKE 'An%' AND NOT price BETWEEN 1 AND 2", "limit": 3}
    answer = client.post("/v1/explain", json=body).json()
    assert answer == {"explanation": "Owner begins with exactly “An” and price is outside $1 to $2; the first 3."}
    assert fault(client, "/v1/explain", filter="colour = 1")[1] == "/filter"


def test_the_demo_rows_are_searched_by_a_filter(client: httpx.Client) -> None:
    order = [{"field": "Weight_in_lbs", "direction": "asc"}]
    body = {"catalog": "cars", "filter": "Origin = 'Japan' AND Cylinders = 4", "sort": order, "limit": 3}
    answer = client.post("/v1/demo-rows", json=body).json()
    japanese = [row for row in demo.rows("cars") if row["Origin"] == "Japan" and row["Cylinders"] == 4]
    assert (answer["count"], answer["total"]) == (3, len(demo.rows("cars")))
    lightest = sorted(row["Weight_in_lbs"] for row in japanese)[:3]  # type: ignore[type-var]
    assert [row["Weight_in_lbs"] for row in answer["rows"]] == lightest
    assert client.post("/v1/demo-rows?limit=0", json={"catalog": "cars"}).json()["count"] == len(demo.rows("cars"))
    assert client.post("/v1/demo-rows", json={"catalog": SHOP}).status_code == 404
    assert fault(client, "/v1/demo-rows", catalog="cars", filter="Wheels = 4")[1].startswith("/filter")
