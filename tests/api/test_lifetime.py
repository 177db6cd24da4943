"""Streams that stay open: they are kept alive, and closed in good order when their time is over."""

import uuid
from collections.abc import Iterator

import httpx
import pytest
from websockets.exceptions import ConnectionClosedOK
from websockets.sync.client import connect

from nlp2filters.api import event_streams
from nlp2filters.app import create_app
from nlp2filters.settings import Settings
from tests.in_process import serving

BODY = {"catalog": "cars", "text": "8 cylinders"}


@pytest.fixture
def hasty(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[httpx.Client]:
    """A web process in which a second is a long time; nobody works on its jobs."""
    monkeypatch.setattr(event_streams, "MAX_STREAM_S", 2.5)
    monkeypatch.setattr(event_streams, "PING_S", 1)
    settings = Settings(redis_url=redis_url, key_prefix=f"test-{uuid.uuid4().hex[:8]}")
    with serving(create_app(settings)) as url, httpx.Client(base_url=url, timeout=60, trust_env=False) as client:
        yield client


def test_a_stream_is_kept_alive_and_closed_in_good_order(hasty: httpx.Client) -> None:
    """What vanished clients leave behind goes away; who is still there comes back and misses nothing."""
    job = hasty.post("/v1/jobs", json=BODY).json()
    first = hasty.get(job["urls"]["events"])
    lines = first.text.splitlines()
    assert lines.count("event: snapshot") == 1
    assert "event: done" not in lines
    assert any(line.startswith(":") for line in lines)
    cursor = {"Last-Event-ID": next(line for line in lines if line.startswith("id: ")).removeprefix("id: ")}
    hasty.post(job["urls"]["cancel"])
    second = hasty.get(job["urls"]["events"], headers=cursor).text.splitlines()
    assert "event: snapshot" not in second
    assert second.count("event: done") == 1
    last = {"Last-Event-ID": [line for line in second if line.startswith("id: ")][-1].removeprefix("id: ")}
    assert hasty.get(job["urls"]["events"], headers=last).status_code == 204


def test_a_web_socket_says_come_back(hasty: httpx.Client) -> None:
    job = hasty.post("/v1/jobs", json=BODY).json()
    address = f"{str(hasty.base_url).replace('http', 'ws')}/v1/jobs/{job['id']}/ws"
    with connect(address, proxy=None) as socket, pytest.raises(ConnectionClosedOK):
        while True:
            socket.recv(timeout=60)
    assert socket.close_code == 1001


def test_a_stream_has_the_headers_that_keep_it_flowing(hasty: httpx.Client) -> None:
    job = hasty.post("/v1/jobs", json=BODY).json()
    hasty.post(job["urls"]["cancel"])
    headers = hasty.get(job["urls"]["events"], headers={"Accept-Encoding": "gzip"}).headers
    assert headers["content-type"].startswith("text/event-stream")
    assert headers["x-accel-buffering"] == "no"
    assert "no-store" in headers["cache-control"]
    assert "content-encoding" not in headers
