"""The client and the table of routes: whatever the service can do, a client can ask for."""

import datetime as dt
import inspect
from collections.abc import Iterator
from typing import Any, TypeAlias

import httpx
import pytest
from starlette.routing import Match

from nlp2filters.api.routes import routes
from nlp2filters.app import OPERATIONS
from nlp2filters.client import Client
from nlp2filters.client.analyses import AsyncAnalyses
from nlp2filters.client.async_client import BaseClient
from nlp2filters.client.batches import AsyncBatches
from nlp2filters.client.catalogs import AsyncCatalogs
from nlp2filters.client.errors import BadRequest, NotFoundError
from nlp2filters.client.jobs import AsyncJobs
from nlp2filters.client.owners import AsyncOwners
from nlp2filters.client.rows import AsyncRows
from nlp2filters.client.sync_client import Analyses, Batches, Catalogs, Jobs, Owners, RowsOfFiles
from nlp2filters.core import schemas
from nlp2filters.core.dialects import DIALECTS
from nlp2filters.core.jobs import create, to_public
from tests.client.conftest import Connect
from tests.service import Service

Asked: TypeAlias = tuple[str, str]

JOB = schemas.Job.model_validate(to_public(create("job_1", "filters", "anonymous", 0, deadline_s=60)))
# The arguments of every method of a client and its parts.
ARGUMENTS: dict[str, dict[str, tuple[Any, ...]]] = {
    "": {
        "ask": ("text", "cars"),
        "transcribe": (b"sound",),
        "ask_aloud": (b"sound", "cars"),
        "compile": ("Cylinders = 8", "cars"),
        "explain": ("Cylinders = 8", "cars"),
        "dialects": (),
        "health": (),
        "readiness": (),
    },
    "jobs": {
        "submit": ("text", "cars"),
        "list": (),
        "any_result": (JOB,),
        **dict.fromkeys(("get", "result", "rows", "wait", "follow", "cancel", "retry", "delete"), ("job_1",)),
        "answer": ("job_1", 0),
        **dict.fromkeys(("deliveries", "redeliver", "stream_token"), ("job_1",)),
    },
    "batches": {
        "submit": ([],),
        **dict.fromkeys(("get", "follow", "results", "wait", "cancel"), ("batch_1",)),
        **dict.fromkeys(("deliveries", "redeliver", "stream_token"), ("batch_1",)),
    },
    "catalogs": {
        "list": (),
        **dict.fromkeys(("get", "delete"), ("shop",)),
        "put": ("shop", {}),
        **dict.fromkeys(("infer", "infer_with_reasons"), ([],)),
    },
    "analyses": {
        "submit": (b"archive",),
        **dict.fromkeys(("wait", "report", "findings", "sarif"), ("job_1",)),
        "search": ("job_1", "where?"),
    },
    "owner": {"show": (), "export": (), "delete": (), "list": ()},
    "rows": {"upload": ([],), **dict.fromkeys(("find", "export"), ("job_1",))},
}
PARTS = {
    "": (BaseClient, Client),
    "jobs": (AsyncJobs, Jobs),
    "batches": (AsyncBatches, Batches),
    "catalogs": (AsyncCatalogs, Catalogs),
    "analyses": (AsyncAnalyses, Analyses),
    "owner": (AsyncOwners, Owners),
    "rows": (AsyncRows, RowsOfFiles),
}
WITHOUT = {
    "/v1/jobs/{job_id}/export": "`rows.export` asks for it once its job has ended",
    "/metrics": "Prometheus reads them",
    "/v1/demo-rows": "for the page: the demo is to be looked at",
    **{
        f"/v1/operator/{path}": "for the page of operators"
        for path in ("state", *(f"jobs/{{job_id}}/{step}" for step in ("cancel", "retry", "redeliver")))
    },
    **{
        f"/v1/operator/owners/{{owner}}{path}": "methods of `owner` with the name of one ask for it"
        for path in ("", "/export")
    },
    "/embedding/echo": "for clients that there are already",
    "/embedding/result/{job_id}": "for clients that there are already",
    "/health": "for clients that there are already",
    "/send": "for clients that there are already",
}


def asked() -> Iterator[Asked]:
    """What every method of the client asks first; it is answered that nothing is there."""
    seen: list[Asked] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append((request.method, request.url.path))
        return httpx.Response(404, json={"title": "not here"})

    with Client("http://service", transport=httpx.MockTransport(answer)) as client:
        for part, methods in ARGUMENTS.items():
            for name, arguments in methods.items():
                with pytest.raises(NotFoundError):
                    result = getattr(getattr(client, part) if part else client, name)(*arguments)
                    next(result)
    return iter(seen)


def served(asked: Asked) -> str:
    """The operation of the table that answers."""
    method, path = asked
    scope = {"type": "http", "method": method, "path": path}
    (found,) = [route.path for route in routes(OPERATIONS) if route.matches(scope)[0] is Match.FULL]
    return f"{method} {found}"


def public(kind: type) -> set[str]:
    return {name for name, _ in inspect.getmembers(kind, inspect.isfunction) if not name.startswith("_")} - {"close"}


@pytest.mark.parametrize("part", PARTS)
def test_every_method_is_tried(part: str) -> None:
    assert public(PARTS[part][0]) == set(ARGUMENTS[part])


@pytest.mark.parametrize("part", PARTS)
def test_both_clients_have_the_same_methods(part: str) -> None:
    asynchronous, synchronous = PARTS[part]
    assert public(synchronous) == public(asynchronous)


def test_every_operation_has_a_method_or_a_reason() -> None:
    offered = {f"{operation.method} {operation.path}" for operation in OPERATIONS if operation.path not in WITHOUT}
    assert {served(one) for one in asked()} == offered
    assert set(WITHOUT) <= {operation.path for operation in OPERATIONS}


def test_the_rows_of_packaged_data(client: Client) -> None:
    job = client.jobs.submit("japanese cars", "cars")
    client.jobs.wait(job)
    found = client.jobs.rows(job, limit=2)
    assert (len(found.rows), {row["Origin"] for row in found.rows}) == (2, {"Japan"})
    assert found.total > found.count > 2


def test_a_token_follows_for_a_browser(client: Client, service: Service) -> None:
    job = client.jobs.submit("8 cylinders", "cars")
    batch = client.batches.submit([{"custom_id": "a", "catalog": "cars", "text": "8 cylinders"}])
    tokens = {
        job.urls.events: [client.jobs.stream_token(subject).token for subject in (job, job.id)],
        batch.urls.events: [client.batches.stream_token(subject).token for subject in (batch, batch.id)],
    }
    for path, for_subject in tokens.items():
        for token in for_subject:
            assert "event: done" in service.client.get(path, params={"token": token}, timeout=30).text


def test_every_dialect_is_listed(client: Client) -> None:
    assert {dialect.name for dialect in client.dialects()} == set(DIALECTS)


def test_a_filter_is_compiled_and_explained(client: Client) -> None:
    cql2 = {"op": "=", "args": [{"property": "Cylinders"}, 8]}
    compiled = client.compile("8 = Cylinders", "cars", dialects=["cql2-text"], limit=3)
    assert (compiled.filter, compiled.limit) == (cql2, 3)
    assert compiled.dialects["cql2-text"]["filter"] == "Cylinders = 8"
    shop = {"name": "shop", "fields": [{"name": "sold", "type": "date"}]}
    today = {"op": "=", "args": [{"property": "sold"}, {"relative": {"offset": 0, "unit": "day"}}]}
    assert client.explain(today, shop, now=dt.datetime(2026, 1, 31, 12)) == "Sold is 31 January 2026."
    assert client.explain(cql2, "cars") == "Cylinders is 8."
    with pytest.raises(BadRequest, match="Compare a property"):
        client.explain("avg(Cylinders) = 8", "cars")


def test_how_the_service_is(client: Client, connect: Connect, idle_service: Service) -> None:
    assert client.health().status == "ok"
    assert (client.readiness(workers=True).status, client.readiness().redis) == ("ready", True)
    alone = connect(idle_service.url)
    assert (alone.readiness().status, alone.readiness(workers=True).status) == ("ready", "starting")
    assert set(alone.readiness().workers.values()) == {0}
