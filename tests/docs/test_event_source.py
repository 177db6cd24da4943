"""The guide to streams from another origin: its server and its script, in a browser whose token expires on the way."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from redis import Redis

import tests.browser
from nlp2filters.storage.redis_keys import Keys
from tests.docs.blocks import write_files
from tests.peers import gateway as peer
from tests.ports import free_port
from tests.service import Service, started

pytestmark = tests.browser.needed

RUN = """async () => {
  const { follow } = await import("/follow.js");
  window.events = [];
  await follow("8 cylinders", (name, data) => window.events.push([name, data.job?.status]));
}"""


@pytest.fixture(scope="module")
def origin() -> str:
    return f"http://127.0.0.1:{free_port()}"


@pytest.fixture(scope="module")
def service(origin: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A web process only: the job waits until workers are started."""
    with started(tmp_path_factory.mktemp("streams"), "web", CORS_ORIGINS=origin) as service:
        yield service


def test_a_stream_goes_on_with_a_new_token(service: Service, origin: str, tmp_path: Path) -> None:
    with peer.before(service.url) as gateway:
        port = origin.rpartition(":")[2]
        write_files("docs/how-to/event-source.md", tmp_path, {"http://127.0.0.1:8000": gateway.url, "5000": port})
        (tmp_path / "index.html").write_text("<!doctype html><link rel='icon' href='data:,'><title>Shop</title>")
        server = subprocess.Popen([sys.executable, "tokens.py"], cwd=tmp_path, env=dict(os.environ))
        try:
            _wait_for(origin)
            with tests.browser.running() as browser, browser.new_page(base_url=origin) as page:
                page.goto("/")
                page.evaluate(RUN)
                page.wait_for_function("window.events.length > 0")
                _expire_tokens(service)
                gateway.leave()  # breaks the stream
                gateway.come_back()
                with page.expect_request("**/tokens", timeout=30_000):  # after the 401, the page asks for another one
                    pass
                service.start("embedding", "llm")
                page.wait_for_function("window.events.at(-1)[0] === 'done'", timeout=60_000)
                events = page.evaluate("window.events")
        finally:
            server.kill()
            server.wait()
    assert events[0] == ["snapshot", "queued"]
    assert events[-1] == ["done", "succeeded"]
    assert [name for name, _ in events].count("snapshot") == 1, "it went on after the last event"
    with Redis.from_url(service.environment["REDIS_URL"]) as redis:
        assert len(list(redis.scan_iter(Keys().token("*")))) == 1


def _expire_tokens(service: Service) -> None:
    with Redis.from_url(service.environment["REDIS_URL"]) as redis:
        assert redis.delete(*redis.scan_iter(Keys().token("*"))) == 1


def _wait_for(url: str) -> None:
    for _ in range(600):
        try:
            httpx.get(url, trust_env=False)
            return
        except httpx.TransportError:
            time.sleep(0.05)
    raise TimeoutError(url)
