"""The three forms of a request to analyse code: which are accepted, and how faults in the others are told."""

import io
import json
import time
from typing import Any

import httpx
import pytest

from tests.analysis.packing import tar

URL = "/v1/analyses"
FILES = {"a.py": "x = 1\n", "b/größe.py": "y = 2\n"}
ARCHIVE = tar({path: text.encode() for path, text in FILES.items()}).getvalue()
OPTIONS: dict[str, Any] = {
    "question": "Where is x?",
    "tasks": ["map", "search"],
    "include": ["*.py", "b/"],
    "exclude": ["c/"],
    "gitignore": False,
    "strategy": "builtin",
    "budget": {"chunks": 10},
    "metadata": {"a": "b"},
    "deadline_seconds": 600,
}


def as_texts(options: dict[str, Any]) -> dict[str, Any]:
    """Options as a query or a form has them: lists are repeated, and what is no string is JSON."""
    return {name: value if isinstance(value, str | list) else json.dumps(value) for name, value in options.items()}


def send(client: httpx.Client, form: str, options: dict[str, Any], **more: Any) -> httpx.Response:
    """Send the same files and options in one of the forms."""
    match form:
        case "raw":
            query = as_texts(options)
            return client.post(URL, content=ARCHIVE, params=query, headers={"Content-Type": "application/gzip"} | more)
        case "form":
            upload = {"archive": ("code.tgz", ARCHIVE, "application/gzip")}
            return client.post(URL, files=upload, data=as_texts(options), headers=more)
        case "list":
            listed = [{"path": path, "content": content} for path, content in FILES.items()]
            return client.post(URL, json={"files": listed, **options}, headers=more)
    return client.post(URL, json={"files": FILES, **options}, headers=more)


@pytest.mark.parametrize("form", ["raw", "form", "files", "list"])
def test_every_form_takes_every_option(idle: httpx.Client, form: str) -> None:
    response = send(idle, form, OPTIONS)
    assert response.status_code == 202, response.text
    job = response.json()
    assert (job["kind"], job["metadata"]) == ("analysis", {"a": "b"})


@pytest.mark.parametrize("form", ["raw", "form", "files", "list"])
def test_every_form_can_be_repeated_by_its_key(idle: httpx.Client, form: str) -> None:
    key = {"Idempotency-Key": f"{form} {time.time_ns()}"}
    first, again = (send(idle, form, OPTIONS, **key) for _ in range(2))
    assert first.json()["id"] == again.json()["id"]
    assert again.headers["Idempotency-Replayed"] == "true"
    assert send(idle, form, {**OPTIONS, "budget": {"chunks": 9}}, **key).status_code == 422


@pytest.mark.parametrize("form", ["raw", "form", "files"])
@pytest.mark.parametrize(
    ("options", "pointer"),
    [
        ({"surprise": "x"}, "/surprise"),
        ({"question": ""}, "/question"),
        ({"tasks": ["everything"]}, "/tasks/0"),
        ({"include": ["*.py", ""]}, "/include/1"),
        ({"gitignore": 1}, "/gitignore"),
        ({"strategy": "magic"}, "/strategy"),
        ({"strategy": "llm"}, "/strategy"),
        ({"budget": {"chunks": -1}}, "/budget/chunks"),
        ({"budget": {"tokens": "many"}}, "/budget/tokens"),
        ({"budget": {"calls": 1}}, "/budget/calls"),
        ({"metadata": {"a": 1}}, "/metadata/a"),
        ({"deadline_seconds": 0}, "/deadline_seconds"),
    ],
)
def test_every_fault_of_an_option_has_its_place(
    idle: httpx.Client, form: str, options: dict[str, Any], pointer: str
) -> None:
    response = send(idle, form, options)
    assert response.status_code == 422, response.text
    expected = f"/query{pointer}" if form == "raw" else pointer
    assert [error["pointer"] for error in response.json()["errors"]] == [expected]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/files"),
        ({"files": {}}, "/files"),
        ({"files": []}, "/files"),
        ({"files": "a.py"}, "/files"),
        ({"files": {"a/b.py": 5}}, "/files/a~1b.py"),
        ({"files": [{"path": "a.py"}]}, "/files/0/content"),
        ({"files": [{"path": "a\0.py", "content": ""}]}, "/files/0/path"),
        ({"files": [{"path": "a.py", "content": "", "mode": 1}]}, "/files/0/mode"),
        ({"files": [{"path": "a" * 501, "content": ""}]}, "/files/0/path"),
        ({"files": [{"path": f"{number}.py", "content": ""} for number in range(20_001)]}, "/files"),
        ([], ""),
    ],
)
def test_every_fault_of_the_files_has_its_place(idle: httpx.Client, body: Any, pointer: str) -> None:
    response = idle.post(URL, json=body)
    assert response.status_code == 422, response.text
    assert response.json()["errors"][0]["pointer"] == pointer


def test_a_body_that_cannot_be_read_is_told(idle: httpx.Client) -> None:
    json_type, form_type = {"Content-Type": "application/json"}, {"Content-Type": "multipart/form-data"}
    assert idle.post(URL, content=b"{", headers=json_type).status_code == 400
    assert idle.post(URL, content=b"x", headers=form_type).json()["errors"][0]["detail"].startswith("The form is")
    assert idle.post(URL, data={"archive": "text"}, files={"other": b"x"}).json()["errors"][0]["pointer"] == "/archive"
    assert idle.post(URL, json={"files": FILES}, params={"question": "x"}).json()["errors"][0]["pointer"] == (
        "/query/question"
    )
    assert idle.post(URL, content=b"x", headers={"Content-Type": "text/html"}).status_code == 415


@pytest.mark.parametrize("form", ["raw", "form", "files"])
@pytest.mark.parametrize("is_declared", [True, False])
def test_what_is_too_large_is_refused(idle: httpx.Client, form: str, is_declared: bool) -> None:
    content = bytes(32 << 20) + b"x"
    request = {
        "raw": lambda: httpx.Request("POST", "http://x", content=content, headers={"Content-Type": "application/zip"}),
        "form": lambda: httpx.Request("POST", "http://x", files={"archive": content + bytes(1 << 20)}),
        "files": lambda: httpx.Request(
            "POST", "http://x", content=content, headers={"Content-Type": "application/json"}
        ),
    }[form]()
    stream = io.BytesIO(request.read())
    body = stream.getvalue() if is_declared else iter(lambda: stream.read(1 << 20), b"")
    response = idle.post(URL, content=body, headers={"Content-Type": request.headers["Content-Type"]})
    assert response.status_code == 413


def test_the_forms_are_described(idle: httpx.Client) -> None:
    document = idle.get("/openapi.json").json()
    content = document["paths"][URL]["post"]["requestBody"]["content"]
    models = document["components"]["schemas"]
    form = models["AnalysisForm"]["properties"]
    assert content["multipart/form-data"]["schema"] == {"$ref": "#/components/schemas/AnalysisForm"}
    assert form["archive"]["format"] == "binary"
    for name in ("FilesByPath", "ListedFiles"):
        assert {"$ref": f"#/components/schemas/{name}"} in content["application/json"]["schema"]["anyOf"]
        assert set(models[name]["properties"]) - {"files"} == set(form) - {"archive"}
        assert models[name]["examples"]
        for example in models[name]["examples"]:
            assert idle.post(URL, json=example).status_code == 202
