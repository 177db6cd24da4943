"""What users see of a job while a slow LLM is at it: over both kinds of stream, in both clients, and on the page."""

import contextlib
import json
import os
import pty
import random
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest
import websockets.sync.client
from httpx_sse import ServerSentEvent, connect_sse
from playwright.sync_api import expect

import tests.browser
from nlp2filters.client import Client
from nlp2filters.core.schemas import Delta, Progress
from tests.peers.llm import LLM, Reply
from tests.service import ANSWERING, Service, started
from tests.test_llm_service import ANSWER, TEXT, WRONG_FIELD

SAID = json.dumps(ANSWER)
SLOW = Reply(content=SAID, piece=30, pause_s=0.15)  # some 3 s
FAULTY = Reply(content=json.dumps(WRONG_FIELD), piece=30)
IN_PASSING = ("progress", "delta")


@pytest.fixture(scope="module")
def service(llm: LLM, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    environment = {"OPENAI_BASE_URL": llm.url, "LLM_MODEL": "test", "LLM_TIMEOUT_S": "30"}
    with started(tmp_path_factory.mktemp("live"), *ANSWERING, **environment) as service:
        yield service


def streamed(service: Service, job_id: str, cursor: str | None, most: int) -> list[ServerSentEvent]:
    """Some events after the cursor, or all that there are; then the connection is cut."""
    events: list[ServerSentEvent] = []
    headers = {"Last-Event-ID": cursor} if cursor else {}
    with (
        httpx.Client(base_url=service.url, timeout=30, trust_env=False) as client,
        connect_sse(client, "GET", f"/v1/jobs/{job_id}/events", headers=headers) as source,
    ):
        for event in source.iter_sse():
            if event.data:
                events.append(event)
            if len(events) == most:
                break
    return events


def joined(deltas: list[Delta]) -> dict[int, str]:
    """The texts by their number; the offsets must be right."""
    found: dict[int, str] = {}
    for delta in deltas:
        assert delta.offset == len(found.setdefault(delta.try_, ""))
        found[delta.try_] += delta.text
    return found


def test_a_stream_that_is_cut_brings_every_part_of_the_text_once(llm: LLM, service: Service) -> None:
    llm.script(replace(SLOW, ends="cut"), FAULTY, SLOW)
    job_id, rng = service.submit(TEXT), random.Random(5)
    events = streamed(service, job_id, None, 1)
    while events[-1].event != "done":
        events += streamed(service, job_id, events[-1].id, rng.randint(1, 3))
    assert len({event.id for event in events}) == len(events)
    texts = joined([Delta.model_validate_json(event.data) for event in events if event.event == "delta"])
    assert SAID.startswith(texts.pop(1))
    assert texts == {2: FAULTY.content, 3: SAID}
    told = [Progress.model_validate_json(event.data) for event in events if event.event == "progress"]
    assert {"answering"} <= {progress.step for progress in told}
    assert all((later.at - earlier.at).total_seconds() >= 0.5 for earlier, later in pairwise(told))
    assert [event.event for event in events].count("done") == 1
    again = streamed(service, job_id, events[0].id, 1000)
    assert [(event.id, event.data) for event in again] == [(event.id, event.data) for event in events[1:]]
    address = f"{service.url.replace('http', 'ws')}/v1/jobs/{job_id}/ws?last_event_id={events[0].id}"
    with websockets.sync.client.connect(address, proxy=None) as socket:
        messages = [json.loads(text) for text in socket]
    assert [one["data"] for one in messages] == [json.loads(event.data) for event in again]


def test_who_comes_later_begins_with_the_job_as_it_is(llm: LLM, service: Service) -> None:
    llm.script(SLOW)
    job_id = service.submit(TEXT)
    events = streamed(service, job_id, None, 1)
    while events[-1].event != "delta":
        events += streamed(service, job_id, events[-1].id, 1)
    first, *rest = streamed(service, job_id, None, 1000)
    assert (first.event, first.json()["job"]["stage"], rest[-1].event) == ("snapshot", "llm", "done")
    deltas = [event.json() for event in rest if event.event == "delta"]
    assert deltas[0]["offset"] > 0
    assert SAID.endswith("".join(delta["text"] for delta in deltas))
    last, done = streamed(service, job_id, None, 1000)
    assert (last.event, done.event) == ("snapshot", "done")


def test_the_clients_events_say_how_the_job_is(llm: LLM, service: Service) -> None:
    llm.script(SLOW)
    with Client(service.url, trust_env=False) as client:
        job = client.jobs.submit(TEXT, "cars")
        events = list(client.jobs.follow(job))
        middle = next(event for event in events if event.delta)
        rest = list(client.jobs.follow(job.id, last_event_id=middle.id))
    assert joined([event.delta for event in events if event.delta]) == {1: SAID}
    assert any(event.progress and event.progress.characters for event in events)
    assert {(event.job.status, event.job.stage) for event in events if event.name in IN_PASSING} == {("running", "llm")}
    assert [event.id for event in rest] == [event.id for event in events[events.index(middle) + 1 :]]


def test_a_terminal_shows_what_goes_on(llm: LLM, service: Service, tmp_path: Path) -> None:
    llm.script(SLOW)
    terminal, theirs = pty.openpty()
    words = [sys.executable, "-m", "nlp2filters", "ask", TEXT, "--catalog", "cars", "--server", service.url]
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "120"}
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=theirs, cwd=tmp_path, env=environment) as process:
        os.close(theirs)
        shown = b""
        with contextlib.suppress(OSError):  # that is how a terminal ends
            while data := os.read(terminal, 1 << 16):
                shown += data
    os.close(terminal)
    assert process.returncode == 0
    assert b"running, llm: test answers: " in shown


@tests.browser.needed
def test_the_page_says_what_goes_on(llm: LLM, service: Service) -> None:
    llm.script(SLOW)
    llm.talking.clear()
    try:
        with tests.browser.running() as browser, tests.browser.page_of(browser, service.url) as page:
            page.goto("/")
            page.get_by_role("textbox").fill(TEXT)
            page.keyboard.press("Enter")
            expect(page.locator("#progress")).to_have_text("Asking test")
            expect(page.locator("#state")).to_have_text("draft")
            llm.talking.set()
            expect(page.locator("#progress")).to_contain_text("test answers: ")
            expect(page.locator("#answer:not([aria-busy])")).to_be_visible()
            expect(page.locator("#state")).to_have_text("test-1")
            expect(page.locator("#progress")).to_have_text("")
    finally:
        llm.talking.set()


JOINED = """async (request) => {
  const { Client } = await import("/static/client.js");
  const client = new Client();
  const seen = { text: "", progress: 0, statuses: [] };
  for await (const { name, job, delta, progress } of client.follow(await client.submit(request))) {
    if (delta && delta.offset === seen.text.length) seen.text += delta.text;
    if (progress?.detail) seen.progress += 1;
    if (delta || progress) seen.statuses.push(job.status);
  }
  return seen;
}"""


@tests.browser.needed
def test_the_browsers_client_gets_the_text(llm: LLM, service: Service) -> None:
    followed = threading.Event()  # A client that comes later would miss the beginning.
    llm.script(replace(SLOW, gate=followed))
    with tests.browser.running() as browser, tests.browser.page_of(browser, service.url) as page:
        page.on("response", lambda response: followed.set() if response.url.endswith("/events") else None)
        page.goto("/docs")
        seen: dict[str, Any] = page.evaluate(JOINED, {"catalog": "cars", "text": TEXT})
    assert seen["text"] == SAID
    assert seen["progress"] > 0
    assert set(seen["statuses"]) == {"running"}
