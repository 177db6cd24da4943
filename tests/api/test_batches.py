"""Many texts at once, followed together."""

import json
import uuid
from typing import Any

import httpx
import httpx_sse

TEXTS = {"a": "8 cylinders", "b": "japanese cars", "c": "at least 30 mpg"}


def body(**options: Any) -> dict[str, Any]:
    return {
        "requests": [{"custom_id": name, "catalog": "cars", "text": text} for name, text in TEXTS.items()],
        **options,
    }


def submitted(client: httpx.Client, **options: Any) -> dict[str, Any]:
    response = client.post("/v1/batches", json=body(**options))
    assert response.status_code == 202, response.text
    batch: dict[str, Any] = response.json()
    assert response.headers["location"] == batch["urls"]["self"]
    return batch


def test_one_stream_tells_of_all(client: httpx.Client) -> None:
    batch = submitted(client, metadata={"for": "test"})
    with httpx_sse.connect_sse(client, "GET", batch["urls"]["events"]) as source:
        events = list(source.iter_sse())
    assert events[0].event == "snapshot"
    assert events[-1].event == "done"
    told = {json.loads(event.data)["custom_id"] for event in events if event.event == "job"}
    counted = json.loads(events[0].data)["batch"]["request_counts"]
    assert len(told) == 3 - counted["succeeded"]
    ended = client.get(batch["urls"]["self"]).json()
    assert (ended["status"], ended["request_counts"]["succeeded"], ended["metadata"]) == ("ended", 3, {"for": "test"})
    at_the_end = client.get(batch["urls"]["events"], headers={"Last-Event-ID": events[-1].id})
    assert at_the_end.status_code == 204


def test_the_results_are_lines_of_json(client: httpx.Client) -> None:
    batch = submitted(client)
    client.get(batch["urls"]["events"])
    response = client.get(batch["urls"]["results"])
    assert response.headers["content-type"] == "application/x-ndjson"
    lines = [json.loads(line) for line in response.text.splitlines()]
    assert [line["custom_id"] for line in lines] == list(TEXTS)
    for line in lines:
        assert line["status"] == "succeeded"
        assert line["result"] == client.get(f"/v1/jobs/{line['job_id']}/result").json()


def test_its_jobs_are_jobs(client: httpx.Client) -> None:
    batch = submitted(client)
    client.get(batch["urls"]["events"])
    mine = [job for job in client.get("/v1/jobs").json()["jobs"] if job["batch_id"] == batch["id"]]
    assert {job["custom_id"] for job in mine} == set(TEXTS)


def test_one_fault_refuses_all_and_every_fault_is_told(idle: httpx.Client) -> None:
    requests = body()["requests"]
    requests[1]["catalog"] = "nowhere"
    requests[2]["catalog"] = {"name": "x", "fields": []}
    response = idle.post("/v1/batches", json={"requests": requests})
    assert response.status_code == 422
    pointers = [fault["pointer"] for fault in response.json()["errors"]]
    assert pointers == ["/requests/1/catalog", "/requests/2/catalog/fields"]


def test_names_are_unique(idle: httpx.Client) -> None:
    requests = [{"custom_id": "a", "catalog": "cars", "text": "x"}] * 2
    response = idle.post("/v1/batches", json={"requests": requests})
    assert (response.status_code, response.json()["errors"][0]["pointer"]) == (422, "/requests")


def test_canceling_all(idle: httpx.Client) -> None:
    batch = submitted(idle)
    response = idle.post(batch["urls"]["cancel"])
    assert (response.status_code, response.json()["status"]) == (202, "ended")
    assert response.json()["request_counts"]["canceled"] == 3
    assert idle.get(batch["urls"]["events"]).text.count("event: done") == 1
    lines = [json.loads(line) for line in idle.get(batch["urls"]["results"]).text.splitlines()]
    assert {line["status"] for line in lines} == {"canceled"}


def test_the_same_batch_again_with_its_key(idle: httpx.Client) -> None:
    headers = {"Idempotency-Key": str(uuid.uuid4())}
    first, again = (idle.post("/v1/batches", json=body(), headers=headers) for _ in range(2))
    assert first.json()["id"] == again.json()["id"]
    assert again.headers["idempotency-replayed"] == "true"
    other = idle.post("/v1/batches", json=body(metadata={"a": "b"}), headers=headers)
    assert other.json()["type"] == "/problems/idempotency-key-reused"


def test_no_such_batch(client: httpx.Client) -> None:
    response = client.get("/v1/batches/batch_none")
    assert (response.status_code, response.json()["type"]) == (404, "/problems/batch-not-found")


def test_a_batch_without_a_webhook_has_no_deliveries(client: httpx.Client) -> None:
    batch = submitted(client)
    client.get(batch["urls"]["events"])
    assert client.get(batch["urls"]["deliveries"]).json() == {"deliveries": []}
    response = client.post(f"/v1/batches/{batch['id']}/redeliver")
    assert (response.status_code, response.json()["type"]) == (409, "/problems/no-webhook")


def test_nobody_is_told_again_of_what_has_not_ended(idle: httpx.Client) -> None:
    batch = submitted(idle)
    assert idle.get(batch["urls"]["deliveries"]).json() == {"deliveries": []}
    response = idle.post(f"/v1/batches/{batch['id']}/redeliver")
    assert (response.status_code, response.json()["type"]) == (409, "/problems/batch-not-ended")
    assert "retry-after" in response.headers
