"""Who may do what: API keys, their scopes and owners, limits, stream tokens."""

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from redis import Redis

from nlp2filters.app import OPERATIONS
from nlp2filters.redis_server import running
from tests.conftest import free_port
from tests.service import ROOT, Service

BODY = {"catalog": "cars", "text": "8 cylinders"}


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A web process with low limits; keys are made by the command line."""
    with running(tmp_path_factory.mktemp("access-redis"), free_port()) as server:
        environment = {"REDIS_URL": server.url, "MAX_PENDING": "5", "MAX_STREAMS": "2", "MAX_RATE": "100"}
        service = Service(tmp_path_factory.mktemp("access-logs"), port=free_port(), environment=environment)
        service.start("web")
        try:
            service.wait_until_answering()
            yield service
        finally:
            service.stop()


def command(service: Service, *words: str) -> str:
    run = subprocess.run(
        [sys.executable, "-m", "nlp2filters", "keys", *words],
        cwd=ROOT, env=service.environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return run.stdout


def client_of(service: Service, name: str, *words: str) -> httpx.Client:
    made = json.loads(command(service, "create", name, "--json", *words))
    headers = {"Authorization": f"Bearer {made['key']}"}
    return httpx.Client(base_url=service.url, timeout=30, trust_env=False, headers=headers)


@pytest.fixture(scope="module")
def anna(guarded: Service) -> Iterator[httpx.Client]:
    with client_of(guarded, "anna") as client:
        yield client


@pytest.fixture(scope="module")
def bert(guarded: Service) -> Iterator[httpx.Client]:
    with client_of(guarded, "bert") as client:
        yield client


@pytest.fixture
def emptied(guarded: Service) -> None:
    """No jobs of earlier tests count against the limits."""
    with Redis.from_url(guarded.environment["REDIS_URL"]) as redis:
        for name in redis.scan_iter("n2f:pending:*"):
            redis.delete(name)
        for name in redis.scan_iter("n2f:rate:*"):
            redis.delete(name)


def test_once_there_is_a_key_nobody_goes_without(guarded: Service, anna: httpx.Client) -> None:
    for headers in ({}, {"Authorization": "Bearer n2f_abc_def"}, {"Authorization": "Basic YTpi"}):
        response = httpx.get(f"{guarded.url}/v1/jobs", headers=headers)
        assert (response.status_code, response.json()["type"]) == (401, "/problems/unauthenticated")
        assert response.headers["www-authenticate"].startswith("Bearer")
    assert anna.get("/v1/jobs").status_code == 200
    assert httpx.get(f"{guarded.url}/healthz").status_code == 200


def test_the_key_is_nowhere_in_redis(guarded: Service, anna: httpx.Client) -> None:
    secret = anna.headers["authorization"].rpartition("_")[2]
    with Redis.from_url(guarded.environment["REDIS_URL"]) as redis:
        stored = b"".join(redis.hgetall("n2f:api-keys").values())
    assert secret.encode() not in stored
    assert secret not in "".join(guarded.log_lines("web"))


def test_a_revoked_key_is_none(guarded: Service) -> None:
    with client_of(guarded, "carl") as carl:
        assert carl.get("/v1/jobs").status_code == 200
        listed = json.loads(command(guarded, "list", "--json"))
        (id_,) = [key["id"] for key in listed if key["name"] == "carl"]
        command(guarded, "revoke", id_)
        assert carl.get("/v1/jobs").status_code == 401


def test_a_key_does_what_its_scopes_say(guarded: Service) -> None:
    with client_of(guarded, "dora", "--scope", "jobs:read") as dora:
        assert dora.get("/v1/jobs").status_code == 200
        response = dora.post("/v1/jobs", json=BODY)
        assert (response.status_code, response.json()["type"]) == (403, "/problems/forbidden")
        assert "jobs:write" in response.json()["detail"]
        assert dora.get("/metrics").status_code == 403


def test_every_address_of_another_owner_is_not_found(
    guarded: Service, anna: httpx.Client, bert: httpx.Client, emptied: None
) -> None:
    job = anna.post("/v1/jobs", json=BODY).json()
    batch = anna.post("/v1/batches", json={"requests": [{"custom_id": "a", **BODY}]}).json()
    anna.put("/v1/catalogs/mine", json={"fields": [{"name": "a", "type": "text"}]})
    ids = {"{job_id}": job["id"], "{batch_id}": batch["id"], "{name}": "mine"}
    checked = 0
    for operation in OPERATIONS:
        path = operation.path
        for name, value in ids.items():
            path = path.replace(name, value)
        if path == operation.path or operation.method == "PUT":
            continue
        theirs = bert.request(operation.method, path)
        missing = operation.path.replace("{job_id}", "job_none").replace("{batch_id}", "batch_none")
        nowhere = bert.request(operation.method, missing.replace("{name}", "none"))
        assert (theirs.status_code, nowhere.status_code) == (404, 404), operation.path
        shown, expected = theirs.text, nowhere.text
        for value, none in zip(ids.values(), ("job_none", "batch_none", "none"), strict=True):
            shown = shown.replace(value, none)
        assert shown == expected
        checked += 1
    assert checked >= 15
    assert anna.get(job["urls"]["self"]).json()["status"] == "queued"
    assert job["id"] not in bert.get("/v1/jobs").text
    assert "mine" not in bert.get("/v1/catalogs").text
    for subject in ({"job_id": job["id"]}, {"batch_id": batch["id"]}):
        assert bert.post("/v1/stream-tokens", json=subject).status_code == 404


def test_idempotency_keys_are_an_owners_own(anna: httpx.Client, bert: httpx.Client, emptied: None) -> None:
    headers = {"Idempotency-Key": "the same"}
    made = {client.post("/v1/jobs", json=BODY, headers=headers).json()["id"] for client in (anna, bert)}
    assert len(made) == 2


def test_pending_jobs_are_limited(anna: httpx.Client, bert: httpx.Client, emptied: None) -> None:
    for _ in range(5):
        assert anna.post("/v1/jobs", json=BODY).status_code == 202
    response = anna.post("/v1/jobs", json=BODY)
    assert (response.status_code, response.json()["type"]) == (429, "/problems/too-many-pending")
    assert "retry-after" in response.headers
    assert bert.post("/v1/jobs", json=BODY).status_code == 202
    (job, *_) = anna.get("/v1/jobs").json()["jobs"]
    anna.post(job["urls"]["cancel"])
    assert anna.post("/v1/jobs", json=BODY).status_code == 202


def test_the_rate_is_limited_and_told(guarded: Service, bert: httpx.Client, emptied: None) -> None:
    for _ in range(110):
        response = bert.post("/v1/jobs", json={**BODY, "catalog": "nowhere"})
        if response.status_code == 429:
            break
        assert response.status_code == 404
    assert (response.status_code, response.json()["type"]) == (429, "/problems/too-many-requests")
    assert response.headers["ratelimit-policy"] == '"submit";q=100;w=60'
    assert 0 < int(response.headers["retry-after"]) <= 60


def test_streams_are_limited(anna: httpx.Client, emptied: None) -> None:
    job = anna.post("/v1/jobs", json=BODY).json()
    with anna.stream("GET", job["urls"]["events"]) as one, anna.stream("GET", job["urls"]["events"]) as two:
        streams = [one.iter_lines(), two.iter_lines()]
        for lines in streams:
            next(lines)
        third = anna.get(job["urls"]["events"])
        assert (third.status_code, third.json()["type"]) == (429, "/problems/too-many-streams")
        anna.post(job["urls"]["cancel"])
        for lines in streams:
            assert "event: done" in list(lines)


def test_a_token_follows_one_job_and_nothing_else(guarded: Service, anna: httpx.Client, emptied: None) -> None:
    job, other = (anna.post("/v1/jobs", json=BODY).json() for _ in range(2))
    anna.post(job["urls"]["cancel"])
    response = anna.post("/v1/stream-tokens", json={"job_id": job["id"]})
    assert response.status_code == 201
    query = {"token": response.json()["token"]}
    assert "event: done" in httpx.get(guarded.url + job["urls"]["events"], params=query).text
    for path in (other["urls"]["events"], job["urls"]["self"], "/v1/jobs"):
        assert httpx.get(guarded.url + path, params=query).status_code == 401


@pytest.mark.parametrize("body", [{}, {"job_id": "a", "batch_id": "b"}, {"job_id": 1}])
def test_a_token_is_for_one_thing(anna: httpx.Client, body: Any) -> None:
    assert anna.post("/v1/stream-tokens", json=body).status_code == 422


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "attacker.example"},
        {"Host": "attacker.example:8000"},
        {"Origin": "https://attacker.example"},
        {"X-Forwarded-For": "203.0.113.7"},
    ],
)
def test_without_keys_only_this_machine_is_answered(idle: httpx.Client, headers: dict[str, str]) -> None:
    assert idle.get("/v1/jobs").status_code == 200
    response = idle.get("/v1/jobs", headers=headers)
    assert (response.status_code, response.json()["type"]) == (401, "/problems/unauthenticated")
    assert "nlp2filters keys create" in response.json()["detail"]
