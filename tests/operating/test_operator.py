"""The operator's page and its endpoints: the jobs of all owners, and what to do with them."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

import tests.browser
from tests.operating.conftest import ANSWER, Operated
from tests.peers import llm as llms
from tests.peers import webhook as webhooks


def state(operated: Operated) -> dict[str, Any]:
    response = httpx.get(f"{operated.service.url}/v1/operator/state", trust_env=False)
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.json()
    return body


@pytest.fixture
def page(browser: Browser, operated: Operated) -> Iterator[Page]:
    with tests.browser.page_of(browser, operated.service.url) as page:
        page.goto("/operator")
        yield page


def test_the_state_has_queues_workers_and_redis(operated: Operated) -> None:
    body = state(operated)
    assert {"embedding", "llm", "delivery"} <= set(body["queues"])
    (worker,) = body["queues"]["llm"]["workers"]
    assert worker["slots"] > 0
    assert worker["version"] == body["version"]
    assert body["redis"]["memory_bytes"] > 1e6


@tests.browser.needed
def test_a_running_job_is_shown_and_canceled(page: Page, operated: Operated) -> None:
    operated.llm.script(llms.slow)
    try:
        job = operated.service.submit("japanese cars for the operator")
        with page.expect_response(f"**/{job}/cancel") as answered:
            page.get_by_role("button", name=f"Cancel: {job}").click()
        assert answered.value.status == 202, answered.value.text()
        assert operated.service.ended(job)["status"] == "canceled"
        expect(page.get_by_role("button", name=f"Cancel: {job}")).to_have_count(0)
    finally:
        operated.llm.script(llms.good(ANSWER))


@tests.browser.needed
def test_a_webhook_that_was_given_up_is_delivered_again(page: Page, operated: Operated) -> None:
    operated.receiver.script(webhooks.gone)
    job = operated.service.submit("japanese cars", webhook={"url": operated.receiver.url})
    operated.receiver.next()
    again = page.get_by_role("button", name=f"Deliver again: {job}")
    expect(again).to_be_visible()
    operated.receiver.script(webhooks.ok)
    again.focus()
    page.keyboard.press("Enter")
    operated.receiver.next()
    expect(again).to_have_count(0)
    expect(page.locator("#fresh")).to_have_text("Live")


@tests.browser.needed
def test_a_failed_job_is_shown_with_its_error_and_retried(page: Page, operated: Operated) -> None:
    operated.llm.script(llms.unauthorized)
    try:
        job = operated.service.submit("japanese cars", strategy="llm")
        assert operated.service.ended(job)["status"] == "failed"
        again = page.get_by_role("button", name=f"Retry: {job}")
        expect(page.locator("#failed")).to_contain_text("LLM")
        operated.llm.script(llms.good(ANSWER))
        with page.expect_response(f"**/{job}/retry") as response:
            again.click()
        assert operated.service.ended(response.value.json()["id"])["status"] == "succeeded"
    finally:
        operated.llm.script(llms.good(ANSWER))
