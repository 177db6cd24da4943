"""A real browser for tests."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect, sync_playwright

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

expect.set_options(timeout=30_000)  # a shared machine is slow at times

needed = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: on Debian, apt install chromium")


@contextmanager
def running(*flags: str) -> Iterator[Browser]:
    """A browser. Playwright keeps an event loop of its own meanwhile: not for tests that have one."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS, *flags])
        yield browser
        browser.close()


@contextmanager
def page_of(browser: Browser, url: str) -> Iterator[Page]:
    """A fresh page. It may leave no error on its console, such as one of the content security policy."""
    page = browser.new_page(base_url=url, viewport={"width": 1280, "height": 1000})
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    yield page
    page.close()
    assert [error for error in errors if "Failed to load resource" not in error] == []


def barriers(page: Page) -> list[tuple[str, list[str]]]:
    """The rules of axe that the page breaks for people with a keyboard or a screen reader, with the places."""
    faults = Axe().run(page).response["violations"]
    return [(fault["id"], [node["html"] for node in fault["nodes"]]) for fault in faults]
