"""The page for one's own data in a real browser, with a table that nobody here wrote."""

import csv
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

import tests.browser
from tests.data.test_tables import FOLDER
from tests.service import Service

pytestmark = tests.browser.needed

FILE = FOLDER / "files" / "penguins.csv"


@pytest.fixture
def page(browser: Browser, service: Service) -> Iterator[Page]:
    with tests.browser.page_of(browser, service.url) as page:
        page.goto("/data")
        page.get_by_label("Choose a file").set_input_files(FILE)
        expect(page.locator("#count")).to_have_text("344 of 344, 1 to 50")
        yield page


def test_a_file_is_asked_sorted_plotted_and_exported(page: Page) -> None:
    page.get_by_role("textbox", name="What are you looking for?").fill("Gentoo penguins heavier than 6 kg, cuddly")
    page.keyboard.press("Enter")
    with FILE.open() as file:
        meant = [
            row for row in csv.DictReader(file) if row["species"] == "Gentoo" and row["body_mass_g"].isdigit()
            and int(row["body_mass_g"]) > 6000
        ]  # fmt: skip
    expect(page.locator("#count")).to_have_text(f"{len(meant)} of 344")
    expect(page.locator("#unapplied")).to_contain_text("cuddly")
    page.get_by_role("button", name="flipper length").click()
    expect(page.locator("th[aria-sort=ascending]")).to_contain_text("flipper length")
    cells = page.locator("tbody tr td:nth-child(5)").all_inner_texts()
    assert cells == sorted(cells, key=int)
    expect(page.locator("#legend")).to_contain_text(f"{len(meant)} of 342 points match")
    with page.expect_download() as download:
        page.get_by_role("button", name="Export as CSV").click()
    assert len(download.value.path().read_text().splitlines()) == len(meant) + 1


def test_pages_and_a_catalog_that_is_edited(page: Page) -> None:
    page.get_by_role("button", name="Next").click()
    expect(page.locator("#count")).to_have_text("344 of 344, 51 to 100")
    page.get_by_text("Catalog", exact=False).first.click()
    document = page.locator("#document")
    document.fill('{"name": "p", "fields": [{"name": "island", "type": "colour"}]}')
    page.get_by_role("button", name="Apply").click()
    expect(page.get_by_role("alert")).to_contain_text("keyword")
    document.fill('{"name": "p", "fields": [{"name": "island", "label": "Home", "type": "text"}]}')
    page.get_by_role("button", name="Apply").click()
    expect(page.locator("th")).to_have_text(["Home"])
    expect(page.locator("#plotting")).to_be_hidden()
