"""Trials of hostile clients: bytes, processor time, connections, and requests that never end."""

import asyncio
import itertools
import resource
import socket
import string
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import httpx
import orjson
from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from chaos.load import KEYS
from chaos.rescues import bearer
from chaos.trials import Finding, Stand, used_memory
from nlp2filters.core.statuses import TERMINAL

MEMBERS = 100
BYTES_PER_JOB = 18_000  # when accepted, and what its stages add: docs/architecture.md
OPEN_FILES = 1024  # Most systems give a process this many.
HEADER_BYTES = 8_000_000
ANSWERED_WITHIN_S = 15


async def many_bytes(it: Stand) -> list[Finding]:
    """A large inline catalog, then small batches that refer to it a hundred times each."""
    url = it.fleet.urls[0]
    fields = [{"name": f"f{i}", "type": "keyword", "label": f"label {i} " + "x" * 60} for i in range(7_000)]
    first = {"catalog": {"name": "large", "title": "Large", "fields": fields}, "text": "label 3"}
    async with httpx.AsyncClient(timeout=120, trust_env=False) as client:
        response = await client.post(f"{url}/v1/jobs", json=first, headers={"Prefer": "wait=25"})
        response.raise_for_status()
        job_id = response.json()["id"]
        await _ended(client, f"{url}/v1/jobs/{job_id}")
        requests = [{"custom_id": str(i), "refines": job_id, "text": "label 4"} for i in range(MEMBERS)]
        body = orjson.dumps({"requests": requests})
        with Redis(port=it.redis.port) as redis:
            before, began = used_memory(redis), time.monotonic()
            response = await client.post(
                f"{url}/v1/batches", content=body, headers={"Content-Type": "application/json"}
            )
            took = time.monotonic() - began
            added = used_memory(redis) - before
        response.raise_for_status()
        await client.post(f"{url}/v1/batches/{response.json()['id']}/cancel")
    most = 3 * len(body) + BYTES_PER_JOB * MEMBERS
    return [
        Finding(
            f"a batch of {MEMBERS} that refines a job with a catalog of {len(orjson.dumps(first)) // 1000} kB adds at "
            f"most 3 × its own size and {BYTES_PER_JOB // 1000} kB per job",
            1,
            f"{added / 1e6:.2f} MB for {len(body) / 1e3:.0f} kB",
            added <= most,
        ),
        Finding("… and is accepted within 2 s", 1, f"{took:.1f} s", took <= 2, timed=True),
    ]


async def much_computing(it: Stand, count: int) -> list[Finding]:
    """Texts that cost much to read, against a catalog of thousands of equal labels; another owner's jobs go on."""
    url = it.fleet.urls[0]
    fields = [{"name": f"f{i}", "type": "keyword", "label": "a"} for i in range(9_000)]
    text = " ".join(itertools.islice(itertools.cycle(string.ascii_lowercase), 1_900))
    hostile = {"catalog": {"name": "hostile", "title": "Hostile", "fields": fields}, "text": text}
    it.answer_after(0.1)
    redis = AsyncRedis.from_url(it.redis.url)
    anna, ben = [
        httpx.AsyncClient(timeout=120, trust_env=False, headers=await bearer(redis, owner)) for owner in ("anna", "ben")
    ]
    async with anna, ben:
        alone = [await _seconds(ben, url) for _ in range(10)]
        answers = [await anna.post(f"{url}/v1/jobs", json=hostile) for _ in range(count)]
        beside = [await _seconds(ben, url) for _ in range(10)]
        jobs = [await _ended(anna, f"{url}/v1/jobs/{answer.json()['id']}") for answer in answers]
    await redis.delete(KEYS.api_keys)
    await redis.aclose()
    with Redis(port=it.redis.port) as redis:
        records: list[Any] = [redis.hget(KEYS.job(job["id"]), "record") for job in jobs]
    runs = [orjson.loads(record)["stages"]["embedding"] for record in records]
    lost = sum(run["handed_back"] + len(run["suspects"]) for run in runs)
    limit = max(2, 3 * max(alone))
    seen = f"{max(beside):.2f} s, alone {max(alone):.2f} s"
    how = ", ".join(sorted({job["status"] for job in jobs}))
    return [
        Finding(
            f"{count} texts that cost much: another owner's job ends within 2 s or 3 × its time alone",
            len(beside),
            seen,
            max(beside) <= limit,
            timed=True,
        ),
        Finding(f"… no lease is lost ({how})", count, f"{lost} lost", lost == 0),
    ]


async def storm(it: Stand, clients: int) -> list[Finding]:
    """Very many clients follow one job, and all come at once."""
    with _many_files():
        it.answer_after(10)
        load = it.load()
        await load.submit(1, 0)
        url = f"{it.fleet.urls[0]}/v1/jobs/{load.accepted[0]}/events"
        limits = httpx.Limits(max_connections=None)
        async with httpx.AsyncClient(timeout=120, trust_env=False, limits=limits) as client:
            seen = await asyncio.gather(*(_follow(client, url) for _ in range(clients)))
        connections = it.fleet.connections(["web-0"], it.redis_proxy.port)
    served = seen.count("done")
    return [
        Finding(
            f"{clients} clients follow a job at once, every one gets its end",
            clients,
            f"{served} did",
            served == clients,
        ),
        Finding("… over few connections to Redis", clients, f"{connections}", connections <= 10),
    ]


async def _follow(client: httpx.AsyncClient, url: str) -> str:
    """The name of the last event, or what went wrong."""
    last = "nothing"
    try:
        async with client.stream("GET", url) as response:
            if response.status_code != 200:
                return str(response.status_code)
            async for line in response.aiter_lines():
                if line.startswith("event: "):
                    last = line.removeprefix("event: ")
    except httpx.TransportError as exc:
        return type(exc).__name__
    return last


async def silent_connections(it: Stand, count: int) -> list[Finding]:
    """More connections than a process may have open files, that say nothing or stop in mid-request."""
    host, port = _address(it)
    resource.prlimit(it.fleet.processes["web-0"].pid, resource.RLIMIT_NOFILE, (OPEN_FILES, OPEN_FILES))
    it.fleet.restart("web-0")
    it.fleet.wait_until_ready()
    answers = []
    with _many_files(), ExitStack() as stack:
        for number in range(count):
            connection = stack.enter_context(socket.create_connection((host, port), timeout=10))
            if number % 2:
                connection.send(b"POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-")
        for _ in range(10):
            answers.append(await asyncio.to_thread(_healthy, it.fleet.urls[0]))
            await asyncio.sleep(1)
    healthy = sum(answers)
    return [
        Finding(
            f"{count} silent connections at {OPEN_FILES} open files: /healthz answers",
            len(answers),
            f"{healthy} times",
            healthy == len(answers),
        )
    ]


def _healthy(url: str) -> bool:
    try:
        return httpx.get(f"{url}/healthz", timeout=5, trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


async def endless_header(it: Stand) -> list[Finding]:
    """A header without an end."""
    return await asyncio.to_thread(_endless_header, it)


def _endless_header(it: Stand) -> list[Finding]:
    before = it.fleet.memory_kb(["web-0"])["web-0"]
    sent, answer = 0, b""
    with socket.create_connection(_address(it), timeout=ANSWERED_WITHIN_S) as connection:
        connection.send(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Endless: ")
        try:
            while sent < HEADER_BYTES:
                sent += connection.send(b"x" * 10_000)
            answer = connection.recv(1000)
        except OSError:
            try:
                answer = connection.recv(1000)
            except OSError:
                answer = b"closed"
    grown = it.fleet.memory_kb(["web-0"])["web-0"] - before
    refused = sent < HEADER_BYTES or answer.startswith(b"HTTP/1.1 431") or answer in (b"", b"closed")
    return [
        Finding("an endless header is refused", 1, f"after {sent // 1000} kB", refused),
        Finding("… and not kept in memory", 1, f"{grown / 1000:.1f} MB more", grown < 4_000),
    ]


def _address(it: Stand) -> tuple[str, int]:
    url = httpx.URL(it.fleet.urls[0])
    return url.host, url.port or 80


@contextmanager
def _many_files() -> Iterator[None]:
    """As many open files as this process may have, while inside."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def _seconds(client: httpx.AsyncClient, url: str) -> float:
    began = time.monotonic()
    body = {"catalog": "cars", "text": "8 cylinders", "strategy": "builtin"}
    response = await client.post(f"{url}/v1/jobs", json=body, headers={"Prefer": "wait=25"})
    return time.monotonic() - began if response.status_code == 200 else 60.0


async def _ended(client: httpx.AsyncClient, url: str) -> dict[str, Any]:
    """The job, when it has ended."""
    while True:
        job: dict[str, Any] = (await client.get(url)).json()
        if job["status"] in TERMINAL:
            return job
        await asyncio.sleep(0.1)
