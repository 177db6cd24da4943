"""The synchronous client: every coroutine of the asynchronous one as a plain method."""

from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator
from functools import wraps
from typing import Any, Concatenate, Generic, ParamSpec, Self, TypeVar

import httpx

from nlp2filters.client.analyses import AsyncAnalyses
from nlp2filters.client.async_client import BaseClient, default_headers
from nlp2filters.client.batches import AsyncBatches
from nlp2filters.client.catalogs import AsyncCatalogs
from nlp2filters.client.jobs import AsyncJobs
from nlp2filters.client.owners import AsyncOwners
from nlp2filters.client.requests import PATIENCE_S
from nlp2filters.client.rows import AsyncRows
from nlp2filters.client.transport import SyncTransport, iterate_sync, run_sync
from nlp2filters.core.service_url import URL

P = ParamSpec("P")
T = TypeVar("T")
A_co = TypeVar("A_co", covariant=True)


class _Wrapper(Generic[A_co]):
    """An object with the plain methods for the coroutines of another one."""

    def __init__(self, wrapped: A_co) -> None:
        self._wrapped = wrapped


def _sync(
    method: Callable[Concatenate[A_co, P], Coroutine[Any, Any, T]],
) -> Callable[Concatenate[_Wrapper[A_co], P], T]:
    @wraps(method)
    def call(self: _Wrapper[A_co], /, *args: P.args, **kwargs: P.kwargs) -> T:
        return run_sync(method(self._wrapped, *args, **kwargs))

    return call


def _iterator(
    method: Callable[Concatenate[A_co, P], AsyncGenerator[T]],
) -> Callable[Concatenate[_Wrapper[A_co], P], Iterator[T]]:
    @wraps(method)
    def call(self: _Wrapper[A_co], /, *args: P.args, **kwargs: P.kwargs) -> Iterator[T]:
        return iterate_sync(method(self._wrapped, *args, **kwargs))

    return call


class Jobs(_Wrapper[AsyncJobs]):
    """The synchronous counterpart of `AsyncJobs`."""

    submit = _sync(AsyncJobs.submit)
    get = _sync(AsyncJobs.get)
    result = _sync(AsyncJobs.result)
    any_result = _sync(AsyncJobs.any_result)
    rows = _sync(AsyncJobs.rows)
    wait = _sync(AsyncJobs.wait)
    follow = _iterator(AsyncJobs.follow)
    cancel = _sync(AsyncJobs.cancel)
    retry = _sync(AsyncJobs.retry)
    answer = _sync(AsyncJobs.answer)
    delete = _sync(AsyncJobs.delete)
    list = _iterator(AsyncJobs.list)
    deliveries = _sync(AsyncJobs.deliveries)
    redeliver = _sync(AsyncJobs.redeliver)
    stream_token = _sync(AsyncJobs.stream_token)


class Analyses(_Wrapper[AsyncAnalyses]):
    """The synchronous counterpart of `AsyncAnalyses`."""

    submit = _sync(AsyncAnalyses.submit)
    wait = _sync(AsyncAnalyses.wait)
    report = _sync(AsyncAnalyses.report)
    findings = _iterator(AsyncAnalyses.findings)
    search = _sync(AsyncAnalyses.search)
    sarif = _sync(AsyncAnalyses.sarif)


class RowsOfFiles(_Wrapper[AsyncRows]):
    """The synchronous counterpart of `AsyncRows`."""

    upload = _sync(AsyncRows.upload)
    find = _sync(AsyncRows.find)
    export = _sync(AsyncRows.export)


class Owners(_Wrapper[AsyncOwners]):
    """The synchronous counterpart of `AsyncOwners`."""

    show = _sync(AsyncOwners.show)
    export = _iterator(AsyncOwners.export)
    delete = _sync(AsyncOwners.delete)
    list = _sync(AsyncOwners.list)


class Batches(_Wrapper[AsyncBatches]):
    """The synchronous counterpart of `AsyncBatches`."""

    submit = _sync(AsyncBatches.submit)
    get = _sync(AsyncBatches.get)
    follow = _iterator(AsyncBatches.follow)
    results = _sync(AsyncBatches.results)
    wait = _sync(AsyncBatches.wait)
    cancel = _sync(AsyncBatches.cancel)
    deliveries = _sync(AsyncBatches.deliveries)
    redeliver = _sync(AsyncBatches.redeliver)
    stream_token = _sync(AsyncBatches.stream_token)


class Catalogs(_Wrapper[AsyncCatalogs]):
    """The synchronous counterpart of `AsyncCatalogs`."""

    list = _sync(AsyncCatalogs.list)
    get = _sync(AsyncCatalogs.get)
    put = _sync(AsyncCatalogs.put)
    delete = _sync(AsyncCatalogs.delete)
    infer = _sync(AsyncCatalogs.infer)
    infer_with_reasons = _sync(AsyncCatalogs.infer_with_reasons)


class Client(_Wrapper[BaseClient]):
    """The synchronous counterpart of `AsyncClient`. Use it with `with`, or `close` it."""

    def __init__(
        self, url: str = URL, key: str | None = None, *, patience_s: float = PATIENCE_S, **options: Any
    ) -> None:
        http = httpx.Client(base_url=url, headers=default_headers(key), **options)
        super().__init__(BaseClient(SyncTransport(http), patience_s))
        self.jobs = Jobs(self._wrapped.jobs)
        self.batches = Batches(self._wrapped.batches)
        self.catalogs = Catalogs(self._wrapped.catalogs)
        self.analyses = Analyses(self._wrapped.analyses)
        self.rows = RowsOfFiles(self._wrapped.rows)
        self.owner = Owners(self._wrapped.owner)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    close = _sync(BaseClient.close)
    ask = _sync(BaseClient.ask)
    transcribe = _sync(BaseClient.transcribe)
    ask_aloud = _sync(BaseClient.ask_aloud)
    compile = _sync(BaseClient.compile)
    explain = _sync(BaseClient.explain)
    dialects = _sync(BaseClient.dialects)
    health = _sync(BaseClient.health)
    readiness = _sync(BaseClient.readiness)
