"""The whole service, as its users see it: real processes, real sockets."""

import asyncio
import json
from collections import Counter
from typing import Any

import httpx
import pytest
from httpx_sse import ServerSentEvent, aconnect_sse

from nlp2filters import demo
from tests.service import Service


@pytest.fixture
async def client(service: Service) -> Any:
    async with httpx.AsyncClient(base_url=service.url, timeout=30, trust_env=False) as client:
        yield client


async def submit(client: httpx.AsyncClient, text: str, catalog: str = "cars", **options: Any) -> dict[str, Any]:
    response = await client.post("/v1/jobs", json={"catalog": catalog, "text": text, **options})
    assert response.status_code == 202, response.text
    job: dict[str, Any] = response.json()
    return job


async def events(client: httpx.AsyncClient, job_id: str, **headers: str) -> list[ServerSentEvent]:
    """A job's stream, read to its end."""
    async with aconnect_sse(client, "GET", f"/v1/jobs/{job_id}/events", headers=headers) as source:
        return [event async for event in source.aiter_sse() if event.data]  # a ping has none


async def finished(client: httpx.AsyncClient, job_id: str) -> dict[str, Any]:
    await events(client, job_id)
    response = await client.get(f"/v1/jobs/{job_id}/result")
    assert response.status_code == 200, response.text
    result: dict[str, Any] = response.json()
    return result


async def test_fifty_texts_at_once(client: httpx.AsyncClient) -> None:
    texts = [(example, name) for name in demo.NAMES for example in demo.catalog(name).examples]
    texts = (texts * 50)[:50]
    jobs = await asyncio.gather(*[submit(client, text, name) for text, name in texts])
    streams = await asyncio.gather(*[events(client, job["id"]) for job in jobs])
    for job, stream in zip(jobs, streams, strict=True):
        names = Counter(event.event for event in stream)
        assert (names["done"], stream[-1].event, stream[0].event) == (1, "done", "snapshot")
        ids = [tuple(map(int, event.id.split("-"))) for event in stream]
        assert ids == sorted(set(ids))
        last = stream[-1].json()
        polled = (await client.get(f"/v1/jobs/{job['id']}")).json()
        assert polled == last["job"]
        assert polled["status"] == "succeeded"
        assert (await client.get(f"/v1/jobs/{job['id']}/result")).json() == last["result"]


async def test_the_answer_to_a_submission(client: httpx.AsyncClient) -> None:
    response = await client.post("/v1/jobs", json={"catalog": "cars", "text": "red", "metadata": {"for": "test"}})
    job = response.json()
    assert response.status_code == 202
    assert response.headers["location"] == job["urls"]["self"] == f"/v1/jobs/{job['id']}"
    assert "retry-after" in response.headers
    assert (job["status"], job["stage"], job["metadata"]) == ("queued", "embedding", {"for": "test"})


async def test_the_filter_of_a_sentence(client: httpx.AsyncClient) -> None:
    text = "japanese cars with at least 30 mpg"
    job = await submit(client, text, dialects=["sql", "elasticsearch"])
    result = await finished(client, job["id"])
    assert result["filter"] == {
        "op": "and",
        "args": [
            {"op": "=", "args": [{"property": "Origin"}, "Japan"]},
            {"op": ">=", "args": [{"property": "Miles_per_Gallon"}, 30]},
        ],
    }
    for condition in result["conditions"]:
        start, end = condition["span"]
        assert text[start:end] == condition["quote"]
    assert set(result["dialects"]["sql"]["params"].values()) == {"Japan", 30}
    assert "Japan" not in result["dialects"]["sql"]["where"]
    assert "query" in result["dialects"]["elasticsearch"]
    assert (result["provider"], result["degraded"]) == ("builtin", False)
    assert {"embedding_run", "llm_run", "total"} <= set(result["timings_ms"])


async def test_the_rows_are_those_of_the_filter(client: httpx.AsyncClient) -> None:
    job = await submit(client, "japanese cars with at least 30 mpg")
    await finished(client, job["id"])
    answer = (await client.get(f"/v1/jobs/{job['id']}/rows?limit=100")).json()
    meant = [
        row
        for row in demo.rows("cars")
        if row["Origin"] == "Japan" and isinstance(mpg := row["Miles_per_Gallon"], int | float) and mpg >= 30
    ]
    assert answer["count"] == len(answer["rows"]) == len(meant)
    assert answer["total"] == len(demo.rows("cars"))
    assert {row["Name"] for row in answer["rows"]} == {row["Name"] for row in meant}


async def test_a_scope_holds_whatever_the_text_says(client: httpx.AsyncClient) -> None:
    scope = {"op": "=", "args": [{"property": "Origin"}, "USA"]}
    job = await submit(client, "japanese cars", scope=scope)
    result = await finished(client, job["id"])
    assert result["filter"]["args"][0] == scope


async def test_the_scope_of_a_catalog_holds_too_and_lists_are_searched(client: httpx.AsyncClient) -> None:
    scope = {"op": "=", "args": [{"property": "in_stock"}, True]}
    fields = [
        {"name": "tags", "type": "keyword", "many": True, "values": ["new", "sale"]},
        {"name": "in_stock", "type": "boolean"},
    ]
    catalog = {"name": "shop", "fields": fields, "scope": scope}
    job = await submit(client, "new but not on sale", catalog=catalog, dialects=["sql", "elasticsearch"])  # type: ignore[arg-type]
    result = await finished(client, job["id"])
    assert result["filter"]["args"][0] == scope
    assert [(c["op"], c["value"]) for c in result["conditions"]] == [("=", "new"), ("<>", "sale")]
    assert set(result["dialects"]["sql"]["params"].values()) == {"new", "sale", True}
    faulty = {**catalog, "scope": {"op": "=", "args": [{"property": "stock"}, True]}}
    response = await client.post("/v1/jobs", json={"catalog": faulty, "text": "new"})
    assert response.status_code == 422
    assert [error["pointer"] for error in response.json()["errors"]] == ["/catalog/scope/args/0/property"]


async def test_an_inline_catalog(client: httpx.AsyncClient) -> None:
    fields = [
        {"name": "price", "type": "money", "currency": "USD"},
        {"name": "brand", "type": "keyword", "values": ["Beats", "Sony"]},
    ]
    job = await submit(client, "under $80, not Beats", catalog={"name": "shop", "fields": fields})  # type: ignore[arg-type]
    result = await finished(client, job["id"])
    assert {(c["field"], c["op"], c["value"]) for c in result["conditions"]} == {
        ("price", "<", 80),
        ("brand", "<>", "Beats"),
    }
    assert (await client.get(f"/v1/jobs/{job['id']}/rows")).status_code == 404


async def test_a_stream_is_resumed_after_any_event(client: httpx.AsyncClient) -> None:
    job = await submit(client, "lightest first, no european cars")
    await finished(client, job["id"])
    first = (await events(client, job["id"]))[0]
    everything = await events(client, job["id"], **{"Last-Event-ID": first.id})
    whole = [json.loads(event.data)["seq"] for event in everything]
    assert whole == sorted(whole)
    for i, event in enumerate(everything[:-1]):
        rest = await events(client, job["id"], **{"Last-Event-ID": event.id})
        assert [e.id for e in rest] == [e.id for e in everything[i + 1 :]]
    response = await client.get(f"/v1/jobs/{job['id']}/events", headers={"Last-Event-ID": everything[-1].id})
    assert (response.status_code, response.content) == (204, b"")


@pytest.mark.parametrize("cursor", ["1-1", "99999999999999-0"])
async def test_a_cursor_that_is_not_held_gets_a_snapshot(client: httpx.AsyncClient, cursor: str) -> None:
    job = await submit(client, "8 cylinders")
    stream = await events(client, job["id"], **{"Last-Event-ID": cursor})
    assert (stream[0].event, stream[-1].event) == ("snapshot", "done")


async def test_a_malformed_cursor_is_refused(client: httpx.AsyncClient) -> None:
    job = await submit(client, "8 cylinders")
    response = await client.get(f"/v1/jobs/{job['id']}/events?last_event_id=latest")
    assert (response.status_code, response.json()["type"]) == (400, "/problems/malformed-cursor")


async def test_the_older_polling_client(client: httpx.AsyncClient) -> None:
    response = await client.post("/embedding/echo", json={"text": "hello world"})
    assert response.status_code == 202
    assert list(response.json()) == ["job_id"]
    async with asyncio.timeout(10):
        while True:
            answer = (await client.get(f"/embedding/result/{response.json()['job_id']}")).json()
            if "result" in answer:
                break
            assert answer["status"] in ("queued", "running")
            await asyncio.sleep(0.05)
    assert answer == {"result": "hello world"}
    assert "error" in (await client.get("/embedding/result/job_unknown")).json()
    assert (await client.get("/health")).json()["status"] == "ok"


async def test_every_log_line_is_json_and_every_line_of_a_job_names_it(
    client: httpx.AsyncClient, service: Service
) -> None:
    job = await submit(client, "a secret wish for heavy cars")
    await finished(client, job["id"])
    for name in ("web", "embedding", "llm"):
        lines: list[dict[str, Any]] = []
        while not any(line.get("job_id") == job["id"] for line in lines):  # a thread writes them, when it has time
            await asyncio.sleep(0.02)
            lines = [json.loads(line) for line in service.log_lines(name)]
        assert not any("secret wish" in json.dumps(line) for line in lines)


async def test_catalogs(client: httpx.AsyncClient) -> None:
    listed = (await client.get("/v1/catalogs")).json()["catalogs"]
    assert [catalog["name"] for catalog in listed][: len(demo.NAMES)] == list(demo.NAMES)
    for catalog in listed:
        whole = (await client.get(catalog["url"])).json()
        assert len(whole["fields"]) == catalog["fields"]


async def test_health(client: httpx.AsyncClient) -> None:
    assert (await client.get("/healthz")).json()["status"] == "ok"
    ready = (await client.get("/readyz")).json()
    workers = {"embedding": 1, "llm": 1, "audio": 0, "delivery": 1}
    assert ready == {"status": "ready", "redis": True, "workers": workers, "providers": {}}
