"""The pages in a real browser: how much is sent for a first visit, and when something is to be seen.

Each visit has a browser profile of its own, so nothing is cached. Scripts are modules: the page is painted before they
have loaded, and `usable` is when its catalogs, or for other pages its scripts, are there.
"""

import asyncio
import statistics
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser

import tests.browser
from bench.report import Report, Table
from bench.sizes import size
from tests.service import started

ROUNDS = size(7, 1)
PAGES = {"/": "#catalogs input", "/data": "#drop", "/analyses": "h1", "/docs": ".swagger-ui .opblock-tag"}
MEASURE = """() => {
  const [page] = performance.getEntriesByType("navigation");
  const parts = [page, ...performance.getEntriesByType("resource")];
  return {
    paint: performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? null,
    usable: performance.now(),
    requests: parts.length,
    bytes: parts.reduce((sum, part) => sum + part.transferSize, 0),
  };
}"""


async def main() -> Report:
    return await asyncio.to_thread(_measure)


def _measure() -> Report:
    rows = []
    with (
        tempfile.TemporaryDirectory() as folder,
        started(Path(folder)) as service,
        tests.browser.running() as browser,
    ):
        for path, ready in PAGES.items():
            visits = [_visit(browser, service.url + path, ready) for _ in range(ROUNDS)]
            paint, usable = (statistics.median(visit[name] for visit in visits) for name in ("paint", "usable"))
            first = visits[0]
            rows.append([path, f"{first['requests']}", f"{first['bytes'] / 1000:.0f}", f"{paint:.0f}", f"{usable:.0f}"])
    header = ["page", "requests", "KB sent", "first paint, ms", "usable, ms"]
    return Report({"pages": Table(header, rows)}, rounds=ROUNDS)


def _visit(browser: Browser, url: str, ready: str) -> dict[str, Any]:
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(url)
        page.wait_for_selector(ready, state="attached")
        page.wait_for_function("performance.getEntriesByName('first-contentful-paint').length")
        visit: dict[str, Any] = page.evaluate(MEASURE)
        return visit
