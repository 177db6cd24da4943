"""A catalog is inferred from a large table as a job: it is streamed in, stored, read by a worker, and followed."""

import base64
import hashlib
import json
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import duckdb
import httpx
import pytest
from httpx_sse import connect_sse
from redis import Redis

from nlp2filters.api.inference import MAX_TABLE_BYTES
from nlp2filters.app import create_app
from nlp2filters.core import catalog as catalogs
from nlp2filters.core import kinds, media_types
from nlp2filters.data import opening
from nlp2filters.settings import Settings
from nlp2filters.storage.redis_keys import Keys
from tests.file_readers import forks_of, servers_of
from tests.in_process import serving
from tests.peers import s3 as s3_peer
from tests.peers import webhook as peer
from tests.peers.webhook import Receiver
from tests.service import ROOT, Service, started

PATH = "/v1/catalogs/infer"
CSV = {"Content-Type": "text/csv"}
ASYNC = {**CSV, "Prefer": "respond-async"}
SMALL = b"name,price (USD),in stock\nDesk lamp,20,yes\nFloor lamp,55.5,no\nDesk lamp,18,yes\n"
KEYS = Keys()


def table(rows: int) -> bytes:
    """A CSV of about 30 bytes a row."""
    lines = (f"{number},{number % 97}.5,item {number % 50},yes" for number in range(rows))
    return "\n".join(["id,price (USD),item,in stock", *lines, ""]).encode()


LARGE = table(60_000)  # 1.7 MB
TYPES = ["integer", "money", "keyword", "boolean"]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    environment = {
        "WEBHOOK_SECRET": "whsec_" + base64.b64encode(b"k" * 32).decode(),
        "WEBHOOK_ALLOW_PRIVATE": "true",
        "LEASE_S": "2",
        "HEARTBEAT_TIMEOUT_S": "3",
    }
    with started(tmp_path_factory.mktemp("inference"), **environment) as service:
        yield service


@pytest.fixture
def redis(service: Service) -> Iterator["Redis"]:
    with Redis.from_url(service.environment["REDIS_URL"]) as redis:
        yield redis


def post(client: httpx.Client, content: Any, headers: dict[str, str] | None = None, **query: str) -> httpx.Response:
    return client.post(PATH, content=content, headers=headers or CSV, params=query)


def submit(client: httpx.Client, content: Any = LARGE, headers: dict[str, str] | None = None, **query: str) -> Any:
    response = post(client, content, headers or ASYNC, **query)
    assert response.status_code == 202, response.text
    return response.json()


def events(client: httpx.Client, job: Any) -> Iterator[dict[str, Any]]:
    with connect_sse(client, "GET", job["urls"]["events"]) as source:
        for event in source.iter_sse():
            if event.data:
                yield {"event": event.event, **event.json()}


def ended(client: httpx.Client, job: Any) -> dict[str, Any]:
    """The last event."""
    *_, last = events(client, job)
    return last


def types_of(catalog: Any) -> list[str]:
    return [field.type for field in catalogs.parse(catalog).fields]


def test_a_large_table_becomes_a_job(client: httpx.Client) -> None:
    response = post(client, LARGE, name="shop")
    job = response.json()
    assert (response.status_code, job["kind"]) == (202, "inference")
    assert response.headers["location"] == job["urls"]["self"]
    assert job["stages"]["embedding"]["label"] == "Read the table"
    following = list(events(client, job))
    last = following[-1]
    assert last["type"] == "job.succeeded"
    assert last["result"] == client.get(job["urls"]["result"]).json()
    kinds.KINDS["inference"].result.model_validate(last["result"])
    assert last["result"]["rows"] == 60_000
    assert last["result"]["catalog"]["name"] == "shop"
    assert types_of(last["result"]["catalog"]) == TYPES
    assert job["id"] in [one["id"] for one in client.get("/v1/jobs").json()["jobs"]]


def test_progress_tells_the_rows_and_the_share(client: httpx.Client) -> None:
    job = submit(client, table(300_000))
    shares = [event["share"] for event in events(client, job) if event["event"] == "progress" and "rows" in event]
    assert shares
    assert shares == sorted(shares)
    assert 0 < shares[0] < 1


def test_a_small_table_becomes_a_job_where_that_is_preferred(client: httpx.Client) -> None:
    response = post(client, SMALL, ASYNC)
    assert (response.status_code, response.headers["preference-applied"]) == (202, "respond-async")
    result = ended(client, response.json())["result"]
    assert result == {**post(client, SMALL, explain="true").json(), "rows": 3}
    assert result["catalog"] == post(client, SMALL).json()


def test_a_large_table_of_unknown_length(client: httpx.Client) -> None:
    pieces: Iterator[bytes] = (LARGE[start : start + 10_000] for start in range(0, len(LARGE), 10_000))
    job = submit(client, pieces, CSV)
    assert ended(client, job)["result"]["rows"] == 60_000
    pieces = iter([SMALL[:10], SMALL[10:]])
    assert post(client, pieces).status_code == 200


def parquet(folder: Path) -> bytes:
    columns = 'range + 1 AS id, range + 1.5 AS "price (USD)", \'a\' AS item, range = 0 AS "in stock"'
    duckdb.sql(f"COPY (SELECT {columns} FROM range(2)) TO '{folder}/things.parquet'")
    return (folder / "things.parquet").read_bytes()


def sqlite(folder: Path) -> bytes:
    with closing(sqlite3.connect(folder / "things.db")) as connection, connection:
        connection.execute('CREATE TABLE things (id INTEGER, "price (USD)" REAL, item TEXT, "in stock" BOOLEAN)')
        connection.execute("CREATE TABLE others (a INTEGER)")
        connection.executemany("INSERT INTO things VALUES (?, ?, ?, ?)", [(1, 1.5, "a", 1), (2, 2.5, "a", 0)])
    return (folder / "things.db").read_bytes()


def test_binary_tables_are_always_jobs(client: httpx.Client, tmp_path: Path) -> None:
    tables = {"application/vnd.apache.parquet": parquet(tmp_path), "application/vnd.sqlite3": sqlite(tmp_path)}
    for media_type, content in tables.items():
        query = {"table": "things"} if "sqlite" in media_type else {}
        job = submit(client, content, {"Content-Type": media_type}, **query)
        last = ended(client, job)
        assert types_of(last["result"]["catalog"]) == TYPES, last
    assert set(media_types.SUFFIXES) <= set(opening.MEDIA_TYPES)
    last = ended(client, submit(client, tables["application/vnd.sqlite3"], {"Content-Type": "application/vnd.sqlite3"}))
    assert "others, things" in last["job"]["error"]["detail"]


@pytest.mark.parametrize(
    ("media_type", "content", "slug"),
    [
        ("text/csv", b"", "invalid-request"),
        ("text/csv", b"a,b\n", "invalid-request"),
        ("application/json", b"[", "malformed-json"),
        ("application/json", b"[1]", "invalid-request"),
        ("application/x-ndjson", b"{}\n", "invalid-request"),
        ("application/x-ndjson", LARGE, "malformed-json"),
        ("application/vnd.apache.parquet", b"PAR1" + b"x" * 100, "malformed-json"),
        ("application/vnd.sqlite3", b"SQLite format 3\0" + b"x" * 10_000, "malformed-json"),
        ("application/vnd.sqlite3", SMALL, "malformed-json"),
    ],
    ids=str,
)
def test_wrong_content(client: httpx.Client, media_type: str, content: bytes, slug: str) -> None:
    job = ended(client, submit(client, content, {"Content-Type": media_type, "Prefer": "respond-async"}))["job"]
    assert (job["status"], job["error"]["type"]) == ("failed", f"/problems/{slug}"), job
    assert job["stages"]["embedding"]["attempt"] == 1


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ({"name": "a b"}, "/path/name"),
        ({"name": "cars"}, "/path/name"),
        ({"currency": "euro"}, "/query/currency"),
        ({"deadline_seconds": "0"}, "/query/deadline_seconds"),
        ({"deadline_seconds": "soon"}, "/query/deadline_seconds"),
        ({"metadata": "x"}, "/query/metadata"),
        ({"metadata": '{"a": 1}'}, "/query/metadata/a"),
        ({"webhook": "gopher://a"}, "/webhook/url"),
    ],
)
def test_wrong_options(client: httpx.Client, query: dict[str, str], pointer: str) -> None:
    response = post(client, LARGE, None, **query)
    assert (response.status_code, [one["pointer"] for one in response.json()["errors"]]) == (422, [pointer])


def test_another_media_type(client: httpx.Client) -> None:
    assert post(client, LARGE, {"Content-Type": "text/plain"}).status_code == 415


def test_a_table_that_is_too_large_is_refused_before_it_comes(service: Service) -> None:
    address = urlsplit(service.url)
    with closing(HTTPConnection(address.hostname or "", address.port, timeout=30)) as connection:
        connection.putrequest("POST", PATH)
        connection.putheader("Content-Type", "text/csv")
        connection.putheader("Content-Length", str(MAX_TABLE_BYTES + 1))
        connection.endheaders()
        response = connection.getresponse()
        assert (response.status, json.load(response)["type"]) == (413, "/problems/payload-too-large")


def ttl_s(redis: "Redis", name: str | bytes) -> int:
    return int(redis.ttl(name))  # type: ignore[arg-type]  # it is no coroutine here


def test_an_upload_that_breaks_off_leaves_nothing(service: Service, redis: "Redis") -> None:
    before = set(redis.scan_iter("n2f:blob*"))
    address = urlsplit(service.url)
    with closing(HTTPConnection(address.hostname or "", address.port, timeout=30)) as connection:
        connection.putrequest("POST", PATH)
        connection.putheader("Content-Type", "text/csv")
        connection.putheader("Content-Length", str(MAX_TABLE_BYTES))
        connection.endheaders()
        connection.send(LARGE)
        wait_for(lambda: set(redis.scan_iter("n2f:blob*")) - before)
        (upload,) = set(redis.scan_iter("n2f:blob*")) - before
        assert 0 < ttl_s(redis, upload) <= 600  # should this process die now
    wait_for(lambda: set(redis.scan_iter("n2f:blob*")) == before)


def create_key(service: Service, owner: str, *scopes: str) -> str:
    words = [sys.executable, "-m", "nlp2filters", "keys", "create", owner, "--json"]
    words += [word for scope in scopes for word in ("--scope", scope)]
    run = subprocess.run(words, cwd=ROOT, env=service.environment, capture_output=True, text=True, check=True)
    key: str = json.loads(run.stdout)["key"]
    return key


def wait_for(condition: Any) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_idempotency(client: httpx.Client, redis: "Redis") -> None:
    headers = {**CSV, "Idempotency-Key": "same"}
    first = post(client, LARGE, headers)
    again = post(client, LARGE, headers)
    assert (again.status_code, again.json()["id"]) == (202, first.json()["id"])
    assert again.headers["idempotency-replayed"] == "true"
    for other in (post(client, LARGE + b"1,2,3,no\n", headers), post(client, LARGE, headers, name="other")):
        assert (other.status_code, other.json()["type"]) == (422, "/problems/idempotency-key-reused")
    assert redis.exists(KEYS.blob("anonymous", hashlib.sha256(LARGE).hexdigest()))


def test_its_webhook_and_metadata(client: httpx.Client, receiver: Receiver) -> None:
    receiver.script(peer.ok)
    job = submit(client, SMALL, webhook=receiver.url, metadata='{"for": "test"}')
    body = json.loads(receiver.next().body)
    assert (body["type"], body["data"]["job_id"], body["data"]["metadata"]) == (
        "job.succeeded",
        job["id"],
        {"for": "test"},
    )


def test_a_table_is_read_by_another_worker_if_the_first_dies(service: Service, client: httpx.Client) -> None:
    job = submit(client, table(400_000))
    for event in events(client, job):
        if event["event"] == "progress" and "rows" in event and event["attempt"] == 1:
            worker = service.processes["embedding"]
            if worker.poll() is None:
                worker.send_signal(signal.SIGKILL)
                worker.wait()
                service.start("embedding")
    assert (event["type"], event["result"]["rows"]) == ("job.succeeded", 400_000)
    assert event["job"]["stages"]["embedding"]["attempt"] == 2
    wait_for(lambda: not readers(service))


def readers(service: Service) -> list[int]:
    """The processes that read tables."""
    return forks_of(servers_of(service.processes["embedding"].pid))


def test_cancel_and_retry(client: httpx.Client, service: Service) -> None:
    job = submit(client, table(500_000))
    for event in events(client, job):
        if event["event"] == "progress" and event["job_id"] == job["id"]:
            client.post(job["urls"]["cancel"])
            break
    assert ended(client, job)["type"] == "job.canceled"
    wait_for(lambda: not readers(service))
    retried = client.post(job["urls"]["retry"]).json()
    assert (retried["kind"], retried["retry_of"]) == ("inference", job["id"])
    assert ended(client, retried)["result"]["rows"] == 500_000


def test_a_table_that_is_gone_cannot_be_retried(client: httpx.Client, redis: "Redis") -> None:
    content = table(61_000)
    job = submit(client, content)
    client.post(job["urls"]["cancel"])
    ended(client, job)
    redis.delete(KEYS.blob("anonymous", hashlib.sha256(content).hexdigest()))
    response = client.post(job["urls"]["retry"])
    assert (response.status_code, response.json()["type"]) == (410, "/problems/result-expired")


def test_the_deadline(idle: httpx.Client, idle_service: Service) -> None:
    """It passes while no worker is there."""
    job = submit(idle, SMALL, deadline_seconds="1")
    assert job["status"] == "queued"
    assert job["deadline_at"] > job["created_at"]
    with Redis.from_url(idle_service.environment["REDIS_URL"]) as redis:
        kept_s = ttl_s(redis, KEYS.blob("anonymous", hashlib.sha256(SMALL).hexdigest()))
    assert kept_s > 86_400 + 2 * 86_400 - 60


def test_owners_keys_and_quotas(tmp_path: Path) -> None:
    with started(tmp_path, "web", MAX_OWNER_BYTES="4000000") as service:
        keys = {
            "anna": create_key(service, "anna"),
            "ben": create_key(service, "ben"),
            "reader": create_key(service, "reader", "jobs:read"),
        }
        clients = {
            name: httpx.Client(base_url=service.url, headers={"Authorization": f"Bearer {key}"}, timeout=30)
            for name, key in keys.items()
        }
        anna, ben, reader = clients["anna"], clients["ben"], clients["reader"]
        job = submit(anna)
        assert ben.get(job["urls"]["self"]).status_code == 404
        submit(anna, LARGE)  # the same again takes no more room
        refused = post(anna, table(90_000))
        assert (refused.status_code, refused.json()["type"]) == (429, "/problems/too-many-bytes")
        assert int(refused.headers["retry-after"]) > 0
        submit(ben)
        assert post(reader, SMALL).status_code == 200
        assert (post(reader, LARGE).status_code, post(reader, SMALL, ASYNC).status_code) == (403, 403)
        for client in clients.values():
            client.close()


def test_an_s3_store_that_fails(redis_url: str, keys: Keys) -> None:
    with s3_peer.running() as s3:
        settings = Settings(
            redis_url=redis_url,
            key_prefix=keys.prefix,
            blob_store="s3://bucket/tables",
            s3_endpoint_url=s3.url,
            s3_region=s3_peer.REGION,
            s3_key_id=s3_peer.KEY_ID,
            s3_secret=s3_peer.SECRET,  # type: ignore[arg-type]
        )
        with serving(create_app(settings)) as url, httpx.Client(base_url=url, timeout=30) as client:
            s3.failures = [500] * 3
            refused = post(client, LARGE)
            assert (refused.status_code, refused.json()["type"]) == (503, "/problems/store-unavailable")
            assert refused.headers["retry-after"] == "5"
            assert s3_peer.SECRET not in refused.text
            submit(client)
            (name,) = s3.objects
            assert name.startswith("tables/")
            assert name.endswith(hashlib.sha256(LARGE).hexdigest())
