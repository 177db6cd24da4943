"""What tests of the API share: a service whose jobs run, and one where nobody works on them."""

from collections.abc import Iterator

import httpx
import pytest

from nlp2filters.redis_server import running
from tests.conftest import free_port
from tests.service import Service


@pytest.fixture
def client(service: Service) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=service.url, timeout=30, trust_env=False) as client:
        yield client


@pytest.fixture(scope="package")
def idle_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A web process without workers: jobs stay queued."""
    with running(tmp_path_factory.mktemp("idle-redis"), free_port()) as server:
        service = Service(tmp_path_factory.mktemp("idle-logs"), port=free_port(), environment={"REDIS_URL": server.url})
        service.start("web")
        try:
            service.wait_until_answering()
            yield service
        finally:
            service.stop()


@pytest.fixture
def idle(idle_service: Service) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=idle_service.url, timeout=30, trust_env=False) as client:
        yield client
