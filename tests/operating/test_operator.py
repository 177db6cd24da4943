"""The operator's page and its endpoints: the jobs of all owners, and what to do with them."""

import os
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect
from redis import Redis

import tests.browser
from nlp2filters.storage.redis_keys import Keys
from tests.operating.conftest import ANSWER, Operated
from tests.peers import llm as llms
from tests.peers import webhook as webhooks
from tests.service import ROOT

SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


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


def keep_catalog(operated: Operated, owner: str) -> None:
    """Let an owner have something."""
    with Redis.from_url(operated.service.environment["REDIS_URL"]) as redis:
        redis.set(Keys().catalog(owner, "shop", "0" * 64), "{}")


@tests.browser.needed
def test_an_owner_is_exported_and_after_a_confirmation_deleted(page: Page, operated: Operated) -> None:
    keep_catalog(operated, "carla & co")
    page.get_by_role("button", name="Count again").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Export: carla & co").click()
    assert "catalogs.ndjson" in zipfile.ZipFile(download.value.path()).namelist()
    delete = page.get_by_role("button", name="Delete: carla & co")
    with page.expect_event("dialog", lambda dialog: "carla & co" in dialog.message):
        page.once("dialog", lambda dialog: dialog.dismiss())
        delete.click()
    expect(delete).to_be_enabled()
    summary = httpx.get(f"{operated.service.url}/v1/operator/owners/carla & co", trust_env=False).json()
    assert "catalogs" in {kind["kind"] for kind in summary["kinds"]}
    page.once("dialog", lambda dialog: dialog.accept())
    with page.expect_response("**/v1/operator/owners"):
        delete.click()
    expect(delete).to_have_count(0)
    summary = httpx.get(f"{operated.service.url}/v1/operator/owners/carla & co", trust_env=False).json()
    assert summary["kinds"] == []


@tests.browser.needed
def test_axe_finds_nothing_on_the_page_of_a_busy_service(page: Page, operated: Operated) -> None:
    operated.llm.script(llms.unauthorized)
    failed = operated.service.submit("japanese cars", strategy="llm", webhook={"url": operated.receiver.url})
    assert operated.service.ended(failed)["status"] == "failed"
    operated.receiver.script(webhooks.gone)
    undelivered = operated.service.submit("8 cylinders", strategy="builtin", webhook={"url": operated.receiver.url})
    operated.llm.script(llms.slow)
    running = [operated.service.submit(f"japanese cars before {year}", strategy="llm") for year in (1975, 1980)]
    try:
        for owner in ("dora", "emil"):
            keep_catalog(operated, owner)
        page.get_by_role("button", name="Count again").click()
        for table, text in (
            ("owners", "emil"),
            ("failed", failed),
            ("undelivered", undelivered),
            ("unfinished", running[1]),
        ):
            expect(page.locator(f"#{table}")).to_contain_text(text, timeout=20_000)
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)
            faults = Axe().run(page).response["violations"]
            assert [(fault["id"], [node["html"] for node in fault["nodes"]]) for fault in faults] == []
            if os.environ.get("UPDATE_SCREENSHOT") and scheme == "light":
                page.screenshot(path=Path(ROOT, "docs/operator.png"), full_page=True)
    finally:
        for job in running:
            httpx.post(f"{operated.service.url}/v1/jobs/{job}/cancel", trust_env=False)
            operated.service.ended(job)
        operated.llm.script(llms.good(ANSWER))
        operated.receiver.script(webhooks.ok)
