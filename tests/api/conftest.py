"""What tests of the API share: a service whose jobs run, and one where nobody works on them."""

from collections.abc import Iterator

import httpx
import pytest

from tests.service import Service, started


@pytest.fixture
def client(service: Service) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=service.url, timeout=30, trust_env=False) as client:
        yield client


@pytest.fixture(scope="package")
def idle_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A web process without workers: jobs stay queued."""
    with started(tmp_path_factory.mktemp("idle"), "web") as service:
        yield service


@pytest.fixture
def idle(idle_service: Service) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=idle_service.url, timeout=30, trust_env=False) as client:
        yield client
