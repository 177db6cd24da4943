"""Many streams: how many an owner may have, what ends them before their job does, and that all are served."""

import asyncio
import socket
import struct
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosedError

from nlp2filters import app as application
from nlp2filters.api import event_streams, open_streams
from nlp2filters.api.services import Services
from nlp2filters.app import create_app
from nlp2filters.clock import now_ms
from nlp2filters.settings import Settings
from nlp2filters.storage.api_keys import ApiKeys
from nlp2filters.storage.redis_keys import Keys
from nlp2filters.storage.retrying_redis import RetryingRedis as Redis
from tests.in_process import serving

BODY = {"catalog": "cars", "text": "8 cylinders"}
MOST = 3


@dataclass
class Served:
    """A web process that allows three streams, and what it holds."""

    url: str
    key: str
    opened: list[Services]
    job: dict[str, Any] = field(default_factory=dict)

    @property
    def keys(self) -> Keys:
        return self.opened[0].store.keys

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}

    @property
    def open(self) -> int:
        """Streams that count."""
        return len(self.opened[0].streams)

    async def until(self, count: int) -> None:
        """So many streams are open, and followed, by as many as are open."""
        async with asyncio.timeout(30):
            while self.open != count or self._followers() != count:
                await asyncio.sleep(0.01)

    def _followers(self) -> int:
        return sum(map(len, list(self.opened[0].events._listener._followers.values())))


@pytest.fixture
async def served(redis: Redis, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Served]:
    opened: list[Services] = []

    def remembered(*parts: Any) -> Services:
        opened.append(Services(*parts))
        return opened[0]

    monkeypatch.setattr(application, "Services", remembered)
    prefix = f"test-{uuid.uuid4().hex[:8]}"
    scopes = ("jobs:read", "jobs:write")
    _, key = await ApiKeys(redis, Keys(prefix)).create("anna", "anna", scopes, now_ms())
    with serving(create_app(Settings(redis_url=redis_url, key_prefix=prefix, max_streams=MOST))) as url:
        made = Served(url, key, opened)
        async with httpx.AsyncClient(trust_env=False, headers=made.headers) as client:
            made.job = (await client.post(f"{url}/v1/jobs", json=BODY)).json()
        yield made


@pytest.fixture
def address(served: Served) -> str:
    return served.url + str(served.job["urls"]["events"])


@pytest.fixture
async def client(served: Served) -> AsyncIterator[httpx.AsyncClient]:
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(trust_env=False, timeout=60, headers=served.headers, limits=limits) as client:
        yield client


async def test_many_at_once_get_no_more_than_there_are(served: Served, address: str, client: httpx.AsyncClient) -> None:
    requests = [client.build_request("GET", address) for _ in range(40)]
    answers = await asyncio.gather(*(client.send(request, stream=True) for request in requests))
    statuses = [answer.status_code for answer in answers]
    assert (statuses.count(200), statuses.count(429)) == (MOST, 40 - MOST)
    await served.until(MOST)
    for answer in answers:
        await answer.aclose()
    await served.until(0)


async def test_web_sockets_count_too(served: Served, address: str, client: httpx.AsyncClient) -> None:
    socket_address = address.replace("http", "ws").replace("/events", "/ws")

    async def open_one(received: asyncio.Queue[str]) -> int | None:
        async with connect(socket_address, proxy=None, additional_headers=served.headers) as socket:
            with suppress(ConnectionClosedError):
                received.put_nowait(str(await socket.recv()))
                await asyncio.Event().wait()
            return socket.close_code

    received: asyncio.Queue[str] = asyncio.Queue()
    async with client.stream("GET", address) as stream:
        assert stream.status_code == 200
        tasks = [asyncio.create_task(open_one(received)) for _ in range(20)]
        for _ in range(MOST - 1):
            await asyncio.wait_for(received.get(), 30)
        refused = 20 - (MOST - 1)
        async with asyncio.timeout(30):
            while sum(task.done() for task in tasks) < refused:
                await asyncio.sleep(0.01)
        assert [task.result() for task in tasks if task.done()] == [4429] * refused
        await served.until(MOST)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    await served.until(0)


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    async def fail(*arguments: Any) -> bool:
        raise RuntimeError("in this test sending fails")

    monkeypatch.setattr(event_streams, "_forward", fail)
    yield


@pytest.mark.usefixtures("failing")
async def test_a_stream_that_fails_is_given_back(served: Served, address: str) -> None:
    for _ in range(2 * MOST):
        async with httpx.AsyncClient(
            trust_env=False, headers=served.headers
        ) as client:  # uvicorn closes the connection
            with pytest.raises(httpx.RemoteProtocolError):
                await client.get(address)
    await served.until(0)


async def test_whoever_leaves_before_the_first_byte_has_left(
    served: Served, address: str, client: httpx.AsyncClient
) -> None:
    parts = urlsplit(address)
    request = f"GET {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nAuthorization: Bearer {served.key}\r\n\r\n"
    for number in range(30):
        with socket.create_connection((parts.hostname, parts.port)) as connection:
            if number % 2:  # by a reset
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.sendall(request.encode())
    async with asyncio.timeout(30):  # some of them are only being heard
        while (await client.send(client.build_request("GET", address), stream=True)).status_code != 200:
            await served.until(0)
    await served.until(1)


async def test_a_redis_error_ends_a_stream_in_good_order(
    served: Served, redis: Redis, address: str, client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    """The browser comes back then, and a proxy or a client sees no broken connection."""
    events = served.keys.events(served.job["id"])
    async with client.stream("GET", address) as stream:
        lines = stream.aiter_lines()
        assert await anext(lines)
        await redis.delete(events)
        await redis.set(events, "no stream")
        await redis.publish(events, "")
        assert "event: done" not in [line async for line in lines]
    await served.until(0)
    assert [record.levelname for record in caplog.records if "WRONGTYPE" in record.message] == ["ERROR"]


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_streams, "PING_S", 0.3)
    monkeypatch.setattr(open_streams, "CHECK_KEYS_S", 0.3)


@pytest.mark.usefixtures("hasty")
async def test_a_stream_of_a_job_that_was_lost_ends(
    served: Served, redis: Redis, address: str, client: httpx.AsyncClient
) -> None:
    async with client.stream("GET", address) as stream:
        lines = stream.aiter_lines()
        assert await anext(lines)
        await redis.delete(served.keys.events(served.job["id"]), served.keys.job(served.job["id"]))
        async with asyncio.timeout(30):
            assert "event: done" not in [line async for line in lines]
    assert (await client.get(address)).status_code == 404


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("by_token", [False, True])
async def test_a_revoked_key_ends_its_streams_and_no_others(
    served: Served, redis: Redis, address: str, client: httpx.AsyncClient, by_token: bool
) -> None:
    api_keys = ApiKeys(redis, served.keys)
    made, key = await api_keys.create("another of anna's", "anna", ("jobs:read",), now_ms())
    headers, query = {"Authorization": f"Bearer {key}"}, {}
    if by_token:
        body = {"job_id": served.job["id"]}
        response = await client.post(f"{served.url}/v1/stream-tokens", json=body, headers=headers)
        headers, query = {}, {"token": response.json()["token"]}
    async with (
        httpx.AsyncClient(trust_env=False, timeout=60, headers=headers) as other,
        client.stream("GET", address) as stays,
        other.stream("GET", address, params=query) as ends,
    ):
        staying, ending = stays.aiter_lines(), ends.aiter_lines()
        assert await anext(staying)
        assert await anext(ending)
        await api_keys.revoke(made.id, now_ms())
        async with asyncio.timeout(30):
            assert "event: done" not in [line async for line in ending]
        await served.until(1)
        assert (await other.get(address, params=query)).status_code == 401
        await client.post(served.url + served.job["urls"]["cancel"])
        async with asyncio.timeout(30):
            assert "event: done" in [line async for line in staying]


async def streamed(address: str) -> tuple[str, bytes]:
    """The status and everything that came, to the end of the answer."""
    parts = urlsplit(address)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    request = f"GET {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: close\r\n\r\n"
    writer.write(request.encode())
    answer = await reader.read()
    writer.close()
    return answer[9:12].decode(), answer


@pytest.mark.parametrize("jobs", [1, 60])
async def test_hundreds_at_once_are_all_served(own_redis: Redis, caplog: pytest.LogCaptureFixture, jobs: int) -> None:
    count = 300
    settings = Settings(redis_url="redis://{host}:{port}/0".format_map(own_redis.connection_pool.connection_kwargs))
    ours = len(await own_redis.client_list())
    with serving(create_app(settings)) as url:
        async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=60) as client:
            made = [(await client.post("/v1/jobs", json=BODY)).json() for _ in range(jobs)]
            addresses = [url + made[number % jobs]["urls"]["events"] for number in range(count)]
            following = [asyncio.ensure_future(streamed(address)) for address in addresses]
            async with asyncio.timeout(60):
                while f"nlp2filters_streams {count}.0" not in (await client.get("/metrics")).text:
                    await asyncio.sleep(0.05)
            theirs = len(await own_redis.client_list()) - ours
            for job in made:
                await client.post(job["urls"]["cancel"])
            async with asyncio.timeout(60):
                answers = await asyncio.gather(*following)
    assert {status for status, _ in answers} == {"200"}
    assert [answer.count(b"event: done") for _, answer in answers] == [1] * count
    assert all(answer.endswith(b"0\r\n\r\n") for _, answer in answers)
    assert theirs <= 3
    assert "does not take commands" not in caplog.text
