"""The trials of analyses, on code that others have written: what is told is there, and nothing is lost or slow.

`make analysis` runs them; `tools/sources.py` fetches the code.
"""

import asyncio
import io
import random
import tarfile
import time
from collections import Counter
from collections.abc import Mapping
from functools import partial
from typing import Any

import httpx
import orjson
from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from chaos.code_questions import right_files
from chaos.load import KEYS
from chaos.rescues import bearer
from chaos.trials import Finding, Stand
from chaos.usage import Usage, usage
from nlp2filters.core.kinds import ANALYSES_PATH, JOBS_PATH
from nlp2filters.core.statuses import TERMINAL
from tests.analysis.reports import contents, untruths
from tests.kinds.observed_analysis import counts_key
from tests.kinds.wordcount import runs_key
from tools.sources import locate

# Sets `EXTRA_KINDS` of the fleet.
KINDS = "tests.kinds.observed_analysis"
QUESTION = "How does beat decide which task is due next?"
KILL_INTERVAL_S = 3.0
MAX_PEAK_BYTES = 10**9
ACCEPTED_WITHIN_S = 0.3
STOPPED_WITHIN_S = 5.0
PART_SLOTS = 2  # of an embedding worker
SINGLE_JOBS = 10
TIMEOUT_S = 1_800


async def truth(it: Stand, max_chunks: int = 2_000) -> list[Finding]:
    """Analyse each package: whatever the report tells is compared with the archive, and questions are asked."""
    findings = []
    for name, archive in locate().items():
        with usage(it.fleet) as used:
            began = time.monotonic()
            job_id, accepted_s = await _submit(it, archive.read_bytes(), max_chunks=max_chunks)
            await _result(it, job_id)
            took = time.monotonic() - began
        report = await _get(it, job_id, "/report")
        faults = list(untruths(report, contents(archive)))
        chunks = report["coverage"]["analyzed"]
        told = f"{len(faults)}{': ' + faults[0] if faults else ''}"
        findings += [
            Finding(
                f"{name}: {chunks:,} chunks, everything told is in the archive", len(report["files"]), told, not faults
            ),
            Finding("… accepted within 0.3 s", 1, f"{accepted_s:.2f} s", accepted_s <= ACCEPTED_WITHIN_S, timed=True),
            _memory(used),
            Finding("… CPU time", chunks, f"{used.cpu_s:.0f} s, in {took:.0f} s", True),
            *await right_files(name, partial(_get, it, job_id)),
        ]
    return findings


async def kills(it: Stand, count: int, max_chunks: int = 2_000) -> list[Finding]:
    """Analyse Celery undisturbed, again, and with a file changed; at last without vectors, as workers die."""
    archive = locate()["celery"].read_bytes()
    first, _ = await _submit(it, archive, max_chunks=max_chunks)
    undisturbed = await _result(it, first)
    again, _ = await _submit(it, archive, max_chunks=max_chunks)
    repeated = await _result(it, again)
    definition = (await _get(it, first, "/report"))["map"]["definitions"][0]
    changed, _ = await _submit(it, _with_a_line_more(archive, definition), max_chunks=max_chunks)
    await _result(it, changed)
    _forget_vectors(it)
    disturbed, _ = await _submit(it, archive, max_chunks=max_chunks)
    killed = await _kill_workers(it, disturbed, count)
    result = await _result(it, disturbed)
    (usual, _), (runs, late) = _embedded(it, first), _embedded(it, disturbed)
    more, more_again, more_changed = (_embedded(it, job_id)[0].total() for job_id in (disturbed, again, changed))
    more -= len(runs)
    return [
        Finding(
            f"celery, {killed} kills of workers at it: every chunk is embedded",
            len(usual),
            f"{len(usual - runs)} not",
            usual.keys() == runs.keys(),
        ),
        Finding("… none after its vector was kept", runs.total(), f"{late} were", not late),
        Finding(
            "… twice at most the two that a killed worker was at", killed, f"{more} were", more <= PART_SLOTS * killed
        ),
        Finding(
            "… the result is that of an undisturbed run",
            1,
            _difference(undisturbed, result) or "equal",
            not _difference(undisturbed, result),
        ),
        Finding(
            "the same archive again: nothing is embedded, the result is the same",
            1,
            f"{more_again} chunks, {_difference(undisturbed, repeated) or 'equal'}",
            not more_again and not _difference(undisturbed, repeated),
        ),
        Finding(
            f"a line more in {definition['name']}: one chunk is embedded, or two",
            1,
            f"{more_changed} chunks",
            0 < more_changed <= 2,
        ),
    ]


async def _kill_workers(it: Stand, job_id: str, count: int) -> int:
    """Kill workers that are at parts of a job, up to `count` and as long as it goes on. Returns the number of kills."""
    kills = 0
    while kills < count and await _status(it, job_id) not in TERMINAL:
        busy = _workers_at_parts(it, job_id)  # The states still name those that were killed.
        names = [name for name, process in it.fleet.processes.items() if process.pid in busy]
        if names:
            await asyncio.sleep(random.uniform(0, KILL_INTERVAL_S))
            await asyncio.to_thread(it.fleet.kill, random.choice(names))
            kills += 1
        else:
            await asyncio.sleep(0.1)
    return kills


async def room(it: Stand) -> list[Finding]:
    """Ask for filters while Celery is analysed; then cancel the analysis."""
    redis = AsyncRedis.from_url(it.redis.url)
    keys = {owner: await bearer(redis, owner) for owner in ("anna", "ben")}
    findings = []
    try:
        usual = {owner: await _slowest(it, key) for owner, key in keys.items()}
        job_id, _ = await _submit(it, locate()["celery"].read_bytes(), headers=keys["anna"])
        await _until_parts_run(it, job_id)
        for owner, whose in (("anna", "the same owner"), ("ben", "another owner")):
            beside = await _slowest(it, keys[owner])
            promise = f"celery is analysed: filter jobs of {whose} end within 2 s or 3 × their time alone"
            told = f"{beside:.2f} s, alone {usual[owner]:.2f} s"
            findings.append(Finding(promise, SINGLE_JOBS, told, beside <= max(2, 3 * usual[owner]), timed=True))
        assert await _status(it, job_id, keys["anna"]) not in TERMINAL
        findings += await _canceled(it, job_id, keys["anna"])
    finally:
        await redis.delete(KEYS.api_keys)
        await redis.aclose()
    return findings


async def _canceled(it: Stand, job_id: str, key: Mapping[str, str]) -> list[Finding]:
    """Cancel a job that is split, and wait until no worker is at a part of it."""
    began = time.monotonic()
    async with _client(it, key) as client:
        (await client.post(f"{JOBS_PATH}/{job_id}/cancel")).raise_for_status()
        small = await client.post(
            JOBS_PATH, json={"catalog": "cars", "text": "8 cylinders"}, headers={"Prefer": "wait=25"}
        )
        answered = time.monotonic() - began
        while _part_runs(it, job_id)[0] > _part_runs(it, job_id)[1]:
            await asyncio.sleep(0.05)
        stopped = time.monotonic() - began
    chunks = _embedded(it, job_id)[0].total()
    await asyncio.sleep(STOPPED_WITHIN_S)
    more = _embedded(it, job_id)[0].total() - chunks
    return [
        Finding(
            "it is canceled: all its parts stop within 5 s",
            1,
            f"{stopped:.1f} s, {more} chunks later",
            stopped <= 5 and not more,
            timed=True,
        ),
        Finding(
            "… and a filter job is answered at once",
            1,
            f"{answered:.2f} s",
            small.status_code == 200 and answered <= 2,
            timed=True,
        ),
    ]


def _memory(used: Usage) -> Finding:
    peak = f"{used.peak_bytes / 1e6:.0f} MB"
    return Finding("… no process takes more than 1 GB", 1, peak, used.peak_bytes < MAX_PEAK_BYTES)


def _client(it: Stand, headers: Mapping[str, str] | None = None) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=it.fleet.urls[0], timeout=60, trust_env=False, headers=headers)


async def _submit(
    it: Stand, archive: bytes, *, headers: Mapping[str, str] | None = None, max_chunks: int = 2_000
) -> tuple[str, float]:
    """Submit an archive. Returns the job's id and the seconds until it was accepted."""
    params = {"question": QUESTION, "budget": orjson.dumps({"chunks": max_chunks}).decode()}
    async with _client(it, headers) as client:
        await client.get("/healthz")  # so that the connection is open
        began = time.monotonic()
        response = await client.post(
            ANALYSES_PATH, content=archive, params=params, headers={"Content-Type": "application/gzip"}
        )
        took = time.monotonic() - began
    response.raise_for_status()
    return response.json()["id"], took


async def _get(it: Stand, job_id: str, what: str = "", headers: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Read a job or something of it, again while the service is too busy to answer."""
    async with _client(it, headers) as client:
        while (response := await client.get(f"{JOBS_PATH}/{job_id}{what}")).status_code == 503:
            await asyncio.sleep(0.5)
    data: dict[str, Any] = response.raise_for_status().json()
    return data


async def _status(it: Stand, job_id: str, headers: Mapping[str, str] | None = None) -> str:
    return str((await _get(it, job_id, headers=headers))["status"])


async def _result(it: Stand, job_id: str) -> dict[str, Any]:
    """The result of a job, which names the SHA-256 of the whole report, when it has ended."""
    async with asyncio.timeout(TIMEOUT_S):
        while await _status(it, job_id) not in TERMINAL:
            await asyncio.sleep(0.5)
    return await _get(it, job_id, "/result")


async def _slowest(it: Stand, key: Mapping[str, str]) -> float:
    """Seconds that the slowest of some filter jobs took, one after the other."""
    took = []
    async with _client(it, key) as client:
        for number in range(SINGLE_JOBS):
            body = {"catalog": "cars", "text": f"{3 + number} cylinders", "strategy": "builtin"}
            began = time.monotonic()
            response = await client.post(JOBS_PATH, json=body, headers={"Prefer": "wait=25"})
            took.append(time.monotonic() - began if response.status_code == 200 else 60)
    return max(took)


async def _until_parts_run(it: Stand, job_id: str) -> None:
    async with asyncio.timeout(TIMEOUT_S):
        while not _part_runs(it, job_id)[0]:
            await asyncio.sleep(0.05)


def _embedded(it: Stand, job_id: str) -> tuple[Counter[str], int]:
    """How often each chunk was embedded for a job, by its digest, and how many of them in vain."""
    with Redis(port=it.redis.port, decode_responses=True) as redis:
        entries: Any = redis.xrange(runs_key(KEYS, job_id))
    runs = [run for _, run in entries]
    return Counter(run["digest"] for run in runs), sum(int(run["late"]) for run in runs)


def _part_runs(it: Stand, job_id: str) -> tuple[int, int]:
    """How many runs of a job's parts have begun, and ended."""
    with Redis(port=it.redis.port, decode_responses=True) as redis:
        begun, ended = redis.hmget(counts_key(KEYS, job_id), ["begun", "ended"])
    return int(begun or 0), int(ended or 0)


def _workers_at_parts(it: Stand, job_id: str) -> set[int]:
    """The process ids of the workers that are at parts of a job."""
    with Redis(port=it.redis.port) as redis:
        states: Any = redis.hgetall(KEYS.parts(job_id, "states"))
    runs = [orjson.loads(state)["run"] for state in states.values() if b'"run"' in state]  # The rest is about them all.
    return {int(run["worker"].split(":")[1]) for run in runs if run["status"] == "running"}


def _forget_vectors(it: Stand) -> None:
    with Redis(port=it.redis.port) as redis:
        for key in redis.scan_iter(f"{KEYS.prefix}:derived:*"):
            redis.delete(key)


def _with_a_line_more(archive: bytes, definition: Mapping[str, Any]) -> bytes:
    """The archive with a line more in the text of a definition."""
    changed = io.BytesIO()
    with tarfile.open(fileobj=io.BytesIO(archive)) as old, tarfile.open(fileobj=changed, mode="w:gz") as new:
        for info in old:
            content = old.extractfile(info).read() if info.isfile() else b""  # type: ignore[union-attr]
            if info.name == definition["path"]:
                lines = content.splitlines(keepends=True)
                lines.insert(definition["start_line"], b"# This line was not there before.\n")
                content = b"".join(lines)
            info.size = len(content)
            new.addfile(info, io.BytesIO(content))
    return changed.getvalue()


def _difference(one: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    """Name the members that are not equal, but for the usage: calls of the LLM that are repeated or spared."""
    return ", ".join(name for name in one if one[name] != other.get(name) and name != "usage")
