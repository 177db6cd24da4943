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
    """`AsyncClient` as if it blocked: each call runs in a loop that the client keeps."""

    def __init__(self, url: str, **options: Any) -> None:
        self._runner = asyncio.Runner()
        self._client = AsyncClient(url, **options)

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)

        def call(*args: Any, **options: Any) -> Any:
            made = method(*args, **options)
            return self._iterate(made) if inspect.isasyncgen(made) else self._runner.run(made)

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

    def end(self) -> None:
        self._runner.run(self._client.close())
        self._runner.close()


@pytest.fixture(params=["blocking", "waiting"])
def connect(request: pytest.FixtureRequest) -> Iterator[Connect]:
    """Makes clients of either kind."""
    made: list[Any] = []

    def connect(url: str, **options: Any) -> Client:
        kind = Client if request.param == "blocking" else Awaited
        client = kind(url, trust_env=False, **options)
        made.append(client)
        return cast(Client, client)

    yield connect
    for client in made:
        client.close() if isinstance(client, Client) else client.end()


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
