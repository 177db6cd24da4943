"""Both clients, under one surface, before a real service and a gateway that fails."""

import asyncio
import inspect
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias, cast

import pytest

from nlp2filters.client import AsyncClient, Client
from tests.peers.gateway import Gateway
from tests.service import Service, started

Connect: TypeAlias = Callable[..., Client]


class Awaited:
    """A part of an `AsyncClient`, or all of it, as if it blocked: each call runs in the runner's event loop."""

    def __init__(self, part: Any, runner: asyncio.Runner) -> None:
        self._part, self._runner = part, runner

    def __getattr__(self, name: str) -> Any:
        member = getattr(self._part, name)
        if not callable(member):
            return Awaited(member, self._runner)

        def call(*args: Any, **options: Any) -> Any:
            result = member(*args, **options)
            return self._iterate(result) if inspect.isasyncgen(result) else self._runner.run(result)

        return call

    def _iterate(self, items: Any) -> Iterator[Any]:
        async def following() -> Any:
            return await anext(items)

        try:
            while True:
                yield self._runner.run(following())
        except StopAsyncIteration:
            pass
        finally:
            self._runner.run(items.aclose())


@pytest.fixture(params=["synchronous", "asynchronous"])
def connect(request: pytest.FixtureRequest) -> Iterator[Connect]:
    """Makes clients of either kind."""
    with asyncio.Runner() as runner:
        clients: list[Any] = []

        def connect(url: str, **options: Any) -> Client:
            if request.param == "synchronous":
                client: Any = Client(url, trust_env=False, **options)
            else:
                client = Awaited(AsyncClient(url, trust_env=False, **options), runner)
            clients.append(client)
            return cast(Client, client)

        yield connect
        for client in clients:
            client.close()


@pytest.fixture
def client(connect: Connect, service: Service) -> Client:
    return connect(service.url)


@pytest.fixture
def behind(connect: Connect, gateway: Gateway) -> Client:
    """A client behind the gateway."""
    return connect(gateway.url)


@pytest.fixture(scope="package")
def idle_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A web process without workers: jobs stay queued. Pings are for others to wait for."""
    with started(tmp_path_factory.mktemp("idle"), "web") as service:
        yield service
