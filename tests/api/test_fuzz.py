"""Whatever is sent, the answer is one that the description allows, and never a 5xx.

FUZZ_EXAMPLES and FUZZ_BODIES say how much is tried: little with the other tests, more with `make fuzz`.
"""

import json
import os
from collections.abc import Iterator
from random import Random
from typing import Any

import httpx
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from nlp2filters.api import openapi
from nlp2filters.app import OPERATIONS
from nlp2filters.core import media_types
from tests.service import Service

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "100"))
BODIES = int(os.environ.get("FUZZ_BODIES", "1000"))
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    response_headers_conformance,
]
BODY = {"catalog": "cars", "text": "8 cylinders"}


ARCHIVES = ("application/gzip", "application/x-tar", "application/zip")


@schemathesis.serializer(*sorted({*media_types.SUFFIXES, *ARCHIVES} - {media_types.JSON}))
def as_it_is(context: Any, value: Any) -> bytes:
    return str(value).encode("utf-8", "surrogatepass")


schema = schemathesis.openapi.from_dict(openapi.document(OPERATIONS))


class Known:
    """Things that are there, so that fuzzing gets past 404. All have ended: nothing follows them for long."""

    def __init__(self, url: str) -> None:
        with httpx.Client(base_url=url, trust_env=False) as client:
            jobs = [client.post("/v1/jobs", json=BODY).json()["id"] for _ in range(20)]
            batch = client.post("/v1/batches", json={"requests": [{"custom_id": "a", **BODY}]}).json()["id"]
            for job in jobs:
                client.post(f"/v1/jobs/{job}/cancel")
            client.post(f"/v1/batches/{batch}/cancel")
        self.ids = {"job_id": jobs, "batch_id": [batch], "name": ["cars"], "slug": ["forbidden"]}


@pytest.fixture(scope="module")
def known(idle_service: Service) -> Known:
    return Known(idle_service.url)


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    """One for all requests: their connections are kept, and closed in the end."""
    with requests.Session() as session:
        session.trust_env = False
        yield session


@schema.parametrize()
@pytest.mark.parametrize("checks", [CHECKS], ids=["all"])  # without a parameter, the operations would share one id
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_operation_keeps_to_its_description(
    case: Any, checks: list[Any], idle_service: Service, known: Known, session: requests.Session
) -> None:
    rng = Random(repr((case.path_parameters, case.query)))
    for name, ids in known.ids.items():
        if name in (case.path_parameters or {}) and case.method != "DELETE" and rng.random() < 0.5:
            case.path_parameters[name] = rng.choice(ids)
    # Their 503 says that there are no workers.
    unready = [not_a_server_error] if case.path in ("/readyz", "/v1/transcriptions") else []
    case.call_and_validate(
        base_url=idle_service.url, session=session, checks=checks, excluded_checks=unready, timeout=30
    )


VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["\ud800", "\0", "cars", "1e999", "\u202e", "a" * 5000]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
NAMES = [
    *("kind", "catalog", "text", "dialects", "strategy", "locale", "timezone", "now", "scope", "webhook", "metadata"),
    *("deadline_seconds", "requests", "custom_id", "fields", "name", "type", "values", "job_id", "batch_id"),
]
NESTED = st.integers(1, 40).map(lambda depth: "[" * depth + "]" * depth)
OBJECTS = st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=6)
LIKELY = OBJECTS.map(lambda odd: {**BODY, **odd})
WRITTEN = (VALUES | OBJECTS | LIKELY).map(lambda value: json.dumps(value).encode())
TWICE = st.tuples(WRITTEN, WRITTEN).map(
    lambda two: b'{"text": ' + two[0] + b', "text": ' + two[1] + b', "catalog": "cars"}'
)
HUGE = st.integers(1, 400).map(
    lambda digits: b'{"catalog": "cars", "text": "x", "deadline_seconds": ' + b"9" * digits + b"}"
)
RAW = WRITTEN | TWICE | HUGE | NESTED.map(str.encode) | st.binary(max_size=200)
CUT = st.tuples(WRITTEN, st.integers(0, 300)).map(lambda pair: pair[0][: pair[1]])
PLACES = [("POST", "/v1/jobs"), ("POST", "/v1/batches"), ("PUT", "/v1/catalogs/mine"), ("POST", "/v1/catalogs/infer"),
          ("POST", "/v1/stream-tokens"), ("POST", "/embedding/echo")]  # fmt: skip


@given(body=RAW | CUT, place=st.sampled_from(PLACES))
@settings(max_examples=BODIES, deadline=None, suppress_health_check=list(HealthCheck))
def test_no_body_breaks_it(body: bytes, place: tuple[str, str], idle: httpx.Client) -> None:
    method, path = place
    response = idle.request(method, path, content=body, headers={"Content-Type": "application/json"})
    assert response.status_code < 500, (path, body)
    if response.status_code >= 400:
        older = path == "/embedding/echo" and response.status_code == 400
        assert response.headers["content-type"] == ("application/json" if older else "application/problem+json")
