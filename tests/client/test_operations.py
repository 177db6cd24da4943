"""The client and the table of routes: whatever the service can do, a client can ask for."""

import inspect
from collections.abc import Iterator
from typing import Any, TypeAlias

import httpx
import pytest
from starlette.routing import Match

from nlp2filters.api.routes import routes
from nlp2filters.app import OPERATIONS
from nlp2filters.client import Client
from nlp2filters.client.service import Service as Calls
from nlp2filters.errors import NotThere
from tests.client.conftest import Connect
from tests.service import Service

Asked: TypeAlias = tuple[str, str]

ARGUMENTS: dict[str, tuple[Any, ...]] = {
    "submit": ("text", "cars"),
    "ask": ("text", "cars"),
    **dict.fromkeys(("job", "result", "rows", "wait", "follow", "cancel", "retry", "delete"), ("job_1",)),
    "jobs": (),
    "submit_batch": ([],),
    **dict.fromkeys(("batch", "follow_batch", "batch_results", "wait_batch", "cancel_batch"), ("batch_1",)),
    "catalogs": (),
    **dict.fromkeys(("catalog", "delete_catalog"), ("shop",)),
    "put_catalog": ("shop", {}),
    "infer_catalog": ([],),
    "health": (),
    "readiness": (),
}
OF_BOTH = ("deliveries", "redeliver", "stream_token")  # of jobs and batches
WITHOUT = {
    "/metrics": "Prometheus reads them",
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

    calls = [*ARGUMENTS.items(), *((name, (subject,)) for name in OF_BOTH for subject in ("job_1", "batch_1"))]
    with Client("http://service", transport=httpx.MockTransport(answer)) as client:
        for name, arguments in calls:
            with pytest.raises(NotThere):
                made = getattr(client, name)(*arguments)
                next(made)
    return iter(seen)


def served(asked: Asked) -> str:
    """The operation of the table that answers."""
    method, path = asked
    scope = {"type": "http", "method": method, "path": path}
    (found,) = [route.path for route in routes(OPERATIONS) if route.matches(scope)[0] is Match.FULL]
    return f"{method} {found}"


def test_every_method_is_tried() -> None:
    public = {name for name, _ in inspect.getmembers(Calls, inspect.isfunction) if not name.startswith("_")}
    assert public - {"close"} == {*ARGUMENTS, *OF_BOTH}


def test_every_operation_has_a_method_or_a_reason() -> None:
    offered = {f"{operation.method} {operation.path}" for operation in OPERATIONS if operation.path not in WITHOUT}
    assert {served(one) for one in asked()} == offered
    assert set(WITHOUT) <= {operation.path for operation in OPERATIONS}


def test_the_rows_of_packaged_data(client: Client) -> None:
    job = client.submit("japanese cars", "cars")
    client.wait(job)
    found = client.rows(job, limit=2)
    assert (len(found.rows), {row["Origin"] for row in found.rows}) == (2, {"Japan"})
    assert found.total > found.count > 2


def test_a_token_follows_for_a_browser(client: Client, service: Service) -> None:
    job = client.submit("8 cylinders", "cars")
    batch = client.submit_batch([{"custom_id": "a", "catalog": "cars", "text": "8 cylinders"}])
    for subject in (job, job.id, batch, batch.id):
        token = client.stream_token(subject).token
        path = (job if subject in (job, job.id) else batch).urls.events
        assert "event: done" in httpx.get(service.url + path, params={"token": token}, timeout=30).text


def test_how_the_service_is(client: Client, connect: Connect, idle_service: Service) -> None:
    assert client.health().status == "ok"
    assert (client.readiness(workers=True).status, client.readiness().redis) == ("ready", True)
    alone = connect(idle_service.url)
    assert (alone.readiness().status, alone.readiness(workers=True).status) == ("ready", "starting")
    assert set(alone.readiness().workers.values()) == {0}
