"""`static/client.js` in a real browser, behind a gateway that fails; and the page where an API key is needed."""

import asyncio
import base64
import json
import re
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

import tests.browser
from tests.analysis.packing import tar
from tests.peers import gateway as peer
from tests.peers.gateway import Gateway, answered, cut_after, held_back, lost
from tests.service import ANSWERING, ROOT, Service, started
from tests.streams import job_with_events

pytestmark = tests.browser.needed

FOLLOW = """async ([job, lastEventId]) => {
  const { Client } = await import("/static/client.js");
  const seen = [];
  for await (const { id, name, by, job: now, result } of new Client().follow(job, { lastEventId }))
    seen.push({ id, name, by, status: now.status, value: result?.conditions[0].value });
  return seen;
}"""
SUBMIT = """async ([request, options]) => {
  const { Client } = await import("/static/client.js");
  return new Client().submit(request, options);
}"""
ANSWER = """async ([request, answer]) => {
  const { Client } = await import("/static/client.js");
  const client = new Client();
  let last;
  for await (const event of client.follow(await client.submit(request))) last = event;
  for await (const event of client.follow(await client.answer(last.job, answer))) last = event;
  return { refines: last.job.refines, values: last.result.conditions.map((condition) => condition.value) };
}"""
COMPILE = """async (request) => {
  const { Client } = await import("/static/client.js");
  const client = new Client();
  return [(await client.compile(request)).dialects, await client.explain(request)];
}"""
ANALYZE = """async (packed) => {
  const { Client } = await import("/static/client.js");
  const client = new Client();
  const files = { "a.py": "def rinse(filter):\\n    filter.wash()\\n", "b.py": "def other():\\n    return 1\\n" };
  const archive = Uint8Array.from(atob(packed), (character) => character.charCodeAt(0));
  const options = { question: "What is washed?", include: ["a.py", "c/"], tasks: ["map", "search"], gitignore: false,
                    budget: { chunks: 5 }, metadata: { from: "browser" } };
  let last;
  const job = await client.analyze(packed ? new Blob([archive]) : files, options);
  for await (const event of client.follow(job)) last = event;
  return [last.job.metadata.from, last.result];
}"""
COUNT = """async () => {
  const { Client } = await import("/static/client.js");
  return (await new Client().get("/v1/jobs?page_size=200")).jobs.length;
}"""
OWNERS = """async (catalog) => {
  const { Client } = await import("/static/client.js");
  const client = new Client();
  await client.putCatalog("kept", catalog);
  const { owner, kinds } = await client.owner();
  const archive = await (await client.exportOwner()).arrayBuffer();
  const { deleted } = await client.deleteOwner({ owner: "somebody else" });
  const start = new TextDecoder().decode(archive.slice(0, 2));
  return [owner, kinds.some(({ kind }) => kind === "catalogs"), start, Object.keys(deleted)];
}"""
REQUEST = {"catalog": "cars", "text": "8 cylinders"}
STREAMS = answered(429, '{"title": "Streams"}', Retry_After="30")
# A proxy that lets no stream through answers with a page of its own.
FORBIDDEN = [answered(status, "<h1>", Content_Type="text/html") for status in (403, 404, 407)]
FORBIDDEN.append(answered(403, '{"error": "No streams"}', Content_Type="application/json"))
UNKNOWN = answered(504, '{"type": "/problems/outcome-unknown", "title": "Unknown"}', Retry_After="0")
BUSY = answered(503, '{"title": "Busy"}', Retry_After="1")


@pytest.fixture
def page(browser: Browser, gateway: Gateway) -> Iterator[Page]:
    """A page behind the gateway."""
    with tests.browser.page_of(browser, gateway.url) as page:
        page.goto("/docs")
        yield page


def follow(page: Page, job: Any, last_event_id: str | None = None) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = page.evaluate(FOLLOW, [job, last_event_id])
    return events


def test_the_documented_example_runs(page: Page) -> None:
    example = re.findall(r"```js\n(.*?)```", (ROOT / "docs" / "clients.md").read_text(), re.DOTALL)[0]
    lines: list[str] = []
    page.on("console", lambda message: lines.append(message.text))
    body = example.replace('import { Client } from "/static/client.js";', "")
    page.evaluate(f"async () => {{ const {{ Client }} = await import('/static/client.js'); {body} }}")
    assert lines[-1].startswith("done events succeeded Origin is Japan and fuel economy")


def urls(job_id: str) -> dict[str, Any]:
    path = f"/v1/jobs/{job_id}"
    return {"urls": {"self": path, "events": f"{path}/events", "result": f"{path}/result"}}


def test_a_stream_that_is_cut_a_hundred_times_brings_every_event_once(browser: Browser, idle_service: Service) -> None:
    made: list[tuple[str, list[str]]] = []
    work = job_with_events(idle_service.environment["REDIS_URL"], 300)
    thread = threading.Thread(target=lambda: made.append(asyncio.run(work)))  # this one has Playwright's loop
    thread.start()
    thread.join()
    job_id, ids = made[0]
    with peer.before(idle_service.url) as gateway, tests.browser.page_of(browser, gateway.url) as page:
        page.add_init_script("Math.random = () => 0.01")  # short waits
        page.goto("/docs")
        gateway.rule = peer.random_cuts(seed=5, least=500, most=5000)
        got = follow(page, urls(job_id), ids[0])
        cuts = len(gateway.streams()) - 1
        assert [event["id"] for event in got] == ids[1:]
        assert {event["by"] for event in got} == {"events"}
        assert cuts >= 100
        assert follow(page, urls(job_id), ids[-1]) == []  # 204


@pytest.mark.parametrize("fault", [lost, UNKNOWN], ids=["lost", "outcome-unknown"])
@pytest.mark.parametrize("key", [None, "my-own-key"])
def test_an_answer_that_is_lost_makes_no_second_job(
    page: Page, gateway: Gateway, fault: peer.Fault, key: str | None
) -> None:
    options = {"idempotencyKey": f"{key} {uuid.uuid4()}"} if key else {}
    before = page.evaluate(COUNT)
    gateway.script(fault, of="/v1/jobs")
    page.evaluate(SUBMIT, [REQUEST, options])
    tries = [asked.headers["idempotency-key"] for asked in gateway.asked if asked.method == "POST"]
    assert len(tries) == 2
    assert set(tries) == {options.get("idempotencyKey", tries[0])}
    assert page.evaluate(COUNT) == before + 1


@pytest.mark.parametrize("is_archive", [True, False])
def test_code_is_analysed(page: Page, is_archive: bool) -> None:
    files = {"a.py": b"def rinse(filter):\n    filter.wash()\n", "b.py": b"def other():\n    return 1\n"}
    archive = base64.b64encode(tar(files).getvalue()).decode() if is_archive else ""
    origin, result = page.evaluate(ANALYZE, archive)
    assert (origin, result["files"], result["skipped"]) == ("browser", 1, 1)
    assert result["answers"][0]["path"] == "a.py"
    assert result["summary"] is None


@pytest.mark.parametrize(("answer", "value"), [({"choice": 1}, 100), ({"text": "under 90 hp"}, 90)])
def test_a_question_can_be_answered(page: Page, answer: dict[str, Any], value: int) -> None:
    request = {"catalog": "cars", "text": "over 200 hp, under 100 hp"}
    answered = page.evaluate(ANSWER, [request, answer])
    assert answered["refines"].startswith("job_")
    assert answered["values"] == [value]


@pytest.mark.parametrize("fault", [STREAMS, cut_after(10), answered(200, "<h1>", Content_Type="text/html"), *FORBIDDEN])
def test_where_events_do_not_come_through_the_job_is_polled(page: Page, gateway: Gateway, fault: peer.Fault) -> None:
    gateway.rule = lambda asked: fault if asked.path.endswith("/events") else peer.through
    last = follow(page, page.evaluate(SUBMIT, [REQUEST, {}]))[-1]
    assert last == {"id": None, "name": "done", "by": "polling", "status": "succeeded", "value": 8}


def test_events_that_are_held_back_are_not_waited_for(browser: Browser, idle_service: Service) -> None:
    with peer.before(idle_service.url) as gateway, tests.browser.page_of(browser, gateway.url) as page:
        page.goto("/docs")
        job = page.evaluate(SUBMIT, [REQUEST, {}])
        gateway.rule = lambda asked: held_back if asked.path.endswith("/events") else peer.through
        first = page.evaluate(
            """async (job) => {
              const { Client } = await import("/static/client.js");
              for await (const { by, job: now } of new Client().follow(job)) return { by, status: now.status };
            }""",
            job,
        )
        assert first == {"by": "polling", "status": "queued"}


def test_the_seconds_of_retry_after_are_waited(page: Page, gateway: Gateway) -> None:
    gateway.script(BUSY, of="/v1/jobs")
    job = page.evaluate(SUBMIT, [REQUEST, {}])
    gateway.script(BUSY, of="/events")
    assert follow(page, job)[-1] | {"id": None} == {
        "id": None, "name": "done", "by": "events", "status": "succeeded", "value": 8,
    }  # fmt: skip
    assert len(gateway.streams()) == 2


def test_a_service_that_goes_away_and_returns(page: Page, gateway: Gateway) -> None:
    job = page.evaluate(SUBMIT, [REQUEST, {}])
    page.evaluate("import('/static/client.js')")
    gateway.leave()
    threading.Timer(0.5, gateway.come_back).start()
    assert follow(page, job)[-1]["value"] == 8


def test_following_can_be_stopped(browser: Browser, idle_service: Service) -> None:
    with tests.browser.page_of(browser, idle_service.url) as page:
        page.goto("/docs")
        reason = page.evaluate(
            """async (job) => {
              const { Client } = await import("/static/client.js");
              const stop = new AbortController();
              try {
                for await (const event of new Client().follow(job, { signal: stop.signal })) stop.abort("enough");
              } catch (error) {
                return error;
              }
            }""",
            page.evaluate(SUBMIT, [REQUEST, {}]),
        )
        assert reason == "enough"


def test_a_problem_is_told_in_the_services_words(page: Page, gateway: Gateway) -> None:
    told = page.evaluate(
        """async () => {
          const { Client, Problem } = await import("/static/client.js");
          try {
            await new Client().submit({ catalog: "cars", text: "" });
          } catch (error) {
            return [error instanceof Problem, error.status, error.type, error.errors[0].pointer, error.message];
          }
        }"""
    )
    assert told[:4] == [True, 422, "/problems/invalid-request", "/text"]
    assert told[4].startswith("/text: ")
    assert len([asked for asked in gateway.asked if asked.method == "POST"]) == 1


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Service, str]]:
    """A whole service for which an API key was made; and the key."""
    with started(tmp_path_factory.mktemp("key"), *ANSWERING) as service:
        run = subprocess.run(
            [sys.executable, "-m", "nlp2filters", "keys", "create", "anna", "--json"],
            cwd=ROOT, env=service.environment, capture_output=True, text=True, check=True,
        )  # fmt: skip
        yield service, json.loads(run.stdout)["key"]


def test_the_page_asks_for_a_key_where_one_is_needed(browser: Browser, guarded: tuple[Service, str]) -> None:
    service, key = guarded
    with tests.browser.page_of(browser, service.url) as page:
        page.goto("/")
        entry = page.get_by_label("This service requires an API key")
        expect(entry).to_be_focused()
        expect(page.locator("#ask")).to_be_hidden()
        entry.fill("n2f_wrong_key")
        page.keyboard.press("Enter")
        expect(page.locator("#refused")).to_contain_text("not valid")
        entry.fill(key)
        page.keyboard.press("Enter")
        page.get_by_label("What are you looking for?").fill("8 cylinders")
        page.keyboard.press("Enter")
        expect(page.locator(".chip b")).to_have_text(["Cylinders"])
        expect(page.locator("#transport")).to_have_text("live by Server-Sent Events")
        expect(page.locator("#rows tbody tr").first).to_be_visible()
        expect(page.locator("#curl")).to_contain_text('-H "Authorization: Bearer $KEY"')
        assert key not in page.content()
        assert key not in page.url
        page.reload()
        expect(page.locator(".chip b")).to_have_text(["Cylinders"])
        page.get_by_role("button", name="Forget the key").click()
        expect(entry).to_be_visible()
        assert page.evaluate("sessionStorage.length") == 0


def test_a_catalog_of_ones_own_has_no_rows_to_show(browser: Browser, guarded: tuple[Service, str]) -> None:
    service, key = guarded
    with tests.browser.page_of(browser, service.url) as page:
        page.goto("/")
        expect(page.get_by_label("This service requires an API key")).to_be_focused()  # it drops what key it had
        page.evaluate("key => sessionStorage.setItem('key', key)", key)
        put = page.evaluate(
            """async (key) => (await fetch("/v1/catalogs/shop", { method: "PUT",
              headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
              body: JSON.stringify({ title: "Our shop",
                                     fields: [{ name: "price", type: "money", currency: "USD" }] }) })).status""",
            key,
        )
        assert put == 201
        page.goto("/?catalog=shop&q=under+20+dollars")
        expect(page.locator(".chip b")).to_have_text(["price"])
        expect(page.locator("#found")).to_be_hidden()
        expect(page.locator("#code")).to_contain_text(re.compile("price"))
        expect(page.locator("#problem")).to_be_hidden()


def test_a_filter_is_compiled_and_explained(page: Page) -> None:
    request = {"catalog": "cars", "filter": "Cylinders = 8"}
    dialects, explanation = page.evaluate(COMPILE, request)
    assert dialects["sql"]["params"] == {"p_1": 8}
    assert explanation == "Cylinders is 8."


def test_everything_of_an_owner(page: Page) -> None:
    """The other tests go on with this owner, so that it is another one that is deleted."""
    catalog = {"fields": [{"name": "brand", "type": "keyword"}]}
    assert page.evaluate(OWNERS, catalog) == ["anonymous", True, "PK", []]
