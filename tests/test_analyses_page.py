"""The page for analyses in a real browser: from a dropped archive to findings and answers."""

import os
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, FilePayload, Page, expect

import tests.browser
from nlp2filters.client import Client
from tests.analysis.packing import tar
from tests.analysis.test_findings import SCHEMA
from tests.peers.llm import LLM, Reply, good
from tests.peers.reviewer import nothing, reviewer
from tests.service import ANSWERING, ROOT, Service, started
from tools.sources import locate

pytestmark = tests.browser.needed

KNOTTY = "def knotty(a):\n" + "    if a:\n        pass\n" * 20
COPY = "def total_{0}(items_{0}):\n    total_{0} = 0\n" + "".join(
    f"    if items_{{0}}[{number}] > {number}:\n        total_{{0}} += items_{{0}}[{number}] * {number}\n"
    for number in range(8)
) + "    return total_{0}\n"  # fmt: skip
FILES = {
    "shop/till.py": "import shop.cart\n\n\n" + COPY.format("of_till"),
    "shop/cart.py": COPY.format("of_cart"),
    "shop/mail.py": "def send_mail(to, body):\n    smtp.sendmail(SENDER, to, body)\n",
    "shop/<b>knotty.py": KNOTTY,
}


@pytest.fixture(scope="module")
def service(llm: LLM, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The whole service with an LLM, which is asked about one part of the code after the other."""
    llm.script(good({}))
    environment = {"OPENAI_BASE_URL": llm.url, "LLM_MODEL": "test", "LLM_CONCURRENCY": "1"}
    with started(tmp_path_factory.mktemp("analyses"), *ANSWERING, **environment) as service:
        yield service


@pytest.fixture(autouse=True)
def quiet(llm: LLM) -> None:
    """The LLM has nothing to remark, unless a test tells it otherwise."""
    llm.respond = reviewer(usual=nothing)


@pytest.fixture
def page(browser: Browser, service: Service) -> Iterator[Page]:
    with tests.browser.page_of(browser, service.url) as page:
        page.goto("/analyses")
        yield page


def archive(files: dict[str, str] = FILES) -> FilePayload:
    content = tar({path: text.encode() for path, text in files.items()}).getvalue()
    return {"name": "shop.tar.gz", "mimeType": "application/gzip", "buffer": content}


def drop(page: Page, payload: FilePayload) -> None:
    """Drop a file from the desktop onto the form."""
    transfer = page.evaluate_handle(
        """([name, bytes]) => {
            const transfer = new DataTransfer();
            transfer.items.add(new File([new Uint8Array(bytes)], name));
            return transfer;
        }""",
        [payload["name"], list(payload["buffer"])],
    )
    page.locator("#submit").dispatch_event("drop", {"dataTransfer": transfer})


def test_a_dropped_archive_becomes_a_report_that_can_be_searched(page: Page) -> None:
    page.get_by_label("A question about the code, if you have one").fill("Where is a mail sent?")
    drop(page, archive())
    expect(page.get_by_role("heading", name="shop.tar.gz")).to_be_visible()
    expect(page.locator("#coverage")).to_contain_text("4 files read")
    expect(page.locator("#results li").first).to_contain_text("shop/mail.py:1")
    expect(page.locator("#findings")).to_contain_text("shop/<b>knotty.py:1")  # As text, never as markup.
    expect(page.locator("#files")).to_contain_text("shop/cart.py")
    expect(page.locator("#definitions")).to_contain_text("send_mail")
    expect(page.locator("#duplicates li")).to_have_count(1)
    expect(page.locator("#duplicates")).to_contain_text("total_of_till")
    expect(page.get_by_role("button", name="Cancel")).to_be_hidden()
    page.get_by_role("searchbox", name="Search the code").fill("smtp")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_have_text("4 results, the first in shop/mail.py")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download as SARIF").click()
    log: Any = orjson.loads(Path(download.value.path()).read_bytes())
    SCHEMA.validate(log)
    assert len(log["runs"][0]["results"]) == int(page.locator("#finding-count").inner_text())
    assert download.value.suggested_filename.endswith(".sarif")
    page.reload()  # It joins the job again.
    expect(page.get_by_role("heading", name="shop.tar.gz")).to_be_visible()
    expect(page.locator("#findings")).to_contain_text("shop/<b>knotty.py:1")
    page.go_back()
    expect(page.locator("#report")).to_be_hidden()
    expect(page.locator("#progress")).to_be_hidden()


def test_findings_are_shown_while_the_llm_still_reads(page: Page, service: Service, llm: LLM) -> None:
    """The built-in ones first, then those of each answer of the LLM, whose second one is held back."""
    review, gate, answers = reviewer(), threading.Event(), []

    def hold_back(request: dict[str, Any]) -> Reply:
        answers.append(review(request))
        return replace(answers[-1], gate=gate if len(answers) > 1 else None)

    llm.respond = hold_back
    large = {f"shop/part_{part}.py": "".join(statements(part, 400)) for part in "abc"}
    with Client(service.url, trust_env=False) as client:  # Without `search`, so that nothing is embedded.
        job = client.analyses.submit(archive({**FILES, **large})["buffer"], tasks=["review", "summary"])
    try:
        page.goto(f"/analyses?job={job.id}&name=shop.tar.gz")
        expect(page.locator("#findings")).to_contain_text("It fails on an empty list.")
        expect(page.locator("#findings")).to_contain_text("divides at 20 points")
        expect(page.locator("#step")).to_contain_text("parts read")
        expect(page.get_by_role("button", name="Cancel")).to_be_visible()
        expect(page.locator("#about")).to_be_hidden()  # The report is not there yet.
        early = int(page.locator("#finding-count").inner_text())
        assert faults(page) == []
    finally:
        gate.set()
    expect(page.locator("#about")).to_contain_text("A whole that checks things.")
    assert len(answers) > 2
    assert int(page.locator("#finding-count").inner_text()) > early
    assert page.locator("#findings > li").count() == int(page.locator("#finding-count").inner_text())


def statements(part: str, count: int) -> Iterator[str]:
    return (f"total_{part}_{number} = read_total('{part}', {number})\n" for number in range(count))


def faults(page: Page) -> list[Any]:
    """What axe has to say against the page, in both themes."""
    found = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        violations = Axe().run(page).response["violations"]
        found += [(fault["id"], [node["html"] for node in fault["nodes"]]) for fault in violations]
    return found


def test_a_folder_is_chosen_and_what_is_no_text_is_left_out(page: Page, tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    (folder / "node_modules").mkdir(parents=True)
    (folder / "mail.py").write_text(FILES["shop/mail.py"])
    (folder / "logo.png").write_bytes(b"\x89PNG\0")
    (folder / "node_modules" / "other.js").write_text("x()")
    page.get_by_label("Choose a folder").set_input_files(folder)
    expect(page.locator("#coverage")).to_contain_text("1 file read")
    expect(page.get_by_role("heading", name="shop", exact=True)).to_be_visible()
    expect(page.locator("#findings")).to_have_text("None.")


def test_what_is_no_archive_says_so(page: Page) -> None:
    page.get_by_label("Choose an archive").set_input_files({**archive(), "buffer": b"no archive"})
    expect(page.get_by_role("alert")).to_contain_text("The archive cannot be read")
    expect(page.locator("#report")).to_be_hidden()
    expect(page.locator("#step")).to_have_text("failed")


def test_a_job_that_is_gone_says_so(page: Page) -> None:
    page.goto("/analyses?job=job_unknown&name=old.zip")
    expect(page.get_by_role("alert")).to_contain_text("There is no job")


def test_a_running_job_is_joined_and_canceled(page: Page, service: Service) -> None:
    text = "".join(f"def function_{number}():\n    return '{number} {'word ' * 60}'\n\n\n" for number in range(400))
    with Client(service.url, trust_env=False) as client:
        job = client.analyses.submit(tar({"large.py": text.encode()}).getvalue())
    page.goto(f"/analyses?job={job.id}&name=large.tar.gz")
    expect(page.locator("#step")).to_contain_text("parts read")
    assert float(page.get_by_role("progressbar").get_attribute("max") or 0) > 1
    page.get_by_role("button", name="Cancel").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text("The analysis is canceled.")


def test_a_service_that_requires_a_key_says_where_to_enter_it(page: Page) -> None:
    page.route("**/v1/jobs/*", lambda route: route.fulfill(status=401, json={"type": "/problems/unauthenticated"}))
    page.goto("/analyses?job=job_1")
    expect(page.get_by_role("alert").get_by_role("link", name="Enter it on the main page")).to_have_attribute(
        "href", "/"
    )


def test_it_fits_a_phone_in_the_dark(page: Page) -> None:
    page.set_viewport_size({"width": 375, "height": 700})
    page.emulate_media(color_scheme="dark")
    page.get_by_label("Choose an archive").set_input_files(archive())
    expect(page.locator("#coverage")).to_contain_text("4 files read")
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
    assert faults(page) == []


@pytest.mark.skipif(not os.environ.get("UPDATE_SCREENSHOT"), reason="UPDATE_SCREENSHOT=1 takes a picture")
def test_its_picture_for_the_docs(page: Page, service: Service) -> None:
    """Starlette, analysed without an LLM."""
    archive = locate()["starlette"]
    with Client(service.url, trust_env=False) as client:
        job = client.analyses.submit(
            archive.read_bytes(), strategy="builtin", tasks=["map", "duplicates", "summary", "review"]
        )
    page.goto(f"/analyses?job={job.id}&name={archive.name}")
    expect(page.locator("#coverage")).to_be_visible()
    page.screenshot(path=Path(ROOT, "docs/analyses.png"))
