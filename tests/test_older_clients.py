"""Clients that were written for the two older APIs work unchanged."""

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

import tests.browser
from nlp2filters.storage import embedded_server
from tests.analysis.test_documents import encrypted, pdf
from tests.peers import webhook as peer
from tests.peers.older_page import serving_page
from tests.peers.webhook import Receiver
from tests.ports import free_port
from tests.service import Service, started

TEXTS = ["8 cylinders", "japanese cars"]


@pytest.fixture(scope="module")
def origin() -> Iterator[str]:
    """The origin of the older page."""
    with serving_page() as origin:
        yield origin


@pytest.fixture(scope="module")
def service(origin: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("older")
    origins = f"https://pages.example,{origin}"
    with started(folder, WEBHOOK_ALLOW_PRIVATE="true", CORS_ORIGINS=origins) as service:
        yield service


@pytest.fixture(scope="module")
def older_page(origin: str, service: Service) -> Iterator[Page]:
    """The older page in a real browser."""
    with tests.browser.running() as browser, browser.new_page() as page:
        page.goto(f"{origin}/?service={service.url}")
        yield page


@tests.browser.needed
@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("comedies under 90 minutes", "Result: comedies under 90 minutes"),
        ("Grüße 🏁 <b>", "Result: Grüße 🏁 <b>"),
        ("", "Error 400: /text: String should have at least 1 character"),
        ("x" * 4001, "Error 400: /text: String should have at most 4000 characters"),
    ],
)
def test_the_older_page_on_an_origin_of_its_own(older_page: Page, text: str, outcome: str) -> None:
    older_page.get_by_label("Text").fill(text)
    older_page.get_by_role("button").click()
    expect(older_page.get_by_role("status")).to_have_text(outcome)


@tests.browser.needed
def test_the_older_page_on_an_origin_that_is_not_allowed(older_page: Page, origin: str, service: Service) -> None:
    older_page.goto(f"{origin.replace('127.0.0.1', 'localhost')}/?service={service.url}")
    older_page.get_by_label("Text").fill("hello")
    older_page.get_by_role("button").click()
    expect(older_page.get_by_role("status")).to_have_text("Unreachable")


def test_the_polling_loop(service: Service) -> None:
    origin = {"Origin": "https://pages.example"}
    response = service.client.post("/embedding/echo", json={"text": "hello"}, headers=origin)
    assert response.status_code == 202
    assert response.headers["access-control-allow-origin"] == "https://pages.example"
    job_id = response.json()["job_id"]
    for _ in range(40):
        data = service.client.get(f"/embedding/result/{job_id}", headers=origin).json()
        if "result" in data:
            break
        assert "error" not in data
        time.sleep(0.25)
    assert data == {"result": "hello"}


def test_a_page_asks_first_and_may(service: Service) -> None:
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    response = httpx.options(f"{service.url}/embedding/echo", headers={"Origin": "https://pages.example", **asked})
    assert response.status_code == 200
    assert response.headers["access-control-allow-origin"] == "https://pages.example"
    assert "POST" in response.headers["access-control-allow-methods"]
    assert "content-type" in response.headers["access-control-allow-headers"].lower()


def test_what_there_is_not_is_told_the_older_way(service: Service) -> None:
    response = service.client.get("/embedding/result/none")
    assert response.status_code == 404
    assert list(response.json()) == ["error"]
    assert service.client.get("/health").json() == {"status": "ok"}


def test_another_sites_page_is_not_let_in(service: Service) -> None:
    response = httpx.options(
        f"{service.url}/embedding/echo",
        headers={"Origin": "https://attacker.example", "Access-Control-Request-Method": "POST"},
    )
    assert "access-control-allow-origin" not in response.headers


def send(service: Service, content: bytes, name: str, callback: str, **form: str) -> httpx.Response:
    files = {"file": (name, content)}
    return service.client.post("/send", files=files, data={"callback": callback, **form})


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("texts.txt", "8 cylinders\n\njapanese cars\n"),
        ("texts.txt", "\ufeff8 cylinders\r\njapanese cars"),
        ("texts.json", json.dumps(TEXTS)),
        ("texts.json", json.dumps([{"text": text} for text in TEXTS])),
        ("texts.jsonl", "\n".join(json.dumps({"text": text}) for text in TEXTS)),
        ("texts.csv", "id,text\n1,8 cylinders\n2,japanese cars\n"),
        ("texts.csv", "8 cylinders\njapanese cars\n"),
    ],
)
def test_the_callback_receiver(service: Service, receiver: Receiver, name: str, content: str) -> None:
    receiver.script(peer.ok)
    response = send(service, content.encode(), name, receiver.url)
    assert (response.status_code, response.content) == (204, b"")
    told = json.loads(receiver.next().body)
    assert told["success"] is True
    values = [[condition["value"] for condition in result["conditions"]] for result in told["data"]]
    assert values == [[8], ["Japan"]]


def test_a_callback_that_fails_is_tried_again(service: Service, receiver: Receiver) -> None:
    receiver.script(peer.server_error, peer.ok)
    send(service, b"8 cylinders", "texts.txt", receiver.url)
    first, second = receiver.next(), receiver.next()
    assert first.body == second.body
    assert first.headers["webhook-id"] == second.headers["webhook-id"]


def test_a_dead_receiver_gets_its_callbacks_after_a_kill_of_everything_and_of_several_texts_one_may_fail(
    tmp_path: Path,
) -> None:
    """One callback has been tried when all processes and Redis are killed. Of the other's texts one was canceled, and
    one still waits.
    """
    redis_port, receiver_port = free_port(), free_port()
    callback = f"http://127.0.0.1:{receiver_port}/hook"
    with embedded_server.running(tmp_path / "redis", redis_port) as redis:
        environment = {"WEBHOOK_ALLOW_PRIVATE": "true", "REDIS_URL": redis.url}
        service = Service(tmp_path, port=free_port(), environment=environment)
        service.start("web", "delivery")
        try:
            service.wait_until_answering()
            send(service, b"", "empty.png", callback)
            (refused,) = service.client.get("/v1/jobs").json()["jobs"]
            path = f"/v1/batches/{refused['batch_id']}/deliveries"
            while not any(delivery["attempts"] for delivery in service.client.get(path).json()["deliveries"]):
                time.sleep(0.05)
            send(service, b"8 cylinders\njapanese cars", "texts.txt", callback)
            jobs = service.client.get("/v1/jobs?status=queued").json()["jobs"]
            (first,) = (job for job in jobs if job["custom_id"] == "0")
            service.client.post(first["urls"]["cancel"])
        finally:
            for process in service.processes.values():
                process.kill()
                process.wait()
        os.kill(int((tmp_path / "redis" / "redis.pid").read_text()), signal.SIGKILL)
    service.processes.clear()
    with embedded_server.running(tmp_path / "redis", redis_port), peer.running(receiver_port) as receiver:
        service.start("embedding", "llm", "delivery")
        try:
            bodies = [json.loads(receiver.next(timeout_s=90).body) for _ in range(2)]
        finally:
            service.stop()
    refusal, results = sorted(bodies, key=lambda body: body["success"])
    assert "Pictures" in refusal["error"]
    failure, result = results["data"]
    assert list(failure) == ["error"]
    assert result["conditions"][0]["value"] == "Japan"


def test_a_text_that_cannot_be_worked_on(receiver: Receiver, tmp_path: Path) -> None:
    """Nobody works on the texts here, and their job is canceled: the callback hears of it, once."""
    with started(tmp_path, "web", "delivery", WEBHOOK_ALLOW_PRIVATE="true") as idle:
        receiver.script(peer.ok)
        send(idle, b"8 cylinders\njapanese cars", "texts.txt", receiver.url)
        for job in idle.client.get("/v1/jobs").json()["jobs"]:
            idle.client.post(job["urls"]["cancel"])
        told = json.loads(receiver.next(timeout_s=60).body)
    assert told == {"success": False, "error": told["error"]}
    assert told["error"]
    assert receiver.received.empty()


def test_results_as_text(service: Service, receiver: Receiver) -> None:
    receiver.script(peer.ok)
    send(service, b"8 cylinders\njapanese cars", "texts.txt", receiver.url, format="text")
    told = json.loads(receiver.next().body)
    assert told["success"] is True
    first, second = told["data"].splitlines()
    assert "8" in first
    assert "Japan" in second


def test_the_lines_of_a_pdf_file_are_texts(service: Service, receiver: Receiver) -> None:
    receiver.script(peer.ok)
    letter = pdf([["8 cylinders"], ["japanese cars"]])
    assert send(service, letter, "letter.pdf", receiver.url, format="text").status_code == 204
    first, second = json.loads(receiver.next().body)["data"].splitlines()
    assert "8" in first
    assert "Japan" in second


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("empty.png", b"", "Pictures"),
        ("photo.jpg", b"\xff\xd8\xff", "Pictures"),
        ("broken.pdf", b"%PDF-1.7", "broken"),
        ("secret.pdf", encrypted(pdf([["japanese cars"]])), "encrypted"),
        ("scanned.pdf", pdf([[]]), "pictures"),
    ],
)
def test_what_is_not_read_is_told_to_the_callback(
    service: Service, receiver: Receiver, name: str, content: bytes, reason: str
) -> None:
    receiver.script(peer.ok)
    response = send(service, content, name, receiver.url)
    assert (response.status_code, response.content) == (204, b"")
    told = json.loads(receiver.next().body)
    assert (told["success"], reason in told["error"]) == (False, True)
    assert receiver.received.empty()


def test_a_recording_for_which_there_is_no_worker(service: Service, receiver: Receiver) -> None:
    response = send(service, b"RIFF", "question.wav", receiver.url)
    assert response.status_code == 503
    assert receiver.received.empty()


@pytest.mark.parametrize("content", [b"", b"{", b'{"text": ""}', b'{"words": "hello"}', b"[]"])
def test_wrong_input_is_told_the_older_way(service: Service, content: bytes) -> None:
    response = httpx.post(
        f"{service.url}/embedding/echo", content=content, headers={"Content-Type": "application/json"}
    )
    assert response.status_code == 400
    assert list(response.json()) == ["error"]
    assert response.json()["error"]


def test_an_echo_passes_both_queues(service: Service) -> None:
    job_id = service.client.post("/embedding/echo", json={"text": "hello"}).json()["job_id"]
    job = service.ended(job_id)
    assert {name: stage["status"] for name, stage in job["stages"].items()} == {
        "embedding": "succeeded",
        "llm": "succeeded",
    }


def test_another_catalog(service: Service, receiver: Receiver) -> None:
    receiver.script(peer.ok)
    send(service, b"comedies", "texts.txt", receiver.url, catalog="movies")
    (result,) = json.loads(receiver.next().body)["data"]
    assert result["conditions"][0]["value"] == "Comedy"


def test_bad_requests_are_not_found(service: Service, receiver: Receiver) -> None:
    url = f"{service.url}/send"
    good: dict[str, Any] = {"files": {"file": ("a.txt", b"red")}, "data": {"callback": receiver.url}}
    bad = [
        httpx.post(url),
        httpx.post(url, json={"callback": receiver.url}),
        httpx.post(url, files=good["files"]),
        httpx.post(url, files={"other": ("a.txt", b"red")}, data=good["data"]),
        httpx.post(url, files={"file": ("a.txt", b"")}, data=good["data"]),
        httpx.post(url, files={"file": ("a.txt", b"\xff\xfe")}, data=good["data"]),
        httpx.post(url, files={"file": ("a.json", b"[1, 2]")}, data=good["data"]),
        httpx.post(url, files=good["files"], data={"callback": "gopher://x"}),
        httpx.post(url, files=good["files"], data={**good["data"], "catalog": "nowhere"}),
        httpx.post(url, files={"file": ("a.txt", b"x\n" * 101)}, data=good["data"]),
        httpx.post(url, content=b"--x", headers={"Content-Type": "multipart/form-data; boundary=x"}),
        httpx.post(url, content=b"--x", headers={"Content-Type": "multipart/form-data"}),
    ]
    assert [response.status_code for response in bad] == [404] * len(bad)
    assert all(response.json()["error"] for response in bad)
