"""People speak to the page in a real browser, and both clients send recordings, to a service that transcribes."""

import base64
import json
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, Page, Route, expect

import tests.browser
from nlp2filters import demo
from nlp2filters.client import Client
from tests.service import Service, started

pytestmark = tests.browser.needed

TRANSCRIBE = """async ([content, words]) => {
  const { Client } = await import("/static/client.js");
  const sound = new Blob([Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0))]);
  const client = new Client();
  const transcripts = [];
  for await (const event of client.follow(await client.transcribe(sound, { words, language: "en" }))) {
    if (event.transcript) transcripts.push(event.transcript.text);
    if (event.name === "done") return { ...event.result, transcripts };
  }
}"""


@pytest.fixture(scope="module")
def question(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is said into the browser's microphone."""
    if not (espeak := shutil.which("espeak-ng")):
        pytest.skip("there is no espeak-ng here: on Debian, apt install espeak-ng")
    file = tmp_path_factory.mktemp("question") / "question.wav"
    subprocess.run(
        [espeak, "-v", "en-us", "-s", "130", "-w", str(file), "Japanese cars with four cylinders"], check=True
    )
    return file


def workers(service: Service) -> dict[str, int]:
    """The number of workers of each queue."""
    numbers: dict[str, int] = service.client.get("/readyz").json()["workers"]
    return numbers


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    processes = ("web", "embedding", "llm", "audio")
    with started(tmp_path_factory.mktemp("microphone"), *processes) as service:
        while not all(workers(service)[name] for name in processes[1:]):
            time.sleep(0.05)
        yield service


@pytest.fixture(scope="module")
def browser(question: Path) -> Iterator[Browser]:
    """A browser whose microphone hears the question, once."""
    with tests.browser.running(
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-audio-capture={question}%noloop",
    ) as browser:
        yield browser


@pytest.fixture
def page(browser: Browser, service: Service) -> Iterator[Page]:
    with tests.browser.page_of(browser, service.url) as page:
        page.goto("/")
        yield page


def record(page: Page) -> None:
    """Start to record by keyboard, and wait until the recording runs."""
    page.get_by_role("button", name="Ask aloud").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("Recording.")
    expect(page.get_by_role("button", name="Stop recording")).to_be_focused()


def refuse_uploads(page: Page) -> list[bytes]:
    """Let the service refuse recordings in a word of its own; returns what comes."""
    uploads: list[bytes] = []

    def refuse(route: Route) -> None:
        uploads.append(route.request.post_data_buffer or b"")
        problem = {"type": "/problems/too-many-bytes", "title": "Too large", "detail": "Too much", "status": 413}
        route.fulfill(status=413, content_type="application/problem+json", body=json.dumps(problem))

    page.route("**/v1/transcriptions", refuse)
    return uploads


def test_a_spoken_question_is_answered_as_a_typed_one(page: Page, service: Service) -> None:
    record(page)
    expect(page.locator("#progress")).to_contain_text(re.compile(r"Recording ([4-9]|\d\d) of 30 s"))
    level = page.locator(".microphone.recording").evaluate("button => button.style.getPropertyValue('--level')")
    assert 0 <= float(level) <= 1
    page.keyboard.press("Enter")
    expect(page.locator("#sentences p")).to_contain_text("Japanese")
    expect(page.locator("#answer:not([aria-busy])")).to_be_visible()
    transcript = page.get_by_role("textbox", name="What are you looking for?").input_value()
    typed = service.result(service.submit(transcript))
    expect(page.locator("#explanation")).to_have_text(typed["explanation"])
    expect(page.locator(".chip").first).to_contain_text("is Japan")
    expect(page.locator("#sentences")).to_have_text(transcript)
    expect(page.locator("#stages li").first).to_contain_text("Transcribe")
    expect(page.locator("#code")).to_contain_text('"Origin"')
    expect(page.locator("#count")).to_contain_text(f" of {len(demo.rows('cars'))}")
    expect(page.locator("#curl")).to_contain_text("-F 'then={")
    address = parse_qs(urlsplit(page.url).query)
    assert (address["catalog"], address["q"]) == (["cars"], [transcript])
    page.get_by_role("textbox", name="What should be different?").fill("also european")
    page.keyboard.press("Enter")
    expect(page.locator("#sentences p")).to_have_text([transcript, "also european"])
    expect(page.locator("#filter")).to_contain_text("is Europe")
    uploads = refuse_uploads(page)
    expect(page.get_by_role("textbox", name="What should be different?")).to_be_visible()
    page.get_by_role("button", name="Ask aloud").last.click()
    expect(page.get_by_role("status")).to_contain_text("Recording.")
    page.get_by_role("button", name="Stop recording").click()
    expect(page.get_by_role("alert")).to_contain_text("Too much")
    assert re.search(rb'name="then"\r\n\r\n\{"refines":"job_', uploads[0])
    expect(page.locator("#sentences p")).to_have_count(2)


def test_escape_discards_a_recording(page: Page) -> None:
    uploads = refuse_uploads(page)
    record(page)
    page.keyboard.press("Escape")
    expect(page.get_by_role("status")).to_have_text("Not recorded")
    expect(page.get_by_role("button", name="Ask aloud")).to_be_focused()
    expect(page.locator("#progress")).to_be_empty()
    expect(page.get_by_role("alert")).to_have_count(0)
    assert uploads == []


def test_a_typed_question_discards_a_recording(page: Page) -> None:
    uploads = refuse_uploads(page)
    record(page)
    page.get_by_role("textbox").fill("8 cylinders")
    page.keyboard.press("Enter")
    expect(page.locator(".chip b")).to_have_text(["Cylinders"])
    expect(page.get_by_role("button", name="Stop recording")).to_have_count(0)
    expect(page.locator("#count")).to_contain_text(" of ")
    assert uploads == []


def test_a_recording_ends_after_half_a_minute_and_is_asked(browser: Browser, service: Service) -> None:
    with tests.browser.page_of(browser, service.url) as page:
        page.clock.install()
        page.goto("/")
        uploads = refuse_uploads(page)
        record(page)
        page.clock.fast_forward(31_000)
        expect(page.get_by_role("alert")).to_contain_text("Too much")
        assert len(uploads) == 1
        assert b"webm" in uploads[0]


def test_a_microphone_that_hears_nothing_is_told(page: Page) -> None:
    """The question is over after some seconds."""
    record(page)
    expect(page.get_by_role("status")).to_contain_text("Is the right microphone chosen")
    page.keyboard.press("Escape")
    expect(page.get_by_role("status")).to_have_text("Not recorded")


def test_a_microphone_that_cannot_be_used_is_told_with_a_remedy(page: Page) -> None:
    fails = "navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('', '{}'))"
    remedies = {
        fails.format("NotAllowedError"): "Allow it in the browser's settings for this site",
        fails.format("NotFoundError"): "Connect one",
        fails.format("NotReadableError"): "Close other programs that use it",
        fails.format("SomethingNewError"): "Press the button to record again",
        # A page that is not secure finds no devices.
        "Object.defineProperty(navigator, 'mediaDevices', {value: undefined})": "only on pages over https",
    }
    button = page.get_by_role("button", name="Ask aloud")
    for script, remedy in remedies.items():
        page.evaluate(f"() => {{ {script} }}")
        button.click()
        expect(page.get_by_role("alert")).to_contain_text(remedy)
        expect(button).to_be_visible()


def test_permission_is_asked_for_on_the_click_and_may_be_denied(browser: Browser, service: Service) -> None:
    """In a browser in which nobody grants it."""
    flags = [*tests.browser.FLAGS, "--use-fake-device-for-media-stream"]
    denying = browser.browser_type.launch(executable_path=tests.browser.CHROMIUM, args=flags)
    with denying, tests.browser.page_of(denying, service.url) as page:
        page.add_init_script("""
            const getUserMedia = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
            window.calls = 0;
            navigator.mediaDevices.getUserMedia = (options) => { window.calls += 1; return getUserMedia(options); };
        """)
        page.goto("/")
        button = page.get_by_role("button", name="Ask aloud")
        expect(button).to_be_visible()
        assert page.evaluate("window.calls") == 0
        button.click()
        expect(page.get_by_role("alert")).to_contain_text("Allow it in the browser's settings")
        assert page.evaluate("window.calls") == 1


def test_both_clients_transcribe(page: Page, service: Service, question: Path) -> None:
    content = base64.b64encode(question.read_bytes()).decode()
    result = page.evaluate(TRANSCRIBE, [content, ["Datsun"]])
    with Client(service.url, trust_env=False) as client:
        transcription = client.transcribe(question, words=["Datsun"], language="en")
        spoken = client.ask_aloud(question, "cars")
    assert "Japanese" in transcription.text
    assert re.match(r"1\n00:00:0\d,\d{3} --> 00:00:0\d,\d{3}\n", transcription.srt)
    assert "Japan" in json.dumps(spoken.filter)
    assert (result["text"], result["srt"]) == (transcription.text, transcription.srt)
    assert result["transcripts"] == [transcription.text]
