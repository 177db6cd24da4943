"""The life of a job over HTTP: preferences, idempotency, listing, canceling, retrying, deleting."""

import asyncio
import html
import json
import time
import uuid
from typing import Any

import httpx
import pytest

from nlp2filters.core.problems import PROBLEMS, problem
from tests.service import Service

BODY = {"catalog": "cars", "text": "8 cylinders"}


def submitted(client: httpx.Client, **options: Any) -> dict[str, Any]:
    response = client.post("/v1/jobs", json={**BODY, **options})
    assert response.status_code == 202, response.text
    job: dict[str, Any] = response.json()
    return job


def test_waiting_for_the_end(client: httpx.Client) -> None:
    response = client.post("/v1/jobs", json=BODY, headers={"Prefer": "wait=20"})
    assert response.status_code == 200
    assert response.headers["preference-applied"] == "wait=20"
    assert "Prefer" in response.headers["vary"]
    job = response.json()
    assert (job["status"], job["result"]["conditions"][0]["value"]) == ("succeeded", 8)
    assert client.get(job["urls"]["result"]).json() == job["result"]


def test_waiting_for_what_does_not_end_in_time(idle: httpx.Client) -> None:
    response = idle.post("/v1/jobs", json=BODY, headers={"Prefer": "wait=1"})
    assert (response.status_code, response.json()["status"]) == (202, "queued")


def test_an_empty_answer_on_request(client: httpx.Client) -> None:
    response = client.post("/v1/jobs", json=BODY, headers={"Prefer": "return=minimal, respond-async"})
    assert (response.status_code, response.content) == (202, b"")
    assert client.get(response.headers["location"]).status_code == 200


def test_an_unchanged_job_is_not_sent_again(client: httpx.Client) -> None:
    job = client.post("/v1/jobs", json=BODY, headers={"Prefer": "wait=20"}).json()
    for path in (job["urls"]["self"], job["urls"]["result"]):
        etag = client.get(path).headers["etag"]
        again = client.get(path, headers={"If-None-Match": etag})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
        assert client.get(path, headers={"If-None-Match": '"another"'}).status_code == 200


async def test_a_hundred_submissions_with_one_key_make_one_job(service: Service) -> None:
    key = str(uuid.uuid4())
    async with httpx.AsyncClient(base_url=service.url, timeout=60, trust_env=False) as client:
        before = len((await client.get("/v1/jobs", params={"page_size": 200})).json()["jobs"])
        sent = [client.post("/v1/jobs", json=BODY, headers={"Idempotency-Key": key}) for _ in range(100)]
        answers = await asyncio.gather(*sent)
        assert {answer.status_code for answer in answers} == {202}
        assert len({answer.json()["id"] for answer in answers}) == 1
        assert sum("idempotency-replayed" not in answer.headers for answer in answers) == 1
        listed = (await client.get("/v1/jobs", params={"page_size": 200})).json()["jobs"]
        assert len(listed) == min(200, before + 1)


def test_a_key_stands_for_one_request(client: httpx.Client) -> None:
    headers = {"Idempotency-Key": f'"{uuid.uuid4()}"'}
    first = client.post("/v1/jobs", json=BODY, headers=headers)
    unquoted = {"Idempotency-Key": headers["Idempotency-Key"].strip('"')}
    assert client.post("/v1/jobs", json=BODY, headers=unquoted).json()["id"] == first.json()["id"]
    other = client.post("/v1/jobs", json={**BODY, "text": "6 cylinders"}, headers=headers)
    assert (other.status_code, other.json()["type"]) == (422, "/problems/idempotency-key-reused")


def test_a_refused_request_uses_up_no_key(client: httpx.Client) -> None:
    headers = {"Idempotency-Key": str(uuid.uuid4())}
    assert client.post("/v1/jobs", json={**BODY, "catalog": "nowhere"}, headers=headers).status_code == 404
    assert client.post("/v1/jobs", json=BODY, headers=headers).status_code == 202


@pytest.mark.parametrize("key", ["", '""', "x" * 256, "ä"])
def test_a_malformed_key(client: httpx.Client, key: str) -> None:
    response = client.post("/v1/jobs", json=BODY, headers=[(b"Idempotency-Key", key.encode())])
    assert (response.status_code, response.json()["errors"][0]["pointer"]) == (422, "/headers/Idempotency-Key")


def test_jobs_are_listed_page_by_page_the_newest_first(idle: httpx.Client) -> None:
    made = [submitted(idle)["id"] for _ in range(7)]
    found: list[str] = []
    token = None
    while token is not None or not found:
        page = idle.get("/v1/jobs", params={"page_size": 3, **({"page_token": token} if token else {})}).json()
        assert len(page["jobs"]) <= 3
        found += [job["id"] for job in page["jobs"]]
        token = page["next_page_token"]
    assert found[:7] == made[::-1]
    assert len(found) == len(set(found))


def test_jobs_of_one_status(idle: httpx.Client) -> None:
    job = submitted(idle)
    idle.post(job["urls"]["cancel"])
    canceled = idle.get("/v1/jobs", params={"status": "canceled"}).json()["jobs"]
    assert job["id"] in [one["id"] for one in canceled]
    assert {one["status"] for one in canceled} == {"canceled"}


@pytest.mark.parametrize("query", ["status=lost", "page_size=0", "page_size=many", "page_token=x", "page_token=W10"])
def test_a_listing_that_is_asked_for_wrongly(client: httpx.Client, query: str) -> None:
    response = client.get(f"/v1/jobs?{query}")
    assert response.status_code == 422
    assert response.json()["errors"][0]["pointer"] == f"/query/{query.partition('=')[0]}"


def test_a_waiting_job_is_canceled_at_once(idle: httpx.Client) -> None:
    job = submitted(idle)
    response = idle.post(job["urls"]["cancel"])
    assert (response.status_code, response.json()["status"]) == (202, "canceled")
    again = idle.post(job["urls"]["cancel"])
    assert (again.status_code, again.json()) == (200, response.json())
    events = idle.get(job["urls"]["events"]).text
    assert events.count("event: done") == 1
    assert idle.get(job["urls"]["result"]).json()["type"] == "/problems/job-failed"


def test_a_finished_job_cannot_be_canceled(client: httpx.Client) -> None:
    job = client.post("/v1/jobs", json=BODY, headers={"Prefer": "wait=20"}).json()
    response = client.post(job["urls"]["cancel"])
    assert (response.status_code, response.json()["type"]) == (409, "/problems/job-already-finished")
    assert client.get(job["urls"]["self"]).json()["status"] == "succeeded"


def test_a_canceled_job_is_retried_as_a_new_one(idle: httpx.Client) -> None:
    old = submitted(idle, metadata={"for": "test"})
    assert idle.post(old["urls"]["retry"]).json()["type"] == "/problems/job-not-retryable"
    idle.post(old["urls"]["cancel"])
    response = idle.post(old["urls"]["retry"])
    new = response.json()
    assert (response.status_code, new["status"], new["retry_of"]) == (202, "queued", old["id"])
    assert new["id"] != old["id"]
    assert new["metadata"] == {"for": "test"}
    assert idle.get(old["urls"]["self"]).json()["status"] == "canceled"


def test_a_job_is_deleted_when_it_has_ended(idle: httpx.Client) -> None:
    job = submitted(idle)
    response = idle.delete(job["urls"]["self"])
    assert (response.status_code, response.json()["type"]) == (409, "/problems/job-not-finished")
    idle.post(job["urls"]["cancel"])
    assert idle.delete(job["urls"]["self"]).status_code == 204
    for name in ("self", "events", "result"):
        assert idle.get(job["urls"][name]).status_code == 404
    assert job["id"] not in [one["id"] for one in idle.get("/v1/jobs").json()["jobs"]]


def test_only_jobs_that_ended_tell_a_webhook(client: httpx.Client) -> None:
    job = client.post("/v1/jobs", json=BODY, headers={"Prefer": "wait=20"}).json()
    response = client.post(f"/v1/jobs/{job['id']}/redeliver")
    assert (response.status_code, response.json()["type"]) == (409, "/problems/no-webhook")
    assert client.get(f"/v1/jobs/{job['id']}/deliveries").json() == {"deliveries": []}


def test_a_stream_is_for_those_who_take_streams(client: httpx.Client) -> None:
    job = submitted(client)
    response = client.get(job["urls"]["events"], headers={"Accept": "application/json"})
    assert (response.status_code, response.json()["type"]) == (406, "/problems/not-acceptable")


def test_a_method_that_the_address_does_not_take(client: httpx.Client) -> None:
    response = client.put("/v1/jobs")
    assert response.status_code == 405
    assert {"GET", "POST"} <= set(response.headers["allow"].split(", "))


@pytest.mark.parametrize("slug", PROBLEMS)
def test_every_problem_has_a_page(idle: httpx.Client, slug: str) -> None:
    page = idle.get(problem(slug, "x")["type"])
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert html.escape(PROBLEMS[slug].title) in page.text
    assert str(PROBLEMS[slug].status) in page.text


def test_a_problem_that_is_none(idle: httpx.Client) -> None:
    assert idle.get("/problems/none").json()["type"] == "/problems/not-found"


def test_a_request_has_an_id_in_its_answer_its_problem_and_the_log(idle_service: Service, idle: httpx.Client) -> None:
    response = idle.get("/v1/jobs/job_none")
    request_id = response.headers["x-request-id"]
    assert response.json()["request_id"] == request_id
    while not (lines := [line for line in idle_service.log_lines("web") if request_id in line]):
        time.sleep(0.02)  # The log is written by a thread.
    logged = [json.loads(line) for line in lines]
    assert [(line["request_id"], line["status"]) for line in logged] == [(request_id, 404)]
    assert idle.get("/healthz").headers["x-request-id"] != request_id


@pytest.mark.parametrize(
    ("given", "kept"), [("from-the-router-1", True), ("short", False), ("a" * 201, False), ("a b c d e f", False)]
)
def test_the_id_that_a_router_gave(idle: httpx.Client, given: str, kept: bool) -> None:
    answered = idle.get("/healthz", headers={"X-Request-ID": given}).headers["x-request-id"]
    assert (answered == given) is kept


def test_a_job_that_runs_says_when_to_ask_again(idle: httpx.Client) -> None:
    response = idle.post("/v1/jobs", json=BODY)
    job = response.json()
    assert (response.headers["location"], response.headers["retry-after"]) == (job["urls"]["self"], "1")
    assert idle.get(job["urls"]["self"]).headers["retry-after"] == "1"
    result = idle.get(job["urls"]["result"])
    assert (result.status_code, result.json()["type"]) == (409, "/problems/job-not-finished")
    assert result.headers["retry-after"] == "1"
    idle.post(job["urls"]["cancel"])
    assert "retry-after" not in idle.get(job["urls"]["self"]).headers


def test_a_page_holds_200_jobs_at_the_most_whatever_is_asked(idle: httpx.Client) -> None:
    for _ in range(3):
        requests = [{"custom_id": str(number), **BODY} for number in range(70)]
        idle.post("/v1/batches", json={"requests": requests}).raise_for_status()
    page = idle.get("/v1/jobs", params={"page_size": 100_000}).json()
    assert len(page["jobs"]) == 200
    assert len(idle.get("/v1/jobs").json()["jobs"]) == 50
