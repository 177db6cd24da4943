"""A job that goes on from an earlier one."""

from typing import Any

import httpx
import pytest

from nlp2filters.core.schemas import Result

WAIT = {"Prefer": "wait=25"}


def ask(client: httpx.Client, **body: Any) -> dict[str, Any]:
    response = client.post("/v1/jobs", json=body, headers=WAIT)
    assert response.status_code == 200, response.text
    job: dict[str, Any] = response.json()
    assert job["status"] == "succeeded", job
    return job


def refused(client: httpx.Client, **body: Any) -> tuple[int, str, str]:
    response = client.post("/v1/jobs", json=body)
    problem = response.json()
    return response.status_code, problem["type"], (problem.get("errors") or [{}])[0].get("pointer", "")


def test_a_conversation(client: httpx.Client) -> None:
    first = ask(client, catalog="cars", text="japanese cars over 30 mpg")
    lighter = ask(client, refines=first["id"], text="lighter ones")
    also = ask(client, refines=lighter["id"], text="also european")
    assert [first["refines"], lighter["refines"], also["refines"]] == [None, first["id"], lighter["id"]]
    assert lighter["result"]["sort"] == [{"field": "Weight_in_lbs", "direction": "asc"}]
    assert lighter["result"]["refines"]["difference"]["summary"] == "Order: Weight, lowest first."
    result = also["result"]
    assert [(c["quote"], c["said_in"]) for c in result["conditions"]] == [
        ("over 30 mpg", first["id"]),
        ("japanese", first["id"]),
        ("european", None),
    ]
    assert [said["text"] for said in result["refines"]["texts"]] == ["japanese cars over 30 mpg", "lighter ones"]
    assert result["refines"]["difference"]["added"] == [{"field": "Origin", "op": "=", "value": "Europe"}]
    assert result["sort"] == lighter["result"]["sort"]
    rows = client.get(f"{also['urls']['self']}/rows", params={"limit": 200}).json()
    assert {row["Origin"] for row in rows["rows"]} == {"Japan", "Europe"}
    assert min(row["Miles_per_Gallon"] for row in rows["rows"]) > 30
    assert Result.model_validate(result).refines


def test_what_is_not_given_is_as_before(client: httpx.Client) -> None:
    scope = {"op": "<", "args": [{"property": "Year"}, 1980]}
    before = {"dialects": ["elasticsearch"], "locale": "es", "now": "2020-05-05", "scope": scope, "strategy": "builtin"}
    first = ask(client, catalog="cars", text="japoneses", **before)
    second = ask(client, refines=first["id"], text="más de 100 hp")
    assert second["catalog"] == "cars"
    assert list(second["result"]["dialects"]) == ["elasticsearch"]
    assert scope in second["result"]["filter"]["args"]
    assert second["result"]["refines"]["difference"]["removed"] == []  # the scope is no condition of either text
    other = ask(client, refines=second["id"], text="under 3000 lb", locale="en", dialects=["sql"], scope=None)
    assert list(other["result"]["dialects"]) == ["sql"]
    assert scope not in other["result"]["filter"]["args"]


def test_the_earlier_job_is_needed_no_longer(client: httpx.Client) -> None:
    first = ask(client, catalog="cars", text="japanese cars")
    waiting = client.post("/v1/jobs", json={"refines": first["id"], "text": "over 30 mpg"}).json()
    assert client.delete(first["urls"]["self"]).status_code == 204
    with client.stream("GET", waiting["urls"]["events"]) as stream:
        assert '"japanese"' in stream.read().decode().rpartition("event: done")[2]


def test_a_catalog_of_ones_own_that_has_changed(client: httpx.Client) -> None:
    fields = [{"name": "size", "type": "keyword", "values": ["small", "large"]}, {"name": "price", "type": "number"}]
    client.put("/v1/catalogs/boxes", json={"name": "boxes", "fields": fields})
    first = ask(client, catalog="boxes", text="small, price under 5")
    assert ask(client, refines=first["id"], text="large")["result"]["refines"]["difference"]["changed"]
    client.put("/v1/catalogs/boxes", json={"name": "boxes", "fields": fields[:1]})
    assert refused(client, refines=first["id"], text="large") == (422, "/problems/invalid-request", "/refines")


def test_in_a_batch(client: httpx.Client) -> None:
    first = ask(client, catalog="cars", text="japanese cars")
    requests = [
        {"custom_id": "a", "refines": first["id"], "text": "also european"},
        {"custom_id": "b", "refines": first["id"], "text": "any origin"},
    ]
    batch = client.post("/v1/batches", json={"requests": requests}).json()
    with client.stream("GET", batch["urls"]["events"]) as stream:
        stream.read()
    lines = client.get(batch["urls"]["results"]).text.splitlines()
    assert [line.count('"value":"Europe"') > 0 for line in lines] == [True, False]
    assert '"filter":null' in lines[1]
    wrong = client.post("/v1/batches", json={"requests": [{**requests[0], "refines": "job_none"}]})
    assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (422, "/requests/0/refines")


def test_what_cannot_be_refined(client: httpx.Client, idle: httpx.Client) -> None:
    assert refused(client, refines="job_none", text="x")[:2] == (404, "/problems/job-not-found")
    assert refused(client, text="x") == (422, "/problems/invalid-request", "/catalog")
    first = ask(client, catalog="cars", text="japanese cars")
    assert refused(client, refines=first["id"], catalog="movies", text="x")[2] == "/catalog"
    assert client.post("/v1/jobs", json={"refines": first["id"], "catalog": "cars", "text": "x"}).status_code == 202
    waiting = idle.post("/v1/jobs", json={"catalog": "cars", "text": "x"}).json()
    assert refused(idle, refines=waiting["id"], text="x")[:2] == (409, "/problems/job-not-finished")
    echo = client.post("/embedding/echo", json={"text": "x"}).json()["job_id"]
    with client.stream("GET", f"/v1/jobs/{echo}/events") as stream:
        stream.read()
    assert refused(client, refines=echo, text="y")[2] == "/refines"


@pytest.mark.timeout(300)
def test_a_conversation_may_go_on_until_its_filter_is_too_large(client: httpx.Client) -> None:
    job = ask(client, catalog="cars", text="not 1 hp")
    for turn in range(1, 60):
        low = 40 * turn
        text = ", ".join(f"not {weight} lb" for weight in range(low, low + 40))
        response = client.post("/v1/jobs", json={"refines": job["id"], "text": text}, headers=WAIT)
        if response.status_code == 422:
            assert "too large" in response.json()["errors"][0]["detail"]
            assert turn > 1
            return
        job = response.json()
        assert job["status"] == "succeeded", job["error"]
    pytest.fail("it was never too large")
