"""The Python client of the service.

    from nlp2filters.client import Client

    with Client("https://filters.example", key="n2f_…") as client:
        result = client.ask("japanese cars with at least 30 mpg", catalog="cars")

`AsyncClient` has the same methods as coroutines. See docs/clients.md.
"""

from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator
from functools import wraps
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

import httpx

from nlp2filters import __version__
from nlp2filters.client.events import BatchEvent, JobEvent
from nlp2filters.client.options import BatchRequest, Options, Webhook
from nlp2filters.client.service import PATIENCE_S, URL, Service
from nlp2filters.client.transport import Blocking, Waiting, iterate, run
from nlp2filters.client.webhooks import verify_webhook
from nlp2filters.core.catalog import Catalog, Field
from nlp2filters.core.schemas import (
    Batch,
    BatchResult,
    Condition,
    Delivery,
    Delta,
    Health,
    Job,
    Progress,
    Readiness,
    Reading,
    Result,
    Rows,
    StreamToken,
)

__all__ = [
    "AsyncClient",
    "Batch",
    "BatchEvent",
    "BatchRequest",
    "BatchResult",
    "Catalog",
    "Client",
    "Condition",
    "Delivery",
    "Delta",
    "Field",
    "Health",
    "Job",
    "JobEvent",
    "Options",
    "Progress",
    "Readiness",
    "Reading",
    "Result",
    "Rows",
    "StreamToken",
    "Webhook",
    "verify_webhook",
]

P = ParamSpec("P")
T = TypeVar("T")


def _headers(key: str | None) -> dict[str, str]:
    agent = {"User-Agent": f"nlp2filters/{__version__}"}
    return {**agent, "Authorization": f"Bearer {key}"} if key else agent


class AsyncClient(Service):
    """An asynchronous client of the service at `url`, with the API key `key`. Use it with `async with`, or `close` it.

    A request is retried for `patience_s` while the service has no capacity or cannot be reached. `options` are those of
    `httpx.AsyncClient`: `verify`, `proxy` and others.
    """

    def __init__(
        self, url: str = URL, key: str | None = None, *, patience_s: float = PATIENCE_S, **options: Any
    ) -> None:
        http = httpx.AsyncClient(base_url=url, headers=_headers(key), **options)
        super().__init__(Waiting(http), patience_s)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()


def _plain(
    method: Callable[Concatenate[Service, P], Coroutine[Any, Any, T]],
) -> Callable[Concatenate["Client", P], T]:
    @wraps(method)
    def call(self: "Client", /, *args: P.args, **kwargs: P.kwargs) -> T:
        return run(method(self._service, *args, **kwargs))

    return call


def _iterator(
    method: Callable[Concatenate[Service, P], AsyncGenerator[T]],
) -> Callable[Concatenate["Client", P], Iterator[T]]:
    @wraps(method)
    def call(self: "Client", /, *args: P.args, **kwargs: P.kwargs) -> Iterator[T]:
        return iterate(method(self._service, *args, **kwargs))

    return call


class Client:
    """The synchronous counterpart of `AsyncClient`. Use it with `with`, or `close` it."""

    def __init__(
        self, url: str = URL, key: str | None = None, *, patience_s: float = PATIENCE_S, **options: Any
    ) -> None:
        http = httpx.Client(base_url=url, headers=_headers(key), **options)
        self._service = Service(Blocking(http), patience_s)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    close = _plain(Service.close)

    submit = _plain(Service.submit)
    ask = _plain(Service.ask)
    job = _plain(Service.job)
    result = _plain(Service.result)
    rows = _plain(Service.rows)
    wait = _plain(Service.wait)
    follow = _iterator(Service.follow)
    cancel = _plain(Service.cancel)
    retry = _plain(Service.retry)
    delete = _plain(Service.delete)
    jobs = _iterator(Service.jobs)

    submit_batch = _plain(Service.submit_batch)
    batch = _plain(Service.batch)
    follow_batch = _iterator(Service.follow_batch)
    batch_results = _plain(Service.batch_results)
    wait_batch = _plain(Service.wait_batch)
    cancel_batch = _plain(Service.cancel_batch)

    deliveries = _plain(Service.deliveries)
    redeliver = _plain(Service.redeliver)

    catalogs = _plain(Service.catalogs)
    catalog = _plain(Service.catalog)
    put_catalog = _plain(Service.put_catalog)
    delete_catalog = _plain(Service.delete_catalog)
    infer_catalog = _plain(Service.infer_catalog)

    stream_token = _plain(Service.stream_token)
    health = _plain(Service.health)
    readiness = _plain(Service.readiness)
