"""A job's webhook, through the whole service to a real receiver."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from nlp2filters.redis_server import running
from tests.conftest import free_port
from tests.peers import webhook as peer
from tests.peers.webhook import Received, Receiver
from tests.service import Service

KEY = b"k" * 32


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with peer.running() as receiver:
        yield receiver


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with running(tmp_path_factory.mktemp("hook-redis"), free_port()) as server:
        environment = {
            "REDIS_URL": server.url,
            "WEBHOOK_SECRET": "whsec_" + base64.b64encode(KEY).decode(),
            "WEBHOOK_ALLOW_PRIVATE": "true",
        }
        service = Service(tmp_path_factory.mktemp("hook-logs"), port=free_port(), environment=environment)
        service.start()
        try:
            service.wait_until_ready()
            yield service
        finally:
            service.stop()


def deliveries(service: Service, job_id: str, count: int) -> list[dict[str, Any]]:
    """The job's attempts, once there are so many."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        made: list[dict[str, Any]] = httpx.get(f"{service.url}/v1/jobs/{job_id}/deliveries").json()["deliveries"]
        if len(made) >= count:
            return made
        time.sleep(0.02)
    raise TimeoutError(f"{len(made)} attempts of {count}")


def signed(received: Received) -> bool:
    headers = received.headers
    content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + received.body
    expected = base64.b64encode(hmac.digest(KEY, content, hashlib.sha256)).decode()
    return headers["webhook-signature"] == f"v1,{expected}"


def test_the_callback_is_signed_and_says_how_the_job_ended(service: Service, receiver: Receiver) -> None:
    receiver.script(peer.ok)
    job_id = service.submit("8 cylinders", webhook={"url": receiver.url}, metadata={"for": "test"})
    received = receiver.next()
    assert signed(received)
    body = json.loads(received.body)
    assert (body["type"], body["data"]["job_id"], body["data"]["metadata"]) == (
        "job.succeeded",
        job_id,
        {"for": "test"},
    )
    assert httpx.get(service.url + body["data"]["result_url"]).status_code == 200
    (made,) = deliveries(service, job_id, 1)
    assert (made["status"], made["ok"], made["final"]) == (204, True, True)


def test_a_receiver_that_fails_gets_it_again_under_the_same_id(service: Service, receiver: Receiver) -> None:
    receiver.script(peer.server_error, peer.ok)
    job_id = service.submit("8 cylinders", webhook={"url": receiver.url})
    first, second = receiver.next(), receiver.next()
    assert signed(first)
    assert signed(second)
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body
    made = deliveries(service, job_id, 2)
    assert [(one["status"], one["final"]) for one in made] == [(500, False), (204, True)]


def test_a_receiver_that_is_gone_is_left_alone(service: Service, receiver: Receiver) -> None:
    receiver.script(peer.gone)
    job_id = service.submit("8 cylinders", webhook={"url": receiver.url})
    (made,) = deliveries(service, job_id, 1)
    assert (made["status"], made["final"]) == (410, True)


def test_only_the_events_that_were_asked_for(service: Service, receiver: Receiver) -> None:
    receiver.script(peer.ok)
    quiet = service.submit("8 cylinders", webhook={"url": receiver.url, "events": ["failed"]})
    service.result(quiet)
    loud = service.submit("8 cylinders", webhook={"url": receiver.url})
    assert json.loads(receiver.next().body)["data"]["job_id"] == loud
    assert receiver.received.empty()


def test_a_bad_address_is_refused_at_once(service: Service) -> None:
    body = {"catalog": "cars", "text": "x", "webhook": {"url": "gopher://example.com"}}
    response = httpx.post(f"{service.url}/v1/jobs", json=body)
    assert response.status_code == 422
    assert response.json()["errors"][0]["pointer"] == "/webhook/url"
