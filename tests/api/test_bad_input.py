"""Bad input: a clear error that says what to do, never a 5xx, and nothing written."""

import json
import re
from contextlib import closing
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import httpx
import orjson
import pytest

from tests.service import Service

GOOD = {"catalog": "cars", "text": "8 cylinders"}


def nested(depth: int) -> str:
    return "[" * depth + "]" * depth


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/catalog"),
        ({**GOOD, "text": ""}, "/text"),
        ({**GOOD, "text": "x" * 4001}, "/text"),
        ({**GOOD, "text": 5}, "/text"),
        ({**GOOD, "text": "a\0b"}, "/text"),
        ({**GOOD, "dialects": ["cobol"]}, "/dialects/0"),
        ({**GOOD, "strategy": "magic"}, "/strategy"),
        ({**GOOD, "timezone": "Mars/Olympus"}, "/timezone"),
        ({**GOOD, "timezone": "../../etc/passwd"}, "/timezone"),
        ({**GOOD, "now": "soon"}, "/now"),
        ({**GOOD, "now": "0001-01-01T00:00:00+14:00"}, "/now"),
        ({**GOOD, "now": "0999-12-31"}, "/now"),
        ({**GOOD, "now": "9000-01-01"}, "/now"),
        ({**GOOD, "now": "9999-12-31T23:59:59"}, "/now"),
        ({**GOOD, "deadline_seconds": 0}, "/deadline_seconds"),
        ({**GOOD, "metadata": {"a": 1}}, "/metadata/a"),
        ({**GOOD, "surprise": 1}, "/surprise"),
        ({**GOOD, "catalog": {"name": "x", "fields": []}}, "/catalog/fields"),
        ({**GOOD, "catalog": {"name": "x", "fields": [{"name": "a", "type": "wish"}]}}, "/catalog/fields/0/type"),
        ({**GOOD, "scope": {"op": "=", "args": [{"property": "Colour"}, "red"]}}, "/scope"),
        ({**GOOD, "scope": {"op": "explode", "args": []}}, "/scope"),
        ({**GOOD, "webhook": {"url": "https://example.com/hook"}}, "/webhook"),
        ([], ""),
        ("text", ""),
        (None, ""),
    ],
)
def test_every_fault_is_named_with_its_place(client: httpx.Client, body: Any, pointer: str) -> None:
    response = client.post("/v1/jobs", content=json.dumps(body), headers={"content-type": "application/json"})
    assert response.status_code == 422, response.text
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert problem["status"] == 422
    assert any(error["pointer"].startswith(pointer) and error["detail"] for error in problem["errors"]), problem


def test_all_faults_at_once(client: httpx.Client) -> None:
    problem = client.post("/v1/jobs", json={"text": "", "strategy": "magic", "surprise": 1}).json()
    assert {error["pointer"] for error in problem["errors"]} == {"/catalog", "/text", "/strategy", "/surprise"}


@pytest.mark.parametrize(
    ("content", "type_"),
    [
        (b"", "malformed-json"),
        (b"{", "malformed-json"),
        (b'{"text": NaN}', "malformed-json"),
        (b'{"text": 1e999}', "malformed-json"),
        (b'{"text": "\xff"}', "malformed-json"),
        (b'{"text": "\\ud800"}', "malformed-json"),
        (nested(33).encode(), "malformed-json"),
        (nested(100_000).encode(), "malformed-json"),
        (b'{"n": ' + b"9" * 5000 + b"}", "malformed-json"),
        (b'"' + b"x" * (1 << 20) + b'"', "payload-too-large"),
    ],
)
def test_what_is_no_json_of_ours(client: httpx.Client, content: bytes, type_: str) -> None:
    response = client.post("/v1/jobs", content=content, headers={"Content-Type": "application/json"})
    assert 400 <= response.status_code < 500
    assert response.json()["type"] == f"/problems/{type_}"


def test_a_body_of_another_media_type(client: httpx.Client) -> None:
    response = client.post("/v1/jobs", content=orjson.dumps(GOOD), headers={"Content-Type": "text/plain"})
    assert (response.status_code, response.json()["type"]) == (415, "/problems/unsupported-media-type")


@pytest.mark.parametrize(
    ("path", "media_type", "begin", "limit"),
    [
        ("/v1/jobs", "application/json", b"", 1 << 20),
        ("/v1/catalogs/infer", "text/csv", b"", 32 << 20),
        ("/send", "multipart/form-data; boundary=x", b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"'
        b"\r\n\r\n", 27 << 20),
    ],
)  # fmt: skip
def test_a_body_without_an_end_is_counted_while_it_comes(
    service: Service, path: str, media_type: str, begin: bytes, limit: int
) -> None:
    address = urlsplit(service.url)
    assert address.hostname
    with closing(HTTPConnection(address.hostname, address.port, timeout=30)) as connection:
        connection.putrequest("POST", path)
        connection.putheader("Content-Type", media_type)
        connection.putheader("Transfer-Encoding", "chunked")
        connection.endheaders()
        for chunk in (begin, *[b" " * 65_536] * (limit // 65_536 + 1)):
            if chunk:
                connection.send(b"%x\r\n%b\r\n" % (len(chunk), chunk))
        response = connection.getresponse()  # there is no last chunk: the answer cannot wait for it
        assert (response.status, json.load(response)["type"]) == (413, "/problems/payload-too-large")


def test_a_form_with_a_long_field_that_is_no_file(client: httpx.Client) -> None:
    assert client.post("/send", files={"file": (None, b" " * (1 << 20) + b" ")}).status_code == 404


@pytest.mark.parametrize("part", ["", "/result", "/report", "/events", "/deliveries"])
@pytest.mark.parametrize("job_id", ["job_0", "x" * 300, "%00", "..", "job:*"])
def test_a_job_that_is_not_there(client: httpx.Client, part: str, job_id: str) -> None:
    response = client.get(f"/v1/jobs/{job_id}{part}")
    assert response.status_code == 404
    assert response.headers["content-type"] == "application/problem+json"


def test_an_unknown_catalog_names_the_known_ones(client: httpx.Client) -> None:
    response = client.post("/v1/jobs", json={**GOOD, "catalog": "boats"})
    assert (response.status_code, response.json()["type"]) == (404, "/problems/catalog-not-found")
    assert "cars" in response.json()["detail"]


def test_other_addresses_and_methods(client: httpx.Client) -> None:
    assert client.get("/v2/jobs").json()["type"] == "/problems/not-found"
    response = client.delete("/v1/catalogs")
    assert (response.status_code, response.json()["type"]) == (405, "/problems/method-not-allowed")
    assert "GET" in response.headers["allow"]


def test_the_result_of_a_job_that_still_waits(client: httpx.Client) -> None:
    """A job can be read at once, its result cannot; which of the two a fast worker leaves us with varies."""
    job = client.post("/v1/jobs", json=GOOD).json()
    response = client.get(f"/v1/jobs/{job['id']}/result")
    assert response.status_code in (200, 409)
    if response.status_code == 409:
        assert response.json()["type"] == "/problems/job-not-finished"


@pytest.mark.parametrize("path", ["/", "/docs", "/v1/catalogs", "/v1/jobs/none", "/static/page.js", "/v1/nowhere"])
def test_every_answer_has_security_headers(client: httpx.Client, path: str) -> None:
    headers = client.get(path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"
    policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
    page = dict.fromkeys(("script-src", "style-src", "connect-src", "img-src"), "'self'")
    if path == "/docs":
        page["img-src"] = "'self' data:"  # Swagger UI's icons
    nothing = {"default-src": "'none'", "frame-ancestors": "'none'"}
    more = {**page, "base-uri": "'none'", "form-action": "'none'"} if path in ("/", "/docs") else {}
    assert policy == {**nothing, **more}
    assert headers.get("permissions-policy", "").startswith("microphone=(self), ") == (path in ("/", "/docs"))
    assert ("no-store" in headers.get("cache-control", "")) == (not path.startswith("/static/"))
    assert "strict-transport-security" not in headers  # over plain http it would mean nothing
    assert "access-control-allow-origin" not in client.get(path, headers={"Origin": "https://attacker.example"}).headers


@pytest.mark.parametrize(
    ("callback", "reason"),
    [
        ("http://receiver.example/results", "must begin with https://"),
        ("https://127.0.0.1/results", "public"),
        ("https://localhost/results", "public"),
        ("https://10.0.0.7/results", "public"),
        ("https://receiver.example:9000/results", "port"),
    ],
)
def test_callbacks_that_the_default_settings_refuse(client: httpx.Client, callback: str, reason: str) -> None:
    response = client.post("/send", files={"file": ("texts.txt", b"8 cylinders")}, data={"callback": callback})
    assert response.status_code == 404
    assert reason in response.json()["error"]


def test_over_https_browsers_are_told_to_stay_there(client: httpx.Client) -> None:
    """As a proxy on the same machine says it."""
    headers = client.get("/healthz", headers={"X-Forwarded-Proto": "https"}).headers
    assert headers["strict-transport-security"] == "max-age=31536000"


def test_a_stream_is_neither_stored_nor_held_back(client: httpx.Client) -> None:
    job = client.post("/v1/jobs", json=GOOD).json()
    headers = client.get(job["urls"]["events"]).headers
    assert headers["content-type"].startswith("text/event-stream")
    assert (headers["x-accel-buffering"], headers["cache-control"]) == ("no", "no-store")
    assert headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("path", "location"),
    [("/v1/jobs/?page_size=1", "/v1/jobs?page_size=1"), ("/static", "/static/"), ("/problems/a%2F%2Fb/", None)],
)
def test_a_slash_too_many_leads_nowhere_else(client: httpx.Client, path: str, location: str | None) -> None:
    response = client.get(path, headers={"Host": "attacker.example"})
    assert response.headers.get("location") == location
    assert response.status_code == (307 if location else 404)


@pytest.mark.parametrize("path", ["/", "/docs", "/static/page.js"])
def test_a_page_that_has_not_changed_is_not_sent_again(client: httpx.Client, path: str) -> None:
    for encoding in ("identity", "gzip"):
        headers = {"Accept-Encoding": encoding}
        with client.stream("GET", path, headers=headers) as first:
            assert int(first.headers["content-length"]) == len(b"".join(first.iter_raw())) > 0
            assert first.headers.get("content-encoding", "identity") == encoding
        assert client.get(path, headers={**headers, "If-None-Match": first.headers["etag"]}).status_code == 304
        assert client.head(path, headers=headers).headers["content-length"] == first.headers["content-length"]


def test_files_under_the_address_of_their_version_are_cached_for_good(client: httpx.Client) -> None:
    (script,) = re.findall(r'src="(/static/v-\w+/page\.js)"', client.get("/").text)
    assert "immutable" in client.get(script).headers["cache-control"]
    assert client.get("/static/page.js").headers["cache-control"] == "no-cache"
    of_another_version = re.sub(r"v-\w+", "v-000000000000", script)
    assert client.get(of_another_version).headers["cache-control"] == "no-cache"
    assert client.get(of_another_version).text == client.get(script).text


@pytest.mark.parametrize("path", ["/", "/data", "/analyses", "/operator", "/docs", "/problems/forbidden"])
def test_all_pages_share_their_head(client: httpx.Client, path: str) -> None:
    """The theme that was chosen on one holds on all."""
    page = client.get(path).text
    assert re.search(r'<head>\s+<meta charset="utf-8">', page)
    assert re.search(r'src="/static/v-\w+/theme\.js"', page)
    assert page.count("<h1>NLP2Filters</h1>") == 1
    assert "include" not in page.partition("<main")[0]
