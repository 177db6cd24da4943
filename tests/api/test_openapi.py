"""The description of the API is true: of its addresses, of what they take, and of what they answer."""

import re
from pathlib import Path

import httpx

from nlp2filters.app import OPERATIONS

DOCS = Path(__file__).parent.parent.parent / "docs"


def test_every_operation_is_described(client: httpx.Client) -> None:
    document = client.get("/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    described = {(method.upper(), path) for path, item in document["paths"].items() for method in item}
    assert described == {(operation.method, operation.path) for operation in OPERATIONS}
    assert all(item[method]["summary"] for item in document["paths"].values() for method in item)
    assert set(document["webhooks"]) == {"job", "batch"}


def test_every_reference_leads_somewhere(client: httpx.Client) -> None:
    text = client.get("/openapi.json").text
    known = client.get("/openapi.json").json()["components"]["schemas"]
    assert set(re.findall(r'"#/components/schemas/([^"]+)"', text)) <= set(known)


def test_every_operation_is_in_the_docs() -> None:
    text = (DOCS / "api.md").read_text()
    told = {re.sub(r"{\w+}", "{}", path) for path in re.findall(r"(/[\w/{}.-]+)", text)}
    for operation in OPERATIONS:
        assert re.sub(r"{\w+}", "{}", operation.path) in told, operation.path
