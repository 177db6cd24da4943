"""Where one Redis ends: the jobs that do nothing which one server carries, and the commands it spends them on.

First several web and worker processes, as far as this machine's cores go. Then the commands of one job, recorded, with
ids of their own for thousands of jobs, sent as fast as the server takes them: nothing but the server is the limit.
"""

import asyncio
import re
import sys
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import orjson

from bench import commands, machine
from bench.commands import Sent
from bench.http import HTTP
from bench.peers.environments import ROOT
from bench.pipeline import BY_PARSER, NOTHING, POLL_S, WARM_UP
from bench.report import Report, Table
from bench.rounds import medians
from bench.service import ours
from bench.sizes import ROUNDS, size
from bench.text import number

PROCESSES = size((1, 2, 3), (1,))
JOBS = size(1_500, 100)
AT_ONCE = 64
REPLAYED = size(4_000, 200)
CONNECTIONS = 8
# Replayed, these would wait for what never comes, or talk about the connection.
LEFT_OUT = {"BZPOPMIN", "SUBSCRIBE", "UNSUBSCRIBE", "MONITOR", "INFO", "PING", "HELLO", "CLIENT", "SELECT"}
_ID = re.compile(rb"job_[0-9A-Za-z]+")


async def main() -> Report:
    rows, figures = [], dict[str, float]()
    for count in PROCESSES:
        result = await _with_processes(count)
        rows.append([f"{count} web, {count} + {count} workers, no-op", *_cells(result)])
        figures["processes.jobs_per_s"] = max(figures.get("processes.jobs_per_s", 0), result["jobs_per_s"])
    calls: dict[str, dict[str, list[float]]] = {}
    async with ours() as service:
        for title, job in (("no-op", NOTHING), ("filter", BY_PARSER)):
            async with HTTP(service.port) as http:
                for at in range(WARM_UP):
                    await job(http, at, POLL_S)
                sent = await commands.recorded(service.redis_url, partial(job, http, 0, POLL_S))
            calls[title] = defaultdict(lambda: [0.0, 0.0])
            replayed = medians([await _replay(sent, calls[title]) for _ in range(ROUNDS)])
            rows.append([f"the commands of a {title} job alone", *_cells(replayed)])
            figures |= {f"{title}.{name}": value for name, value in replayed.items()}
    return Report(
        {
            "ceiling": Table(
                ["load", "jobs/s", "CPU ms of Redis per job", "cores of Redis in use", "jobs/s of a core"], rows
            ),
            "ceiling-commands": _table(calls["filter"]),
        },
        figures,
        rounds=None,
    )


def _cells(figures: Mapping[str, float]) -> list[str]:
    """Write a row. What a whole core would carry follows from the CPU time, on a busy machine, too."""
    whole = 1_000 / figures["redis_ms"]
    return [*(number(figures[name]) for name in ("jobs_per_s", "redis_ms", "share")), number(whole)]


async def _with_processes(count: int) -> Mapping[str, float]:
    async with ours(webs=count, workers=["embedding"] * count + ["llm"] * count) as service:
        clients = [HTTP(port) for port in service.ports]

        async def run(numbers: Iterable[int]) -> None:
            for at in numbers:
                await NOTHING(clients[at % count], at, POLL_S)

        async def many(total: int) -> None:
            numbers = iter(range(total))
            await asyncio.gather(*(run(numbers) for _ in range(AT_ONCE)))

        await many(WARM_UP)
        cpu_s, began = service.cpu_s()["redis"], time.perf_counter()
        await many(JOBS)
        wall_s, cpu_s = time.perf_counter() - began, service.cpu_s()["redis"] - cpu_s
        for client in clients:
            await client.__aexit__(None, None, None)
    return {"jobs_per_s": JOBS / wall_s, "redis_ms": 1000 * cpu_s / JOBS, "share": cpu_s / wall_s}


async def _replay(sent: Sequence[Sent], calls: dict[str, list[float]]) -> Mapping[str, float]:
    """Send the commands of one job for many jobs, by another process, to an empty server."""
    template = [[word.decode("latin-1") for word in one.words] for one in sent if one.name not in LEFT_OUT]
    with machine.redis_server() as url:
        command = [sys.executable, "-m", "bench.ceiling", url]
        process = await asyncio.create_subprocess_exec(*command, stdin=-1, stdout=-1, cwd=ROOT)
        output, _ = await process.communicate(orjson.dumps(template))
        result: dict[str, Any] = orjson.loads(output)
    for name, (count, usec) in result.pop("commands").items():
        calls[name][0] += count / REPLAYED / ROUNDS
        calls[name][1] += usec / REPLAYED / ROUNDS
    return result


def _table(calls: Mapping[str, Sequence[float]]) -> Table:
    """List the commands of a filter job by the server's time; that of a script includes the commands inside."""
    rows = [
        [f"`{name.upper()}`", f"{count:.1f}", number(usec)]
        for name, (count, usec) in sorted(calls.items(), key=lambda item: -item[1][1])
        if usec >= 1
    ]
    return Table(["command of a filter job", "times", "µs in all"], rows)


def encoded(template: Sequence[Sequence[bytes]], at: int) -> bytes:
    """Encode the commands of one job, whose ids become those of another."""
    ids: dict[bytes, bytes] = {}

    def other(match: re.Match[bytes]) -> bytes:
        id_ = match[0]
        # Ids keep their length, so that what is stored does.
        return ids.setdefault(id_, b"job_%0*d" % (len(id_) - 4, len(ids) * 10_000_000 + at))

    out = []
    for words in template:
        changed = [_ID.sub(other, word) for word in words]
        out.append(b"*%d\r\n" % len(changed) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in changed))
    return b"".join(out)


async def replay(url: str, template: Sequence[Sequence[bytes]]) -> None:
    """Send the commands for all jobs and print what the server did. Runs in a process of its own."""
    from redis.asyncio import Redis

    from nlp2filters.storage import scripts
    from nlp2filters.storage.redis_keys import Keys

    async with Redis.from_url(url) as redis:
        for name, text in vars(scripts).items():
            if name.isupper() and isinstance(text, str):
                await redis.script_load(text)
        await redis.config_resetstat()
        pid = (await redis.info("server"))["process_id"]
        streams = [
            b"".join(encoded(template, at) for at in range(first, REPLAYED, CONNECTIONS))
            for first in range(CONNECTIONS)
        ]
        cpu_s, began = machine.cpu_s(pid), time.perf_counter()
        await asyncio.gather(*(_send(url, stream) for stream in streams))
        wall_s, cpu_s = time.perf_counter() - began, machine.cpu_s(pid) - cpu_s
        stats = await redis.info("commandstats")
        ended = int(await redis.hget(Keys().stats, "succeeded") or 0)
    assert ended == REPLAYED, f"{ended} of {REPLAYED} jobs have ended"
    result = {
        **{"jobs_per_s": REPLAYED / wall_s, "redis_ms": 1000 * cpu_s / REPLAYED, "share": cpu_s / wall_s},
        "commands": {name.removeprefix("cmdstat_"): (one["calls"], one["usec"]) for name, one in stats.items()},
    }
    print(orjson.dumps(result).decode())


async def _send(url: str, stream: bytes) -> None:
    """Send everything, ask to be disconnected, and read until then."""
    address = urlsplit(url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)

    async def read() -> None:
        while await reader.read(2**20):
            pass

    reading = asyncio.create_task(read())
    writer.write(stream)
    writer.write(b"*1\r\n$4\r\nQUIT\r\n")
    await writer.drain()
    await reading
    writer.close()


def main_of_replay() -> None:
    words = orjson.loads(sys.stdin.read())
    asyncio.run(replay(sys.argv[1], [[word.encode("latin-1") for word in one] for one in words]))


if __name__ == "__main__":
    main_of_replay()
