"""A master that dies: the sentinels name another, and the client goes on there."""

import asyncio
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError

from nlp2filters.settings import Settings
from nlp2filters.storage.connection import connect
from nlp2filters.storage.embedded_server import find_server
from tests.ports import free_port

FAILOVER_TIMEOUT_S = 60


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[dict[str, subprocess.Popen[bytes]]]:
    """A master, its replica and a sentinel; the names carry the ports."""
    started: dict[str, subprocess.Popen[bytes]] = {}
    master, replica, sentinel = free_port(), free_port(), free_port()

    def start(name: str, *words: str) -> None:
        folder = tmp_path / name.partition(":")[0]
        folder.mkdir()
        command = [str(find_server()), *words, "--dir", str(folder), "--bind", "127.0.0.1"]
        started[name] = subprocess.Popen(command, stdout=subprocess.DEVNULL)

    start(f"master:{master}", "--port", str(master), "--save", "")
    start(f"replica:{replica}", "--port", str(replica), "--save", "", "--replicaof", "127.0.0.1", str(master))
    config = tmp_path / "sentinel.conf"
    config.write_text(
        f"port {sentinel}\nsentinel monitor main 127.0.0.1 {master} 1\n"
        "sentinel down-after-milliseconds main 500\nsentinel failover-timeout main 2000\n"
    )
    start(f"sentinel:{sentinel}", str(config), "--sentinel")
    yield started
    for process in started.values():
        process.kill()
        process.wait()


async def test_the_client_follows_the_master(servers: dict[str, subprocess.Popen[bytes]]) -> None:
    ports = dict(name.split(":") for name in servers)
    redis = connect(Settings(redis_url=f"sentinel://127.0.0.1:{ports['sentinel']}/main/0"))
    async with asyncio.timeout(FAILOVER_TIMEOUT_S):
        while not await _knows_replica(int(ports["sentinel"])):  # it asks the master every ten seconds
            await asyncio.sleep(0.1)
        await redis.set("a", 1)
        while await redis.execute_command("WAIT", 1, 200) != 1:
            pass
        servers[f"master:{ports['master']}"].kill()
        while True:
            try:
                await redis.set("b", 2)
                break
            except RedisError:
                await asyncio.sleep(0.1)
        assert await redis.get("a") == b"1"
        assert str((await redis.info("server"))["tcp_port"]) == ports["replica"]
    await redis.aclose()


async def _knows_replica(port: int) -> bool:
    async with Redis(port=port) as sentinel:
        try:
            return bool(await sentinel.execute_command("SENTINEL", "REPLICAS", "main"))  # type: ignore[no-untyped-call]
        except RedisError:
            return False
