"""Streams as a browser reads them: its own EventSource and WebSocket, over a connection that breaks again and again."""

import asyncio
import random
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page

import tests.browser
from tests.peers import gateway as peer
from tests.peers.gateway import Asked, Exchange, Fault, Gateway
from tests.service import Service
from tests.streams import job_with_events

pytestmark = tests.browser.needed

EVENTS = 300
HASTE = b"9\r\nretry:1\n\n\r\n"  # a chunk that has browsers reconnect at once

FOLLOW = """
url => new Promise(resolve => {
  const ids = [], source = new EventSource(url);
  source.onerror = () => { if (source.readyState === EventSource.CLOSED) resolve(ids); };
  for (const name of ["snapshot", "status", "done"])
    source.addEventListener(name, event => ids.push(event.lastEventId));
})
"""

FOLLOW_SOCKET = """
async ({ url, cursor, allowed }) => {
  const ids = [], codes = [];
  while (!codes.includes(1000)) {
    const code = await new Promise(resolve => {
      const socket = new WebSocket(`${url}?last_event_id=${cursor}`);
      let left = allowed.shift(), cut = false;
      socket.onmessage = ({ data }) => {
        if (cut) return;
        ids.push(cursor = JSON.parse(data).id);
        if (--left === 0) { cut = true; socket.close(); resolve("cut"); }
      };
      socket.onclose = event => resolve(event.code);
    });
    codes.push(code);
  }
  return { ids, codes };
}
"""


@pytest.fixture(scope="module")
def long_job(idle_service: Service) -> tuple[str, list[str]]:
    return asyncio.run(job_with_events(idle_service.environment["REDIS_URL"], EVENTS))


@pytest.fixture
def gateway(idle_service: Service) -> Iterator[Gateway]:
    with peer.before(idle_service.url) as gateway:
        yield gateway


@pytest.fixture
def page(gateway: Gateway, long_job: tuple[str, list[str]]) -> Iterator[Page]:
    """A page of the service's own, whose content security policy holds for its streams."""
    with tests.browser.running() as browser, tests.browser.page_of(browser, gateway.url) as page:
        page.set_default_timeout(90_000)
        page.goto("/docs")
        yield page


def cut_in_haste(size: int) -> Fault:
    """The stream breaks after so many bytes; the browser is told to come back at once."""

    async def fault(exchange: Exchange) -> None:
        head = await exchange.answer.readuntil(b"\r\n\r\n")
        exchange.client.write(head + (HASTE if b"chunked" in head else b""))
        left = size
        while left and (content := await exchange.answer.read(left)):
            exchange.client.write(content)
            left -= len(content)
        await exchange.client.drain()
        if not left:
            exchange.abort()

    return fault


def test_an_event_source_that_is_cut_a_hundred_times(
    page: Page, gateway: Gateway, long_job: tuple[str, list[str]]
) -> None:
    """Every event once; and after the last the browser is told to stay away."""
    job_id, ids = long_job
    rng = random.Random(9)

    def rule(asked: Asked) -> Fault:
        return cut_in_haste(rng.randint(200, 6_000)) if "/events" in asked.path else peer.through

    gateway.rule = rule
    got: list[str] = page.evaluate(FOLLOW, f"/v1/jobs/{job_id}/events?last_event_id={ids[0]}")
    assert [ids[0], *got] == ids
    assert len(gateway.streams()) > 100
    assert gateway.streams()[-1].headers["last-event-id"] == ids[-1]


def test_a_web_socket_that_is_cut_a_hundred_times(
    page: Page, gateway: Gateway, idle_service: Service, long_job: tuple[str, list[str]]
) -> None:
    job_id, ids = long_job
    rng = random.Random(10)
    page.goto(f"{idle_service.url}/docs")
    url = f"{idle_service.url.replace('http', 'ws')}/v1/jobs/{job_id}/ws"
    allowed = [rng.randint(1, 5) for _ in range(EVENTS)]
    got: dict[str, Any] = page.evaluate(FOLLOW_SOCKET, {"url": url, "cursor": ids[0], "allowed": allowed})
    assert [ids[0], *got["ids"]] == ids
    assert got["codes"].count("cut") >= 90
    assert got["codes"][-1] == 1000
