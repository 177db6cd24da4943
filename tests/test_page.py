"""The page in a real browser, as a user sees and hears it."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Page, Route, expect

import tests.browser
from nlp2filters import demo
from nlp2filters.client import Client
from tests.service import ROOT, Service

pytestmark = tests.browser.needed


@pytest.fixture
def page(browser: Browser, service: Service) -> Iterator[Page]:
    with tests.browser.page_of(browser, service.url) as page:
        yield page


def ask(page: Page, text: str) -> None:
    page.get_by_role("textbox", name="What are you looking for?").fill(text)
    page.keyboard.press("Enter")
    expect(page.locator("#answer:not([aria-busy])")).to_be_visible()


def refine(page: Page, text: str) -> None:
    page.get_by_role("textbox", name="What should be different?").fill(text)
    page.keyboard.press("Enter")
    expect(page.locator("#sentences p").last).to_have_text(text)
    expect(page.locator("#answer:not([aria-busy])")).to_be_visible()


def test_a_sentence_becomes_chips_a_query_and_rows(page: Page) -> None:
    page.goto("/")
    ask(page, "european or japanese, 1980 or later, under 2500 lbs, lightest first")
    meant = [
        row
        for row in demo.rows("cars")
        if row["Origin"] in ("Europe", "Japan") and row["Year"] >= 1980 and row["Weight_in_lbs"] < 2500  # type: ignore[operator]
    ]
    expect(page.locator(".chip b")).to_have_text(["Origin", "Year", "Weight", "Weight"])
    expect(page.locator(".chip").first).to_contain_text("is Europe or Japan")
    words = ["european or japanese", "1980 or later", "under 2500 lbs", "lightest first"]
    expect(page.locator("mark")).to_have_text(words)
    expect(page.locator("mark.order")).to_have_text("lightest first")
    expect(page.locator("#count")).to_have_text(f"{len(meant)} of {len(demo.rows('cars'))}")
    expect(page.locator("#rows tbody tr")).to_have_count(len(meant))
    expect(page.locator("#code")).to_contain_text(re.compile('"Weight_in_lbs" < :p_4.*:p_4 = 2500', re.DOTALL))
    expect(page.locator("#stages li")).to_have_count(3)
    expect(page.locator("#stages")).to_contain_text(re.compile(r"ran \d+ ms"))
    expect(page.locator("#transport")).to_have_text("live by Server-Sent Events")
    expect(page.locator("#explanation")).to_contain_text("Origin is Europe or Japan")
    if os.environ.get("UPDATE_SCREENSHOT"):
        page.emulate_media(reduced_motion="reduce")
        page.screenshot(path=Path(ROOT, "docs/page.png"))


def test_an_example_of_the_other_catalog(page: Page) -> None:
    page.goto("/")
    page.get_by_text("Films 1939–2010").click()
    page.get_by_role("button", name="films by Steven Spielberg or Ridley Scott").click()
    expect(page.locator(".chip").first).to_contain_text("Director is Steven Spielberg or Ridley Scott")
    meant = [row for row in demo.rows("movies") if row["Director"] in ("Steven Spielberg", "Ridley Scott")]
    expect(page.locator("#count")).to_contain_text(f"{len(meant)} of")
    assert "catalog=movies&q=films+by+Steven" in page.url
    page.go_back()
    expect(page.get_by_role("textbox")).to_have_value("")  # the only one that is shown
    expect(page.locator("#answer")).to_be_hidden()


def test_an_address_with_a_text_is_answered_at_once(page: Page) -> None:
    page.goto(f"/?catalog=movies&q={quote('comedies under 90 minutes')}")
    expect(page.locator(".chip b")).to_have_text(["Genre", "Running time"])


def test_a_conversation(page: Page) -> None:
    page.goto("/")
    ask(page, "japanese cars under 2500 lbs")
    refine(page, "also european")
    refine(page, "lightest first")
    expect(page.locator("#sentences p")).to_have_text(
        ["japanese cars under 2500 lbs", "also european", "lightest first"]
    )
    expect(page.locator("#sentences mark.used")).to_have_text(["japanese", "under 2500 lbs", "european"])
    expect(page.locator("#difference")).to_have_text("Order: Weight, lowest first.")
    origins = ("Japan", "Europe")
    rows = demo.rows("cars")
    meant = [row for row in rows if row["Origin"] in origins and row["Weight_in_lbs"] < 2500]  # type: ignore[operator]
    expect(page.locator("#count")).to_contain_text(f"{len(meant)} of")
    expect(page.locator("#curl")).to_contain_text('"refines":"job_')
    page.locator(".chip .body", has_text="is Europe").focus()
    expect(page.locator("mark.lit")).to_have_text("european")
    page.reload()
    expect(page.locator("#sentences p")).to_have_count(3)
    expect(page.locator("#count")).to_contain_text(f"{len(meant)} of")
    page.go_back()
    expect(page.locator("#sentences p")).to_have_count(2)
    ask(page, "8 cylinders")
    expect(page.locator("#sentences p")).to_have_count(1)
    expect(page.locator("#difference")).to_have_text("")


def test_a_refinement_of_what_is_no_longer_kept_is_said_beside_the_answer(page: Page, service: Service) -> None:
    page.goto("/")
    ask(page, "japanese cars")
    with Client(service.url, trust_env=False) as client:
        client.jobs.delete(next(client.jobs.list()))
    page.get_by_role("textbox", name="What should be different?").fill("also european")
    page.keyboard.press("Enter")
    expect(page.locator("#problem")).to_contain_text("This question is no longer kept.")
    expect(page.locator(".chip")).to_contain_text("is Japan")


def test_or_is_shown_as_a_group(page: Page) -> None:
    page.goto("/")
    ask(page, "japanese cars or cars with more than 200 hp")
    expect(page.get_by_role("group", name="any of").locator(".chip")).to_have_count(2)


def test_everything_by_keyboard(page: Page) -> None:
    page.goto("/")
    expect(page.locator("#examples button").first).to_be_visible()
    for _ in range(10):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "text":
            break
    page.keyboard.type("8 cylinders")
    page.keyboard.press("Enter")
    expect(page.locator("#answer:not([aria-busy])")).to_be_visible()
    page.get_by_role("combobox", name="Query language").focus()
    page.keyboard.type("Elast")
    expect(page.locator("#code")).to_contain_text('"term"')
    page.keyboard.press("End")
    expect(page.locator("#code")).to_contain_text('"property": "Cylinders"')
    page.locator(".chip .body").first.focus()
    expect(page.locator("mark").first).to_have_class("used lit")


def test_polling_where_events_do_not_come_through(page: Page) -> None:
    page.route("**/events", lambda route: route.abort())
    page.goto("/")
    ask(page, "8 cylinders")
    expect(page.locator("#transport")).to_have_text("by polling")
    expect(page.locator(".chip .body")).to_have_text("Cylinders is 88 cylinders")
    expect(page.locator("#rows tbody tr").first).to_be_visible()


def test_polling_goes_on_when_the_service_is_away_for_a_moment(page: Page) -> None:
    answers: list[int] = []

    def away_once(route: Route) -> None:
        answers.append(200 if answers else 503)
        if answers[-1] == 503:
            route.fulfill(status=503, headers={"Retry-After": "1"}, content_type="application/problem+json", body="{}")
        else:
            route.continue_()

    page.route("**/events", lambda route: route.abort())
    page.route(re.compile(r"/v1/jobs/job_\w+$"), away_once)
    page.goto("/")
    ask(page, "8 cylinders")
    expect(page.locator("#rows tbody tr").first).to_be_visible()
    assert answers[0] == 503


def test_conditions_that_share_words_both_light_them(page: Page) -> None:
    def share(route: Route) -> None:
        response = route.fetch()
        result = response.json()
        first, second = result["conditions"]
        second["span"] = first["span"]
        route.fulfill(response=response, json=result)

    page.route("**/events", lambda route: route.abort())
    page.route("**/result", share)
    page.goto("/")
    ask(page, "japanese, 4 cylinders")
    for chip in page.locator(".chip .body").all():
        chip.focus()
        expect(page.locator("mark.lit")).to_have_text(["japanese"])


def test_marks_count_characters_as_people_do(page: Page) -> None:
    page.goto("/")
    ask(page, "🚗🏁 japanese 🏎️ with 4 cylinders")
    expect(page.locator("mark.used")).to_have_text(["japanese", "4 cylinders"])


def test_markup_in_a_text_is_text(page: Page) -> None:
    page.goto("/")
    text = '<img src=x onerror="alert(1)"> japanese'
    ask(page, text)
    expect(page.locator("#sentences")).to_have_text(text)
    expect(page.locator("#answer img")).to_have_count(0)


def test_words_without_a_field_and_questions_are_told(page: Page) -> None:
    page.goto("/?catalog=movies")
    ask(page, "gritty films under $50 million")
    expect(page.locator(".chip.words")).to_contain_text("gritty")
    expect(page.locator(".question li")).to_have_count(3)


def test_a_text_that_is_too_long_says_so_and_the_earlier_answer_goes(page: Page) -> None:
    page.goto("/")
    ask(page, "8 cylinders")
    page.get_by_role("textbox", name="What are you looking for?").fill("x" * 4001)
    page.keyboard.press("Enter")
    expect(page.locator("#problem")).to_contain_text("Use at most 4000 characters.")
    expect(page.locator("#answer")).to_be_hidden()


def test_no_query_and_no_rows_of_an_earlier_text_stand_below_a_new_one(page: Page) -> None:
    """The end of the second job is held back: its draft is on the page, its query and rows are not."""
    held: list[Route] = []

    def cut(route: Route) -> None:
        if "last-event-id" in route.request.headers:
            held.append(route)
            return
        response = route.fetch()
        events = re.split(r"(?<=\r\n\r\n)", response.text())
        before = [event for event in events if "event: done" not in event]
        route.fulfill(response=response, body="".join(before))

    page.goto("/")
    ask(page, "8 cylinders")
    expect(page.locator("#rows tbody tr").first).to_be_visible()
    page.route("**/events", cut)
    page.get_by_role("textbox", name="What are you looking for?").fill("japanese cars")
    with page.expect_request(lambda request: "last-event-id" in request.headers):
        page.keyboard.press("Enter")
    expect(page.locator("#sentences")).to_have_text("japanese cars")
    page.get_by_role("combobox", name="Query language").select_option("elasticsearch")
    for part in ("#code", "#rows", "#count", "#lossy"):
        expect(page.locator(part)).to_be_empty()
    expect(page.locator("#curl")).to_contain_text("japanese")
    for route in held:
        route.continue_()
    expect(page.locator("#code")).to_contain_text("Japan")
    expect(page.locator("#count")).to_contain_text(" of ")


def test_a_refinement_after_another_catalog_was_chosen_goes_on_in_that_of_the_answer(page: Page) -> None:
    page.goto("/")
    ask(page, "japanese cars")
    page.get_by_text("Films 1939–2010").click()
    refine(page, "also european")
    expect(page.locator(".chip").first).to_contain_text("Origin")
    expect(page.get_by_role("radio", name="Cars 1970")).to_be_checked()
    assert "catalog=cars&q=japanese" in page.url
    expect(page.locator("#rows tbody tr").first).to_be_visible()


def test_a_catalog_without_a_title_is_called_by_its_name(page: Page, service: Service) -> None:
    """Its field is replaced while the page is open."""
    with Client(service.url, trust_env=False) as client:
        try:
            client.catalogs.put("untitled", {"fields": [{"name": "price", "type": "number"}]})
            page.goto("/")
            page.get_by_text("untitled", exact=True).click()
            expect(page.get_by_role("radio", name="untitled")).to_be_checked()
            client.catalogs.put("untitled", {"fields": [{"name": "cost", "type": "number"}]})
            ask(page, "cost over 20, highest cost first")
            expect(page.locator(".chip b")).to_have_text(["cost", "cost"])
            expect(page.locator("#problem")).to_be_hidden()
        finally:
            client.catalogs.delete("untitled")


def test_a_fault_of_the_page_is_told_without_the_words_of_a_script(browser: Browser, service: Service) -> None:
    with browser.new_page(base_url=service.url) as page:
        page.route("**/result", lambda route: route.fulfill(json={"conditions": None}))
        page.route("**/events", lambda route: route.abort())
        page.goto("/")
        page.get_by_role("textbox").fill("8 cylinders")
        page.keyboard.press("Enter")
        expect(page.locator("#problem")).to_contain_text("This page has made a mistake. Reload it, and ask again.")


def test_where_nobody_transcribes_there_is_no_microphone(page: Page) -> None:
    with page.expect_response("**/readyz"):
        page.goto("/")
    expect(page.locator("#examples button").first).to_be_visible()
    expect(page.locator(".microphone")).to_have_count(2)
    for button in page.locator(".microphone").all():
        expect(button).to_be_hidden()


def test_a_service_that_is_away_is_told(page: Page) -> None:
    def unavailable(route: Route) -> None:
        route.fulfill(
            status=503, content_type="application/problem+json", body='{"title": "Overloaded", "status": 503}'
        )

    page.goto("/")
    page.route("**/v1/jobs", unavailable)
    page.get_by_role("textbox").fill("8 cylinders")
    page.keyboard.press("Enter")
    expect(page.locator("#problem")).to_contain_text("The service is not available. Try again in a moment.")


def test_chips_are_changed_negated_and_removed_without_a_job(page: Page) -> None:
    page.goto("/")
    ask(page, "japanese cars with 4 cylinders")
    expect(page.locator("#rows tbody tr").first).to_be_visible()
    submissions: list[str] = []
    page.on("request", lambda request: submissions.append(request.url) if request.url.endswith("/v1/jobs") else None)
    cars = demo.rows("cars")
    page.get_by_role("button", name="Not: Origin is Japan").click()
    count = len([row for row in cars if row["Origin"] != "Japan" and row["Cylinders"] == 4])
    expect(page.locator("#count")).to_contain_text(f"{count} of {len(cars)}")
    expect(page.locator("#code")).to_contain_text('"Origin" <> :p_1')
    page.locator(".chip .body", has_text="Cylinders").click()
    page.get_by_label("Comparison").select_option(">=")
    page.get_by_label("Value").fill("6")
    page.keyboard.press("Enter")
    count = len([row for row in cars if row["Origin"] != "Japan" and row["Cylinders"] >= 6])  # type: ignore[operator]
    expect(page.locator("#count")).to_contain_text(f"{count} of")
    page.reload()
    expect(page.locator("#count")).to_contain_text(f"{count} of")
    page.get_by_role("button", name="Remove Origin").click()
    expect(page.locator("#count")).to_contain_text(f"{len([row for row in cars if row['Cylinders'] >= 6])} of")  # type: ignore[operator]
    page.get_by_role("button", name="Undo my changes").click()
    expect(page.locator(".chip .body")).to_have_count(2)
    expect(page.locator("#explanation")).to_contain_text("Origin is Japan")
    assert submissions == []


def test_words_that_fit_no_field_are_not_said_to_have_matched(page: Page) -> None:
    page.goto("/")
    ask(page, "pink cars with a sunroof")
    expect(page.locator("mark.words")).to_have_text(["pink", "sunroof"])
    expect(page.locator("#rows-title-text")).to_have_text("All rows")
    expect(page.locator("#not-applied")).to_contain_text("Not narrowed by “pink sunroof”")
    expect(page.locator("#unused")).to_contain_text("It is not in the query.")
    page.get_by_role("button", name="Look for it in Name").click()
    expect(page.locator("#rows")).to_contain_text("No row of the demo data matches.")


def test_a_question_is_answered_by_a_button(page: Page) -> None:
    page.goto("/?catalog=movies")
    ask(page, "gritty films under $50 million")
    choice = page.locator(".question button").first
    name = choice.text_content()
    choice.click()
    expect(page.locator("#sentences p").last).to_have_text(name or "")
    expect(page.locator("#rows tbody tr").first).to_be_visible()


def test_a_reload_and_a_second_tab_join_the_job(page: Page, browser: Browser, service: Service) -> None:
    page.goto("/")
    ask(page, "8 cylinders")
    expect(page.locator("#rows tbody tr").first).to_be_visible()
    with tests.browser.page_of(browser, service.url) as other:
        submissions: list[str] = []
        for tab in (page, other):
            tab.on("request", lambda request: submissions.append(request.url) if request.method == "POST" else None)
            tab.goto(page.url)
            expect(tab.locator("#rows tbody tr").first).to_be_visible()
    assert [url for url in submissions if url.endswith("/v1/jobs")] == []


def test_work_is_visible_at_once_and_can_be_canceled_and_tried_again(page: Page) -> None:
    page.goto("/")
    expect(page.locator("#examples button").first).to_be_visible()
    page.route("**/v1/jobs", lambda route: None)
    page.get_by_role("textbox").fill("8 cylinders")
    page.keyboard.press("Enter")
    expect(page.locator("#sentences")).to_have_text("8 cylinders")
    expect(page.locator("#progress")).to_have_text("Reading the sentence …")
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("#problem")).to_contain_text("Canceled.")
    page.unroute("**/v1/jobs")
    page.get_by_role("button", name="Try again").click()
    expect(page.locator("#rows tbody tr").first).to_be_visible()


def test_earlier_questions_are_listed_until_they_are_cleared(page: Page) -> None:
    page.goto("/")
    ask(page, "8 cylinders")
    page.get_by_text("Earlier questions").click()
    expect(page.locator("#questions a")).to_have_text("8 cylinders")
    page.get_by_role("button", name="Clear").click()
    expect(page.locator("#history")).to_be_hidden()


def test_the_page_is_accessible_and_small(page: Page) -> None:
    page.emulate_media(reduced_motion="reduce")
    page.goto("/")
    ask(page, "3 lightest european cars with a sunroof, 1980 or later")
    expect(page.locator("#rows tbody tr").first).to_be_visible()
    sizes = page.evaluate("performance.getEntriesByType('resource').map(({ encodedBodySize }) => encodedBodySize)")
    assert sum(sizes) < 150_000
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 900})
        for theme in ("light", "dark"):
            page.get_by_label("Theme").select_option(theme)
            assert tests.browser.barriers(page) == []
            if os.environ.get("UPDATE_SCREENSHOT"):
                page.screenshot(path=Path(ROOT, f"docs/page-{theme}-{width}.png"))
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
