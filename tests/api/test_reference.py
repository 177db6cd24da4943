"""The reference at `/docs` in a real browser: every operation is shown, and can be tried, and nobody else is asked."""

import hashlib
import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

import tests.browser
from nlp2filters.api import openapi
from nlp2filters.app import OPERATIONS
from tests.service import Service
from tools.swagger_ui import FILES, FOLDER

pytestmark = tests.browser.needed

# The beginnings of the files' SHA-256 as they were published.
DIGESTS = {
    "LICENSE": "cfc7749b96f63bd3",
    "NOTICE": "0d20d1adef18aee3",
    "swagger-ui-bundle.js": "e6a898692f2d768e",
    "swagger-ui-bundle.js.LICENSE.txt": "37eb6e7e59aed57b",
    "swagger-ui.css": "5ed08757e53da3e0",
}


@pytest.fixture(scope="module")
def reference(idle_service: Service) -> Iterator[Page]:
    """The page; it breaks no rule of its content security policy, and every request goes to the service."""
    hosts: set[str] = set()
    with tests.browser.running() as browser, tests.browser.page_of(browser, idle_service.url) as page:
        page.set_default_timeout(60_000)
        page.on("request", lambda request: hosts.add(request.url.partition("/static")[0].partition("/docs")[0]))
        page.goto("/docs")
        yield page
        assert all(host.startswith((idle_service.url, "data:image/svg+xml")) for host in hosts)


def test_every_operation_is_shown(reference: Page) -> None:
    webhooks = openapi.document(OPERATIONS)["webhooks"]
    expect(reference.locator(".opblock")).to_have_count(len(OPERATIONS) + len(webhooks))
    expect(reference.get_by_text("`")).to_have_count(0)  # a summary is no Markdown


def test_an_operation_is_tried_with_its_example(reference: Page, idle_service: Service) -> None:
    block = reference.locator("#operations-jobs-post_jobs")
    block.get_by_role("button").first.click()
    block.get_by_role("button", name="Try it out").click()
    block.get_by_role("button", name="Execute").click()
    answer = block.locator(".live-responses-table .response")
    expect(answer.locator(".response-col_status")).to_contain_text("202")
    job = json.loads(answer.locator(".highlight-code code").first.inner_text())
    assert job["catalog"] == "cars"
    assert reference.request.get(job["urls"]["self"]).ok


def test_a_link_cannot_make_the_page_show_another_service(reference: Page, idle_service: Service) -> None:
    reference.goto("/docs?url=https://example.com/openapi.json")
    expect(reference.locator(".opblock").first).to_be_visible()


def test_the_files_are_those_of_the_release() -> None:
    """What is served is what was published; `tools/swagger_ui.py` renews it."""
    digests = {name: hashlib.sha256((FOLDER / name).read_bytes()).hexdigest()[:16] for name in FILES}
    assert digests == DIGESTS
    assert {path.name for path in FOLDER.iterdir()} == set(FILES)
