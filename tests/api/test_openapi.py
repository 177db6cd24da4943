"""The description of the API is true: of its addresses, of what they take, and of what they answer."""

import re
import uuid
from pathlib import Path

import httpx
import jsonschema_rs
import pytest

from nlp2filters.api.openapi import HEADERS, document
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


def test_every_tag_is_described() -> None:
    described = document(OPERATIONS)
    tags = {tag for item in described["paths"].values() for operation in item.values() for tag in operation["tags"]}
    assert tags == {tag["name"] for tag in described["tags"]}


def test_every_array_says_what_its_items_are() -> None:
    """Linters ask for it, and generators of clients, which know no `prefixItems`."""
    places = [document(OPERATIONS)]
    while places:
        place = places.pop()
        if isinstance(place, dict):
            assert place.get("type") != "array" or "items" in place, place
            places += place.values()
        elif isinstance(place, list):
            places += place


def test_a_retried_job_may_have_the_result_of_any_kind(client: httpx.Client) -> None:
    document = client.get("/openapi.json").json()
    answer = document["paths"]["/v1/jobs/{job_id}/retry"]["post"]["responses"]["200"]["content"]["application/json"]
    names = {option["$ref"].rpartition("/")[2] for option in answer["schema"]["anyOf"]}
    assert names >= {"FinishedJob", "FinishedInferenceJob"}
    result = document["components"]["schemas"]["FinishedInferenceJob"]["properties"]["result"]
    assert {"$ref": "#/components/schemas/Inference"} in result["anyOf"]


def test_every_operation_is_in_the_docs() -> None:
    text = (DOCS / "api.md").read_text()
    told = {re.sub(r"{\w+}", "{}", path) for path in re.findall(r"(/[\w/{}.-]+)", text)}
    for operation in OPERATIONS:
        assert re.sub(r"{\w+}", "{}", operation.path) in told, operation.path


def test_the_headers_that_are_sent_are_described(idle: httpx.Client) -> None:
    paths = idle.get("/openapi.json").json()["paths"]
    body = {"catalog": "cars", "text": "8 cylinders"}
    named = {"Idempotency-Key": str(uuid.uuid4()), "Prefer": "return=minimal"}
    idle.post("/v1/jobs", json=body, headers=named)
    job = idle.post("/v1/jobs", json=body).json()
    etag = {"If-None-Match": idle.get(job["urls"]["self"]).headers["etag"]}
    catalog = {"fields": [{"name": "price", "type": "number"}]}
    answers = [
        ("/v1/jobs", idle.post("/v1/jobs", json=body, headers=named)),
        ("/v1/batches", idle.post("/v1/batches", json={"requests": [{"custom_id": "a", **body}]})),
        ("/v1/jobs/{job_id}", idle.get(job["urls"]["self"])),
        ("/v1/jobs/{job_id}", idle.get(job["urls"]["self"], headers=etag)),
        ("/v1/jobs/{job_id}/result", idle.get(job["urls"]["result"])),
        ("/v1/catalogs/{name}", idle.put("/v1/catalogs/described", json=catalog)),
        ("/v1/catalogs/{name}", idle.get("/v1/catalogs/described")),
    ]
    told = set()
    for path, answer in answers:
        described = paths[path][answer.request.method.lower()]["responses"][str(answer.status_code)].get("headers", {})
        sent = {name for name in HEADERS if name in answer.headers}
        assert sent <= set(described), (path, answer.status_code)
        told |= sent
    assert told >= {"ETag", "Idempotency-Replayed", "Location", "Preference-Applied", "Retry-After"}


@pytest.mark.parametrize(
    ("model", "body", "is_valid"),
    [
        ("Submission", {"text": "red"}, False),
        ("Submission", {"text": "red", "catalog": "cars"}, True),
        ("Submission", {"text": "red", "refines": "job_1"}, True),
        ("Submission", {"text": "red", "catalog": "cars", "refines": "job_1"}, True),
        ("AnswerRequest", {}, False),
        ("AnswerRequest", {"choice": 0}, True),
        ("AnswerRequest", {"text": "red"}, True),
        ("AnswerRequest", {"choice": 0, "text": "red"}, False),
    ],
)
def test_members_that_depend_on_each_other(model: str, body: dict[str, object], is_valid: bool) -> None:
    described = document(OPERATIONS)
    schema = {"$ref": f"#/components/schemas/{model}", "components": described["components"]}
    assert jsonschema_rs.validator_for(schema).is_valid(body) == is_valid
