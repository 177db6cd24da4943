"""Who may do what: API keys, their scopes and owners, limits, stream tokens."""

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from typing import Any

import httpx
import pytest
from redis import Redis
from redis.asyncio import Redis as AsyncRedis
from websockets.asyncio.client import connect
from websockets.sync.client import connect as follow

from nlp2filters.api.event_streams import socket_routes
from nlp2filters.api.routes import Operation
from nlp2filters.app import OPERATIONS
from nlp2filters.cli.keys import DEFAULT_SCOPES
from nlp2filters.clock import now_ms
from nlp2filters.settings import Settings
from nlp2filters.storage.api_keys import ApiKeys
from nlp2filters.storage.redis_keys import Keys
from tests.service import ROOT, Service, started

BODY = {"catalog": "cars", "text": "8 cylinders"}
LAMPS: dict[str, Any] = {"fields": [{"name": "price", "type": "number"}]}


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A web process with low limits."""
    folder = tmp_path_factory.mktemp("access")
    with started(folder, "web", MAX_PENDING="5", MAX_STREAMS="2", MAX_RATE="100") as service:
        yield service


def command(service: Service, *words: str) -> str:
    run = subprocess.run(
        [sys.executable, "-m", "nlp2filters", "keys", *words],
        cwd=ROOT, env=service.environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return run.stdout


def client_with(service: Service, key: str) -> httpx.Client:
    headers = {"Authorization": f"Bearer {key}"}
    return httpx.Client(base_url=service.url, timeout=30, trust_env=False, headers=headers)


def client_of(service: Service, name: str, scopes: Sequence[str] = DEFAULT_SCOPES) -> httpx.Client:
    """A client with a key that is made here: a command takes long to start."""

    async def make() -> str:
        async with AsyncRedis.from_url(service.environment["REDIS_URL"]) as redis:
            _, key = await ApiKeys(redis, Keys()).create(name, name, scopes, now_ms())
            return key

    return client_with(service, asyncio.run(make()))


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
        response = guarded.client.get("/v1/jobs", headers=headers)
        assert (response.status_code, response.json()["type"]) == (401, "/problems/unauthenticated")
        assert response.headers["www-authenticate"].startswith("Bearer")
    assert anna.get("/v1/jobs").status_code == 200
    assert guarded.client.get("/healthz").status_code == 200


def test_the_key_is_nowhere_in_redis(guarded: Service, anna: httpx.Client) -> None:
    secret = anna.headers["authorization"].split("_", 2)[2]  # which may hold underscores
    with Redis.from_url(guarded.environment["REDIS_URL"]) as redis:
        stored = b"".join(redis.hgetall("n2f:api-keys").values())
    assert secret.encode() not in stored
    assert secret not in "".join(guarded.log_lines("web"))


def test_a_revoked_key_is_none(guarded: Service) -> None:
    key = json.loads(command(guarded, "create", "carl", "--json"))["key"]
    with client_with(guarded, key) as carl:
        assert carl.get("/v1/jobs").status_code == 200
        listed = json.loads(command(guarded, "list", "--json"))
        (id_,) = [key["id"] for key in listed if key["name"] == "carl"]
        command(guarded, "revoke", id_)
        assert carl.get("/v1/jobs").status_code == 401


def test_a_key_does_what_its_scopes_say(guarded: Service) -> None:
    with client_of(guarded, "dora", ["jobs:read"]) as dora:
        assert dora.get("/v1/jobs").status_code == 200
        response = dora.post("/v1/jobs", json=BODY)
        assert (response.status_code, response.json()["type"]) == (403, "/problems/forbidden")
        assert "jobs:write" in response.json()["detail"]
        assert dora.get("/metrics").status_code == 403


MISSING = {"job_id": "job_none", "batch_id": "batch_none", "name": "none", "owner": "nobody"}
OWNED = [operation for operation in OPERATIONS if "{" in operation.path and operation.scope != "admin"]


@pytest.fixture(scope="module")
def annas(guarded: Service, anna: httpx.Client) -> dict[str, str]:
    """What an address may name, of another owner."""
    anna.put("/v1/catalogs/mine", json=LAMPS).raise_for_status()
    return {
        "job_id": anna.post("/v1/jobs", json=BODY).raise_for_status().json()["id"],
        "batch_id": anna.post("/v1/batches", json={"requests": [{"custom_id": "a", **BODY}]}).json()["id"],
        "name": "mine",
    }


@pytest.mark.parametrize("operation", OWNED, ids=lambda operation: f"{operation.method} {operation.path}")
def test_what_is_another_owners_is_not_found(
    operation: Operation, anna: httpx.Client, bert: httpx.Client, annas: dict[str, str]
) -> None:
    """Every operation on something, as the table of routes has them: what is somebody else's is as if it were not."""
    path = operation.path.format_map(annas)
    if operation.method == "PUT":
        assert bert.put(path, json={"fields": [{"name": "size", "type": "integer"}]}).status_code in (200, 201)
        assert anna.get(path).json()["fields"][0]["name"] == LAMPS["fields"][0]["name"]
        bert.delete(path)
        return
    named = {"X-Request-ID": "the-same-id"}
    body = {"text": "the first"} if operation.body else None
    query = {"q": "the first"} if operation.path.endswith("/search") else None
    theirs, nowhere = (
        bert.request(operation.method, operation.path.format_map(ids), headers=named, json=body, params=query)
        for ids in (annas, MISSING)
    )
    assert (theirs.status_code, nowhere.status_code) == (404, 404)
    shown = theirs.text
    for name, value in annas.items():
        shown = shown.replace(value, MISSING[name])
    assert shown == nowhere.text


async def test_what_is_another_owners_is_not_followed(
    guarded: Service, bert: httpx.Client, annas: dict[str, str]
) -> None:
    headers = {"Authorization": bert.headers["authorization"]}
    for route in socket_routes:
        address = guarded.url.replace("http", "ws") + route.path.format_map(annas)
        async with connect(address, proxy=None, additional_headers=headers) as socket:
            await socket.wait_closed()
        assert socket.close_code == 4404, route.path


def test_what_is_another_owners_is_not_refined(anna: httpx.Client, bert: httpx.Client, emptied: None) -> None:
    job = anna.post("/v1/jobs", json=BODY).json()
    mine = anna.post("/v1/jobs", json={"refines": job["id"], "text": "lighter ones"})
    assert (mine.status_code, mine.json()["type"]) == (409, "/problems/job-not-finished")
    other = bert.post("/v1/jobs", json={"refines": job["id"], "text": "lighter ones"})
    none = bert.post("/v1/jobs", json={"refines": "job_none", "text": "lighter ones"})
    assert (other.status_code, none.status_code) == (404, 404)
    assert other.json()["detail"].replace(job["id"], "job_none") == none.json()["detail"]


def test_what_is_another_owners_is_in_no_list_and_still_there(
    anna: httpx.Client, bert: httpx.Client, annas: dict[str, str]
) -> None:
    assert annas["job_id"] not in bert.get("/v1/jobs").text
    assert annas["name"] not in bert.get("/v1/catalogs").text
    for subject in ("job_id", "batch_id"):
        assert bert.post("/v1/stream-tokens", json={subject: annas[subject]}).status_code == 404
    assert bert.post("/v1/jobs", json={**BODY, "catalog": annas["name"]}).status_code == 404
    assert anna.get(f"/v1/jobs/{annas['job_id']}").json()["status"] == "queued"
    assert anna.get(f"/v1/batches/{annas['batch_id']}").json()["status"] == "in_progress"
    assert anna.get(f"/v1/catalogs/{annas['name']}").status_code == 200


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
    told = [bert.post("/v1/jobs", json=BODY).headers for _ in range(2)]
    left = [int(re.fullmatch(r'"submit";r=(\d+);t=\d+', headers["ratelimit"])[1]) for headers in told]  # type: ignore[index]
    assert left[0] == 99
    assert left[1] in (98, 99)  # unless a new minute has begun
    for _ in range(250):
        response = bert.post("/v1/jobs", json={**BODY, "catalog": "nowhere"})
        if response.status_code == 429:
            break
        assert response.status_code == 404
    assert (response.status_code, response.json()["type"]) == (429, "/problems/too-many-requests")
    assert response.headers["ratelimit-policy"] == '"submit";q=100;w=60'
    assert 0 < int(response.headers["retry-after"]) <= 60


def test_the_texts_of_a_batch_count_each(guarded: Service, bert: httpx.Client, emptied: None) -> None:
    requests = [{**BODY, "custom_id": str(number)} for number in range(99)]
    two = bert.post("/v1/batches", json={"requests": requests[:2]})
    many = bert.post("/v1/batches", json={"requests": requests})
    one = bert.post("/v1/jobs", json=BODY)
    assert [response.status_code for response in (two, many, one)] == [202, 429, 202]
    left = [int(re.findall(r"r=(\d+)", response.headers["ratelimit"])[0]) for response in (two, one)]
    assert left in ([98, 97], [98, 99])  # the refused ones do not count; unless a new minute has begun


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
    address = guarded.url.replace("http", "ws") + f"/v1/jobs/{job['id']}/ws"
    with follow(f"{address}?token={query['token']}", proxy=None) as socket:
        assert json.loads(socket.recv(timeout=30))["event"] == "snapshot"
    assert query["token"] not in "".join(guarded.log_lines("web"))
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
        {"Host": "localhost:attacker.example"},
        {"Host": "localhost:8000:attacker.example"},
        {"Host": "localhost:"},
        {"Host": "user@localhost"},
        {"Host": "["},
        {"Origin": "https://attacker.example"},
        {"Origin": "http://localhost:attacker.example"},
        {"Origin": "http://localhost@attacker.example"},
        {"Origin": "http://["},
        {"Origin": "null"},
        {"X-Forwarded-For": "203.0.113.7"},
    ],
)
def test_without_keys_only_this_machine_is_answered(idle: httpx.Client, headers: dict[str, str]) -> None:
    assert idle.get("/v1/jobs").status_code == 200
    response = idle.get("/v1/jobs", headers=headers)
    assert (response.status_code, response.json()["type"]) == (401, "/problems/unauthenticated")
    assert "nlp2filters keys create" in response.json()["detail"]


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:80", "127.0.0.1:8000", "[::1]", "[::1]:8000"])
def test_this_machine_has_several_names(idle: httpx.Client, host: str) -> None:
    assert idle.get("/v1/jobs", headers={"Host": host, "Origin": f"http://{host}"}).status_code == 200


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A web process that asks everybody for a key."""
    with started(tmp_path_factory.mktemp("closed"), "web", REQUIRE_API_KEY="true") as service:
        yield service


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: f"{operation.method} {operation.path}")
def test_where_keys_are_required_nobody_goes_without(closed: Service, operation: Operation) -> None:
    """Also while Redis knows of no key, because it is new or has lost its data."""
    response = httpx.request(operation.method, closed.url + operation.path.format_map(MISSING), trust_env=False)
    assert (response.status_code == 401) == (operation.scope is not None)
    if operation.scope:
        assert "nlp2filters keys create" in response.json()["detail"]


async def test_where_keys_are_required_nobody_follows_without(closed: Service) -> None:
    for route in socket_routes:
        async with connect(closed.url.replace("http", "ws") + route.path.format_map(MISSING), proxy=None) as socket:
            await socket.wait_closed()
        assert socket.close_code == 4401


def test_where_keys_are_required_a_key_opens_until_redis_has_lost_it(closed: Service) -> None:
    key = json.loads(command(closed, "create", "erna", "--json"))["key"]
    with client_with(closed, key) as erna, Redis.from_url(closed.environment["REDIS_URL"]) as redis:
        assert erna.get("/v1/jobs").status_code == 200
        redis.flushall()  # of this service alone
        assert erna.get("/v1/jobs").status_code == 401
        assert httpx.get(f"{closed.url}/v1/jobs", trust_env=False).status_code == 401


def test_the_command_line_says_what_to_do_without_a_key(closed: Service) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "nlp2filters", "jobs", "list", "--server", closed.url],
        cwd=ROOT, env=closed.environment, capture_output=True, text=True,
    )  # fmt: skip
    assert run.returncode == 1
    assert "nlp2filters keys create NAME" in run.stderr
    assert "NLP2FILTERS_API_KEY" in run.stderr


def test_a_deployment_requires_keys() -> None:
    environment = json.loads((ROOT / "app.json").read_text())["env"]
    assert Settings.read({name: entry.get("value", "") for name, entry in environment.items()}).require_api_key
