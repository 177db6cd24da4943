"""A request that is sent again with its Idempotency-Key: the true answer, whatever has become of what it made."""

import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from redis import Redis

from nlp2filters.api import admission
from nlp2filters.app import create_app
from nlp2filters.errors import Overloaded
from nlp2filters.settings import Settings
from nlp2filters.storage.redis_keys import Keys
from tests.in_process import serving

BODY = {"catalog": "cars", "text": "8 cylinders"}
BATCH = {"requests": [{"custom_id": "a", **BODY}, {"custom_id": "b", **BODY}]}
LAMPS = {"fields": [{"name": "price", "type": "number"}]}


@pytest.fixture
def settings(redis_url: str, keys: Keys) -> Settings:
    return Settings(redis_url=redis_url, key_prefix=keys.prefix)


@pytest.fixture
def client(settings: Settings) -> Iterator[httpx.Client]:
    """A web process whose jobs nobody works on."""
    with serving(create_app(settings)) as url, httpx.Client(base_url=url, timeout=30, trust_env=False) as client:
        yield client


def new_key() -> dict[str, str]:
    return {"Idempotency-Key": str(uuid.uuid4())}


def replayed(response: httpx.Response, made: dict[str, Any]) -> bool:
    return (
        response.status_code == 202
        and response.json()["id"] == made["id"]
        and response.headers["idempotency-replayed"] == "true"
        and response.headers["location"] == made["urls"]["self"]
    )


def gone(response: httpx.Response) -> tuple[int, str, str]:
    problem = response.json()
    return response.status_code, problem["type"], problem.get("job_id") or problem.get("batch_id")


def ended(client: httpx.Client) -> dict[str, Any]:
    """A job that can be deleted, and retried."""
    job: dict[str, Any] = client.post("/v1/jobs", json=BODY).json()
    client.post(job["urls"]["cancel"])
    return job


def test_a_job_whose_catalog_was_deleted_meanwhile(client: httpx.Client) -> None:
    client.put("/v1/catalogs/lamps", json=LAMPS)
    body, key = {"catalog": "lamps", "text": "price under 5"}, new_key()
    made = client.post("/v1/jobs", json=body, headers=key).json()
    client.delete("/v1/catalogs/lamps")
    assert replayed(client.post("/v1/jobs", json=body, headers=key), made)
    assert client.post("/v1/jobs", json=body, headers=new_key()).status_code == 404


def test_a_job_that_refines_one_that_was_deleted_meanwhile(client: httpx.Client, settings: Settings) -> None:
    body, key = {"refines": "job_none", "text": "cheaper"}, new_key()
    assert client.post("/v1/jobs", json=body, headers=key).status_code == 404
    made = client.post("/v1/jobs", json=BODY, headers=key).json()  # a request that was refused uses up no key
    assert replayed(client.post("/v1/jobs", json=BODY, headers=key), made)


@pytest.mark.parametrize("prefer", [{}, {"Prefer": "wait=20"}, {"Prefer": "return=minimal"}])
def test_a_job_that_was_deleted(client: httpx.Client, prefer: dict[str, str]) -> None:
    key = new_key()
    job = client.post("/v1/jobs", json=BODY, headers=key).json()
    client.post(job["urls"]["cancel"])
    client.delete(job["urls"]["self"])
    again = client.post("/v1/jobs", json=BODY, headers={**key, **prefer})
    assert gone(again) == (410, "/problems/replay-gone", job["id"])
    other = client.post("/v1/jobs", json={**BODY, "text": "6 cylinders"}, headers=key)
    assert (other.status_code, other.json()["type"]) == (422, "/problems/idempotency-key-reused")


def test_a_batch_that_is_past_its_time(client: httpx.Client, settings: Settings) -> None:
    key = new_key()
    made = client.post("/v1/batches", json=BATCH, headers=key).json()
    assert replayed(client.post("/v1/batches", json=BATCH, headers=key), made)
    with Redis.from_url(settings.redis_url) as redis:
        redis.delete(Keys(settings.key_prefix).batch(made["id"]))
    again = client.post("/v1/batches", json=BATCH, headers=key)
    assert gone(again) == (410, "/problems/replay-gone", made["id"])


def test_a_retry_of_a_job_that_was_deleted_meanwhile(client: httpx.Client) -> None:
    old, key = ended(client), new_key()
    made = client.post(old["urls"]["retry"], headers=key).json()
    client.delete(old["urls"]["self"])
    assert replayed(client.post(old["urls"]["retry"], headers=key), made)
    client.post(made["urls"]["cancel"])
    client.delete(made["urls"]["self"])
    assert gone(client.post(old["urls"]["retry"], headers=key)) == (410, "/problems/replay-gone", made["id"])


@pytest.mark.parametrize("path", ["/v1/jobs", "/v1/batches", "retry"])
def test_what_was_accepted_is_not_refused_when_it_is_sent_again(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    path = ended(client)["urls"]["retry"] if path == "retry" else path
    body = BATCH if path == "/v1/batches" else BODY
    key = new_key()
    made = client.post(path, json=body, headers=key).json()

    async def refuse(*_: Any) -> Any:
        raise Overloaded(30)

    monkeypatch.setattr(admission, "admit", refuse)
    assert client.post(path, json=body).status_code == 503
    assert replayed(client.post(path, json=body, headers=key), made)
