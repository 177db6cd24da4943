"""Two of each process on Heroku's smallest Redis, behind a router with Heroku's limits, stopped as Heroku stops them.

`make dynos` plays the real seconds, and restarts every process. Otherwise all times are shorter by `FACTOR`: only as
far as the pings of event streams (15 s) and of WebSockets (20 s) allow.
"""

import asyncio
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator, Sequence
from contextlib import aclosing, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from redis import Redis
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from chaos.fleet import Fleet
from chaos.server import RedisProcess
from nlp2filters.client import AsyncClient
from tests.peers import router as routers
from tests.peers.router import Router
from tests.service import ROOT

WHOLE = os.environ.get("DYNOS") == "whole"
FACTOR = 1.0 if WHOLE else 2.5
# https://devcenter.heroku.com/articles/limits#http-timeouts and /articles/dyno-shutdown-behavior
FIRST_BYTE_S, IDLE_S, GRACE_S = 30 / FACTOR, 55 / FACTOR, 30 / FACTOR
MAX_CLIENTS, MAX_MEMORY = 20, 25 << 20
# The hung one, which does not stop by itself, is frozen before it gets SIGTERM.
HUNG = "llm-1"
NAMES = [f"{name}-{i}" for name in ("web", "embedding", "llm", "delivery") for i in range(2)]
RESTARTED = NAMES if WHOLE else ["web-0", "llm-0", HUNG]
JOBS_A_RESTART = 30 if WHOLE else 14
WAITING_JOBS = 9


def test_the_app_has_these_settings() -> None:
    described = json.loads((ROOT / "app.json").read_text())["env"]
    assert settings() == {name: described[name]["value"] for name in settings()}


def settings() -> dict[str, str]:
    """The settings that docs/deployment.md names for Heroku, without those of an LLM."""
    (line,) = re.findall(r"^heroku config:set (.+)$", (ROOT / "docs" / "deployment.md").read_text(), re.MULTILINE)
    pairs = (word.split("=", 1) for word in shlex.split(line))
    return {name: value for name, value in pairs if "…" not in value and not name.startswith("LLM_")}


@pytest.fixture
def redis() -> Iterator[RedisProcess]:
    server = RedisProcess("everysec")
    with Redis(port=server.port) as client:
        client.config_set("maxclients", MAX_CLIENTS)
        client.config_set("maxmemory", MAX_MEMORY)
    yield server
    server.close()


@pytest.fixture
def fleet(redis: RedisProcess, tmp_path: Path) -> Iterator[Fleet]:
    """The web processes and all workers but those of embedding, so that jobs wait at first."""
    fleet = Fleet(tmp_path, redis.url, {**settings(), "HOST": "127.0.0.1"})
    assert fleet.names == NAMES
    fleet.start(*(name for name in NAMES if "embedding" not in name))
    fleet.wait_until_ready(workers=False)
    yield fleet
    fleet.stop()


@pytest.fixture
def router(fleet: Fleet) -> Iterator[Router]:
    ports = [httpx.URL(url).port or 0 for url in fleet.urls]
    with routers.before(ports, first_byte_s=FIRST_BYTE_S, idle_s=IDLE_S) as router:
        yield router


@pytest.fixture
def key(redis: RedisProcess) -> str:
    """An API key, made as the page says."""
    command = [sys.executable, "-m", "nlp2filters", "keys", "create", "me", "--json"]
    environment = {**os.environ, **settings(), "REDIS_URL": redis.url}
    created = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    return str(json.loads(created.stdout)["key"])


class Users:
    """Users behind the router. Each follows a job in one of three ways, and returns the value that its filter has."""

    def __init__(self, router: Router, key: str) -> None:
        self._url = router.url
        self._headers = {"Authorization": f"Bearer {key}"}
        alone = httpx.Limits(max_keepalive_connections=0)  # a request for each connection, as the router expects
        self.client = AsyncClient(router.url, key, patience_s=120, limits=alone, trust_env=False)
        self.http = httpx.AsyncClient(
            base_url=router.url, headers=self._headers, timeout=60, limits=alone, trust_env=False
        )
        self.ways = (self.stream, self.poll, self.listen)

    async def ask(self, count: int) -> list[int]:
        """Submit jobs at once, and follow them to their ends; returns the values."""
        return await asyncio.gather(*(self.ways[number % 3](number) for number in range(count)))

    async def _submit(self, number: int) -> str:
        return (await self.client.jobs.submit(f"over {number} hp", "cars")).id

    async def _value(self, job_id: str) -> int:
        return int((await self.client.jobs.result(job_id)).conditions[0].value)

    async def stream(self, number: int) -> int:
        """Follow by Server-Sent Events."""
        job_id = await self._submit(number)
        async with aclosing(self.client.jobs.follow(job_id)) as events:
            async for event in events:
                if event.name == "done" and event.result:
                    return int(event.result.conditions[0].value)
        raise AssertionError(f"{job_id} has no result")

    async def poll(self, number: int) -> int:
        """Wait as long as one request may, then ask from time to time."""
        job_id = await self._wait(number)
        while (job := await self.client.jobs.get(job_id)).status != "succeeded":
            assert job.status in ("queued", "running"), job
            await asyncio.sleep(0.5)
        return await self._value(job_id)

    async def _wait(self, number: int) -> str:
        """Submit a job, and let the answer wait for its end."""
        headers = {"Prefer": f"wait={60 if WHOLE else 8}", "Idempotency-Key": uuid.uuid4().hex}
        while True:
            with suppress(httpx.TransportError):
                body = {"catalog": "cars", "text": f"over {number} hp"}
                response = await self.http.post("/v1/jobs", json=body, headers=headers)
                if response.status_code in (200, 202):
                    return str(response.json()["id"])
                assert response.status_code == 503, response.text
            await asyncio.sleep(0.5)

    async def listen(self, number: int) -> int:
        """Follow by a WebSocket, on which only the service sends pings."""
        address = f"{self._url.replace('http', 'ws')}/v1/jobs/{await self._submit(number)}/ws"
        cursor = ""
        while True:
            with suppress(WebSocketException, OSError):  # its web process has gone
                options: dict[str, Any] = {"additional_headers": self._headers, "ping_interval": None, "proxy": None}
                async with connect(f"{address}{cursor}", **options) as socket:
                    async for message in socket:
                        event = json.loads(message)
                        cursor = f"?last_event_id={event['id']}"
                        if event["event"] == "done":
                            return int(event["data"]["result"]["conditions"][0]["value"])
            await asyncio.sleep(0.2)

    async def close(self) -> None:
        await self.client.close()
        await self.http.aclose()


def restart(fleet: Fleet, name: str) -> bool:
    """Stop a process with SIGTERM, kill it if it still runs after the grace, and start another one.

    Returns True if it had to be killed.
    """
    process = fleet.processes[name]
    if name == HUNG:
        fleet.freeze(name)
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(GRACE_S)
        is_killed = False
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        is_killed = True
    fleet.start(name)
    return is_killed


async def restart_all(fleet: Fleet, users: Users, names: Sequence[str]) -> list[str]:
    """Restart one process after the other while there are jobs; returns the names of those that had to be killed."""
    killed = []
    for name in names:
        asking = asyncio.ensure_future(users.ask(JOBS_A_RESTART))
        if await asyncio.to_thread(restart, fleet, name):
            killed.append(name)
        assert await asking == list(range(JOBS_A_RESTART))
        await asyncio.to_thread(fleet.wait_until_ready)
    return killed


async def play(fleet: Fleet, router: Router, key: str) -> list[str]:
    users = Users(router, key)
    waiting = asyncio.ensure_future(users.ask(WAITING_JOBS))
    await asyncio.sleep(IDLE_S * 1.1)  # longer than the router allows silence
    assert not waiting.done()
    fleet.start(*(name for name in NAMES if "embedding" in name))
    assert await waiting == list(range(WAITING_JOBS))
    killed = await restart_all(fleet, users, RESTARTED)
    await users.close()
    return killed


@pytest.mark.timeout(1200 if WHOLE else 300)
def test_two_of_each_fit_and_lose_nothing(fleet: Fleet, router: Router, redis: RedisProcess, key: str) -> None:
    killed = asyncio.run(play(fleet, router, key))
    assert killed == [HUNG]
    assert router.timeouts == []
    with Redis(port=redis.port, decode_responses=True) as client:
        connections, memory = client.info("clients")["connected_clients"], client.info("memory")["used_memory_peak"]
        assert client.info("stats")["rejected_connections"] == 0
        assert client.info("memory")["maxmemory_policy"] == "noeviction"
    print(f"{connections} connections, {memory / (1 << 20):.1f} MB")
    assert connections <= MAX_CLIENTS
    assert memory < MAX_MEMORY
