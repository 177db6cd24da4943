"""The page for one's own data in a real browser, with a table that nobody here wrote."""

import csv
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

import tests.browser
from tests.data.test_tables import FOLDER
from tests.service import ROOT, Service

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
    cells = page.locator("#rows td:nth-child(5)").all_inner_texts()
    assert cells == sorted(cells, key=int)
    expect(page.locator("#legend")).to_contain_text(f"{len(meant)} of 342 points match")
    with page.expect_download() as download:
        page.get_by_role("button", name="Export as CSV").click()
    assert len(download.value.path().read_text().splitlines()) == len(meant) + 1


def test_pages_and_a_catalog_that_is_edited(page: Page) -> None:
    page.get_by_role("button", name="Next").click()
    expect(page.locator("#count")).to_have_text("344 of 344, 51 to 100")
    page.get_by_text("Catalog", exact=False).first.click()
    page.get_by_text("As JSON", exact=True).click()
    document = page.locator("#document")
    document.fill('{"name": "p", "fields": [{"name": "island", "type": "colour"}]}')
    page.get_by_role("button", name="Apply").click()
    expect(page.get_by_role("alert")).to_contain_text("keyword")
    document.fill('{"name": "p", "fields": [{"name": "island", "label": "Home", "type": "text"}]}')
    page.get_by_role("button", name="Apply").click()
    expect(page.locator("#rows th")).to_have_text(["Home"])
    expect(page.locator("#plotting")).to_be_hidden()


def test_fields_are_edited_in_a_form(page: Page) -> None:
    page.get_by_text("Catalog", exact=False).first.click()
    page.get_by_label("Title of island").fill("Home")
    page.get_by_label("Also called: island").fill("place, where they nest")
    page.get_by_label("Type of year").select_option("keyword")
    page.get_by_label("Unit or currency of body_mass_g").fill("kg")
    page.get_by_label("Leave out sex").check()
    page.get_by_role("button", name="Apply").click()
    expect(page.locator("#rows th")).to_contain_text(["species", "Home"])
    expect(page.locator("#rows th", has_text="sex")).to_have_count(0)
    page.get_by_text("As JSON", exact=True).click()
    fields = {field["name"]: field for field in json.loads(page.locator("#document").input_value())["fields"]}
    assert fields["island"]["synonyms"] == ["place", "where they nest"]
    assert (fields["year"]["type"], fields["body_mass_g"]["unit"]) == ("keyword", "kg")
    assert "sex" not in fields
    page.get_by_role("textbox", name="What are you looking for?").fill("where they nest is Dream")
    page.keyboard.press("Enter")
    expect(page.locator("#count")).to_have_text("124 of 344, 1 to 50")


def test_everyone_can_use_it(page: Page) -> None:
    page.get_by_role("textbox", name="What are you looking for?").fill("Gentoo penguins heavier than 5 kg")
    page.keyboard.press("Enter")
    expect(page.locator("#explanation")).not_to_be_empty()
    expect(page.locator("#legend")).not_to_contain_text("342 of 342")
    if os.environ.get("UPDATE_SCREENSHOT"):
        page.screenshot(path=Path(ROOT, "docs/data.png"))
    page.get_by_text("Catalog", exact=False).first.click()
    page.get_by_text("As JSON", exact=True).click()
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 900})
        assert tests.browser.barriers(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_reload_shows_the_same_table(page: Page) -> None:
    page.reload()
    expect(page.locator("#count")).to_have_text("344 of 344, 1 to 50")
    page.goto("/data#job_00000000000000000000000000")
    page.reload()
    expect(page.get_by_role("alert")).to_contain_text("Drop the file again")
