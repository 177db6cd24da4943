"""Follow by SSE and WebSocket: every event once, whatever happens to the connection."""

import asyncio
import json
import random
from typing import Any

import httpx
import pytest
import websockets
from httpx_sse import aconnect_sse
from redis.asyncio import Redis
from websockets.asyncio.client import connect

from nlp2filters.storage.redis_keys import Keys
from tests.service import Service
from tests.streams import job_with_events

EVENTS = 300


@pytest.fixture
async def long_job(idle_service: Service) -> tuple[str, list[str]]:
    """A job with many events, and their ids."""
    return await job_with_events(idle_service.environment["REDIS_URL"], EVENTS)


async def test_a_stream_that_is_cut_a_hundred_times(idle_service: Service, long_job: tuple[str, list[str]]) -> None:
    job_id, ids = long_job
    rng, got, cuts = random.Random(7), [ids[0]], 0
    async with httpx.AsyncClient(base_url=idle_service.url, timeout=30, trust_env=False) as client:
        while got[-1] != ids[-1]:
            allowed = rng.randint(1, 5)
            headers = {"Last-Event-ID": got[-1]}
            async with aconnect_sse(client, "GET", f"/v1/jobs/{job_id}/events", headers=headers) as source:
                async for event in source.aiter_sse():
                    if not event.data:  # a ping
                        continue
                    got.append(event.id)
                    allowed -= 1
                    if not allowed:
                        break
            cuts += 1
        assert (await client.get(f"/v1/jobs/{job_id}/events", headers={"Last-Event-ID": got[-1]})).status_code == 204
    assert got == ids
    assert cuts >= 90


def test_asking_for_the_headers_of_a_stream_opens_none(idle: httpx.Client) -> None:
    job = idle.post("/v1/jobs", json={"catalog": "cars", "text": "8 cylinders"}).json()  # it does not end
    response = idle.head(job["urls"]["events"])
    assert (response.status_code, response.content) == (200, b"")
    assert response.headers["content-type"].startswith("text/event-stream")
    assert idle.get(job["urls"]["self"]).status_code == 200  # over the same connection


async def messages(url: str, most: int | None = None) -> tuple[list[dict[str, Any]], int | None]:
    """What comes over a WebSocket, and the code of its close, None when we cut it.

    A cut is one of the connection: this client's `close` waits 10 s for an answer that stands behind unread messages.
    """
    got: list[dict[str, Any]] = []
    async with connect(url, proxy=None, max_queue=None) as socket:  # else what is not read holds up the close
        try:
            async for text in socket:
                got.append(json.loads(text))
                if len(got) == most:
                    socket.transport.abort()
                    return got, None
        except websockets.ConnectionClosedError:
            pass
        return got, socket.close_code


async def test_a_web_socket_that_is_cut_a_hundred_times(idle_service: Service, long_job: tuple[str, list[str]]) -> None:
    job_id, ids = long_job
    rng, got, cuts, code = random.Random(8), [ids[0]], 0, None
    address = f"{idle_service.url.replace('http', 'ws')}/v1/jobs/{job_id}/ws"
    while code is None:
        some, code = await messages(f"{address}?last_event_id={got[-1]}", rng.randint(1, 5))
        got += [one["id"] for one in some]
        cuts += 1
    assert (got, code) == (ids, 1000)
    assert cuts >= 90


async def test_a_web_socket_that_has_had_everything(idle_service: Service, long_job: tuple[str, list[str]]) -> None:
    job_id, ids = long_job
    address = f"{idle_service.url.replace('http', 'ws')}/v1/jobs/{job_id}/ws?last_event_id={ids[-1]}"
    assert await messages(address) == ([], 1000)


async def test_both_tell_the_same(service: Service) -> None:
    job_id = service.submit("8 cylinders")
    address = f"{service.url.replace('http', 'ws')}/v1/jobs/{job_id}/ws"
    got, code = await messages(address)
    assert (code, got[0]["event"], got[-1]["event"]) == (1000, "snapshot", "done")
    headers = {"Last-Event-ID": got[0]["id"]}
    async with (
        httpx.AsyncClient(base_url=service.url, trust_env=False) as client,
        aconnect_sse(client, "GET", f"/v1/jobs/{job_id}/events", headers=headers) as source,
    ):
        streamed = [(event.id, event.event, event.json()) async for event in source.aiter_sse() if event.data]
    assert [(one["id"], one["event"], one["data"]) for one in got[1:]] == streamed


async def test_a_web_socket_waits_for_what_is_to_come(service: Service) -> None:
    jobs_ = [service.submit("8 cylinders") for _ in range(10)]
    addresses = [f"{service.url.replace('http', 'ws')}/v1/jobs/{job_id}/ws" for job_id in jobs_]
    for got, code in await asyncio.gather(*map(messages, addresses)):
        assert (code, [one["event"] for one in got].count("done")) == (1000, 1)


@pytest.mark.parametrize(
    ("path", "code"), [("job_none/ws", 4404), ("{job_id}/ws?last_event_id=x", 4400), ("{job_id}/ws?token=none", 4401)]
)
async def test_a_web_socket_that_is_refused(service: Service, path: str, code: int) -> None:
    job_id = service.submit("8 cylinders")
    address = f"{service.url.replace('http', 'ws')}/v1/jobs/{path.format(job_id=job_id)}"
    assert (await messages(address)) == ([], code)


@pytest.mark.parametrize("cursor", ["0-1", "99999999999999-0"])
async def test_a_cursor_that_was_trimmed_or_never_was(service: Service, cursor: str) -> None:
    job_id = service.submit("8 cylinders")
    got, code = await messages(f"{service.url.replace('http', 'ws')}/v1/jobs/{job_id}/ws?last_event_id={cursor}")
    assert (got[0]["event"], got[-1]["event"], code) == ("snapshot", "done", 1000)


async def streamed(url: str, job_id: str, query: str = "", **headers: str) -> list[tuple[str, str]]:
    """Ids and names of the events of a job's stream, to its end."""
    async with (
        httpx.AsyncClient(base_url=url, timeout=30, trust_env=False) as client,
        aconnect_sse(client, "GET", f"/v1/jobs/{job_id}/events{query}", headers=headers) as source,
    ):
        return [(event.id, event.event) async for event in source.aiter_sse() if event.data]


@pytest.mark.parametrize("cursor", ["0-1", "99999999999999-0", "18446744073709551615-18446744073709551615"])
async def test_a_stream_begins_anew_where_the_cursor_is_not_known(
    idle_service: Service, long_job: tuple[str, list[str]], cursor: str
) -> None:
    job_id, ids = long_job
    got = await streamed(idle_service.url, job_id, **{"Last-Event-ID": cursor})
    assert got == [(ids[-2], "snapshot"), (ids[-1], "done")]


async def test_a_stream_begins_anew_where_the_cursor_was_trimmed(
    idle_service: Service, long_job: tuple[str, list[str]]
) -> None:
    job_id, ids = long_job
    async with Redis.from_url(idle_service.environment["REDIS_URL"]) as redis:
        await redis.xtrim(Keys().events(job_id), maxlen=10, approximate=False)
    assert await streamed(idle_service.url, job_id, **{"Last-Event-ID": ids[5]}) == [
        (ids[-2], "snapshot"),
        (ids[-1], "done"),
    ]
    held = await streamed(idle_service.url, job_id, **{"Last-Event-ID": ids[-10]})
    assert [id_ for id_, _ in held] == ids[-9:]


@pytest.mark.parametrize(
    "cursor", ["x", "1", "1-", "-1-1", "1-1-1", "99999999999999999999-0", "1-99999999999999999999"]
)
async def test_a_malformed_cursor(idle_service: Service, long_job: tuple[str, list[str]], cursor: str) -> None:
    job_id, _ = long_job
    async with httpx.AsyncClient(base_url=idle_service.url, trust_env=False) as client:
        for given in ({"headers": {"Last-Event-ID": cursor}}, {"params": {"last_event_id": cursor}}):
            response = await client.get(f"/v1/jobs/{job_id}/events", **given)  # type: ignore[arg-type]
            assert (response.status_code, response.json()["type"]) == (400, "/problems/malformed-cursor")


async def test_the_header_wins_over_the_address(idle_service: Service, long_job: tuple[str, list[str]]) -> None:
    """A browser that reconnects keeps its address, and has the newer cursor in the header."""
    job_id, ids = long_job
    got = await streamed(idle_service.url, job_id, f"?last_event_id={ids[3]}", **{"Last-Event-ID": ids[-3]})
    assert [id_ for id_, _ in got] == ids[-2:]
    got = await streamed(idle_service.url, job_id, f"?last_event_id={ids[-3]}")
    assert [id_ for id_, _ in got] == ids[-2:]
