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
from redis import Redis
from standardwebhooks import Webhook, WebhookVerificationError

from nlp2filters.client import BatchRequest, Client, verify_webhook
from nlp2filters.core import signatures
from nlp2filters.core.schemas import JobEnded
from nlp2filters.errors import InvalidSignature
from tests.peers import webhook as peer
from tests.peers.webhook import Received, Receiver
from tests.service import Service, started

KEY = b"k" * 32
SECRET = "whsec_" + base64.b64encode(KEY).decode()


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    environment = {"WEBHOOK_SECRET": SECRET, "WEBHOOK_ALLOW_PRIVATE": "true", "PUBLIC_URL": "https://HOOK.example"}
    with started(tmp_path_factory.mktemp("hook"), **environment) as service:
        yield service


def delivery(service: Service, subject: str, attempts: int) -> dict[str, Any]:
    """What is known of the webhook of a job or batch, once it has been called so often."""
    kind = "batches" if subject.startswith("batch_") else "jobs"
    deadline = time.monotonic() + 20
    made: list[dict[str, Any]] = []
    while time.monotonic() < deadline:
        made = service.client.get(f"/v1/{kind}/{subject}/deliveries").json()["deliveries"]
        if made and len(made[0]["attempts"]) >= attempts:
            return made[0]
        time.sleep(0.02)
    raise TimeoutError(f"not {attempts} attempts: {made}")


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
    assert service.client.get(body["data"]["result_url"]).status_code == 200
    made = delivery(service, job_id, 1)
    assert (made["state"], made["event"], made["url_host"]) == ("delivered", "job.succeeded", "127.0.0.1")
    assert made["webhook_id"] == received.headers["webhook-id"]
    assert [attempt["status"] for attempt in made["attempts"]] == [204]


def test_a_receiver_that_fails_gets_it_again_under_the_same_id(service: Service, receiver: Receiver) -> None:
    receiver.script(peer.server_error, peer.ok)
    job_id = service.submit("8 cylinders", webhook={"url": receiver.url})
    first, second = receiver.next(), receiver.next()
    assert signed(first)
    assert signed(second)
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body
    made = delivery(service, job_id, 2)
    assert ([one["status"] for one in made["attempts"]], made["state"]) == ([500, 204], "delivered")


def test_a_job_that_was_deleted_is_told_of_all_the_same(service: Service, receiver: Receiver) -> None:
    receiver.script(peer.server_error, peer.ok)
    job_id = service.submit("8 cylinders", webhook={"url": receiver.url})
    first = receiver.next()
    assert service.client.delete(f"/v1/jobs/{job_id}").status_code == 204
    second = receiver.next()
    assert (first.headers["webhook-id"], first.body) == (second.headers["webhook-id"], second.body)
    with Redis.from_url(service.environment["REDIS_URL"]) as redis:
        deadline = time.monotonic() + 20
        while left := redis.keys(f"*{job_id}*"):
            assert time.monotonic() < deadline, f"of a deleted job these are kept: {left}"
            time.sleep(0.02)


def test_a_receiver_that_is_gone_is_left_alone(service: Service, receiver: Receiver) -> None:
    receiver.script(peer.gone)
    job_id = service.submit("8 cylinders", webhook={"url": receiver.url})
    made = delivery(service, job_id, 1)
    assert ([one["status"] for one in made["attempts"]], made["state"]) == ([410], "dead")


def test_what_was_given_up_is_delivered_again_when_asked(service: Service, receiver: Receiver) -> None:
    receiver.script(peer.gone, peer.ok)
    job_id = service.submit("8 cylinders", webhook={"url": receiver.url})
    delivery(service, job_id, 1)
    first = receiver.next()
    response = service.client.post(f"/v1/jobs/{job_id}/redeliver")
    assert (response.status_code, response.json()["deliveries"][0]["state"]) == (202, "pending")
    assert receiver.next().headers["webhook-id"] == first.headers["webhook-id"]
    made = delivery(service, job_id, 2)
    assert ([one["status"] for one in made["attempts"]], made["state"]) == ([410, 204], "delivered")


def test_nobody_is_told_twice_at_once(service: Service, receiver: Receiver) -> None:
    receiver.script(peer.server_error, peer.ok)
    job_id = service.submit("8 cylinders", webhook={"url": receiver.url})
    delivery(service, job_id, 1)
    response = service.client.post(f"/v1/jobs/{job_id}/redeliver")
    assert (response.status_code, response.json()["type"]) == (409, "/problems/already-delivering")
    delivery(service, job_id, 2)


def test_a_batch_tells_of_its_end(service: Service, receiver: Receiver) -> None:
    receiver.script(peer.ok)
    requests = [{"custom_id": name, "catalog": "cars", "text": "8 cylinders"} for name in ("a", "b")]
    body = {"requests": requests, "webhook": {"url": receiver.url}, "metadata": {"for": "test"}}
    batch = service.client.post("/v1/batches", json=body).json()
    received = receiver.next()
    Webhook(SECRET).verify(received.body, dict(received.headers))
    told = json.loads(received.body)
    assert (told["type"], told["data"]["batch_id"], told["data"]["metadata"]) == (
        "batch.ended",
        batch["id"],
        {"for": "test"},
    )
    assert told["data"]["request_counts"]["succeeded"] == 2
    made = delivery(service, batch["id"], 1)
    assert (made["state"], made["event"], made["url_host"]) == ("delivered", "batch.ended", "127.0.0.1")
    assert made["webhook_id"] == received.headers["webhook-id"]
    assert [attempt["status"] for attempt in made["attempts"]] == [204]


def test_a_batchs_end_is_told_again_when_asked(service: Service, receiver: Receiver) -> None:
    receiver.script(peer.gone, peer.ok)
    with Client(service.url, trust_env=False) as client:
        requests: list[BatchRequest] = [{"custom_id": "a", "catalog": "cars", "text": "8 cylinders"}]
        batch = client.batches.submit(requests, webhook_url=receiver.url)
        first = receiver.next()
        delivery(service, batch.id, 1)
        assert client.batches.redeliver(batch)[0].state == "pending"
        again = receiver.next()
        assert (again.headers["webhook-id"], again.body) == (first.headers["webhook-id"], first.body)
        delivery(service, batch.id, 2)
        (made,) = client.batches.deliveries(batch.id)
        assert ([one.status for one in made.attempts], made.state) == ([410, 204], "delivered")


def test_what_an_older_client_was_told_is_seen_too(service: Service, receiver: Receiver) -> None:
    receiver.script(peer.gone, peer.ok)
    files = {"file": ("texts.txt", "8 cylinders")}
    service.client.post("/send", data={"callback": receiver.url}, files=files).raise_for_status()
    assert json.loads(receiver.next().body)["success"]
    job = service.client.get("/v1/jobs", params={"page_size": 1}).json()["jobs"][0]
    made = delivery(service, job["batch_id"], 1)
    assert ([one["status"] for one in made["attempts"]], made["state"]) == ([410], "dead")
    assert service.client.post(f"/v1/batches/{job['batch_id']}/redeliver").status_code == 202
    assert json.loads(receiver.next().body)["success"]


def test_the_reference_implementation_takes_the_signature(service: Service, receiver: Receiver) -> None:
    receiver.script(peer.ok)
    service.submit("8 cylinders", webhook={"url": receiver.url})
    received = receiver.next()
    assert Webhook(SECRET).verify(received.body, dict(received.headers))["type"] == "job.succeeded"
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(received.body + b" ", dict(received.headers))


def test_the_client_reads_what_comes_and_sees_the_attempts(service: Service, receiver: Receiver) -> None:
    receiver.script(peer.gone, peer.ok)
    with Client(service.url, trust_env=False) as client:
        job = client.jobs.submit("8 cylinders", "cars", webhook={"url": receiver.url})
        received = receiver.next()
        message = verify_webhook(received.body, received.headers, SECRET)
        assert isinstance(message, JobEnded)
        assert message.data.job_id == job.id
        with pytest.raises(InvalidSignature):
            verify_webhook(received.body + b" ", received.headers, SECRET)
        delivery(service, job.id, 1)
        assert [(one.state, one.attempts[0].status) for one in client.jobs.deliveries(job)] == [("dead", 410)]
        assert client.jobs.redeliver(job)[0].state == "pending"
        assert verify_webhook(receiver.next().body, received.headers, SECRET) == message


def test_while_a_secret_is_replaced_both_sign() -> None:
    body, old, new = b"{}", SECRET, "whsec_" + base64.b64encode(b"n" * 32).decode()
    stamp = int(time.time())
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(stamp),
        "webhook-signature": signatures.sign([old, new], "msg_1", stamp, body),
    }
    for secret in (old, new):
        Webhook(secret).verify(body, headers)


def test_only_the_events_that_were_asked_for(service: Service, receiver: Receiver) -> None:
    receiver.script(peer.ok)
    quiet = service.submit("8 cylinders", webhook={"url": receiver.url, "events": ["failed"]})
    service.result(quiet)
    loud = service.submit("8 cylinders", webhook={"url": receiver.url})
    assert json.loads(receiver.next().body)["data"]["job_id"] == loud
    assert receiver.received.empty()


def test_the_service_does_not_call_itself(service: Service) -> None:
    """By whatever name the request came in, also where a proxy tells of it."""
    own, text = f"{service.url}/v1/jobs", {"catalog": "cars", "text": "x"}
    for url, headers in (
        (own, {}),
        ("https://filters.example/hook", {"X-Forwarded-Host": "filters.example"}),
    ):
        response = httpx.post(own, json={**text, "webhook": {"url": url}}, headers=headers)
        assert (response.status_code, response.json()["errors"][0]["pointer"]) == (422, "/webhook/url")
    member = {"custom_id": "a", **text, "webhook": {"url": own}}
    for body, pointer in (
        ({"requests": [member]}, "/requests/0/webhook/url"),
        ({"requests": [{"custom_id": "a", **text}], "webhook": {"url": own}}, "/webhook/url"),
    ):
        response = service.client.post("/v1/batches", json=body)
        assert (response.status_code, response.json()["errors"][0]["pointer"]) == (422, pointer)
    files = {"file": ("texts.txt", "8 cylinders")}
    response = service.client.post("/send", data={"callback": own}, files=files)
    assert (response.status_code, "this service" in response.json()["error"]) == (404, True)


def test_the_service_is_not_called_by_its_public_name_either(service: Service) -> None:
    """Its workers look too, at each attempt: see test_ssrf."""
    body = {"catalog": "cars", "text": "x", "webhook": {"url": "https://hook.example/v1/jobs"}}
    response = service.client.post("/v1/jobs", json=body)
    assert (response.status_code, response.json()["errors"][0]["pointer"]) == (422, "/webhook/url")


def test_a_message_is_small_whatever_was_submitted(service: Service, receiver: Receiver) -> None:
    receiver.script(peer.ok)
    fits = {f"{number:064}": "\n" * 463 for number in range(16)}
    assert 15_900 < len(json.dumps(fits, separators=(",", ":"))) <= 16_000
    job_id = service.submit("8 cylinders", webhook={"url": receiver.url}, metadata=fits)
    received = receiver.next()
    assert json.loads(received.body)["data"]["metadata"] == fits
    assert len(received.body) < 20_000
    delivery(service, job_id, 1)
    body = {"catalog": "cars", "text": "x", "metadata": {**fits, f"{0:064}": "\n" * 500}}
    response = service.client.post("/v1/jobs", json=body)
    assert (response.status_code, response.json()["errors"][0]["pointer"]) == (422, "/metadata")


def test_a_bad_address_is_refused_at_once(service: Service) -> None:
    body = {"catalog": "cars", "text": "x", "webhook": {"url": "gopher://example.com"}}
    response = service.client.post("/v1/jobs", json=body)
    assert response.status_code == 422
    assert response.json()["errors"][0]["pointer"] == "/webhook/url"
