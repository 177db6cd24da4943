"""The commands that one job sends to Redis, as MONITOR shows them, each with the reason why it is sent."""

import asyncio
import codecs
import hashlib
import re
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from bench.report import Table
from bench.service import System
from nlp2filters.storage import scripts

SETTLED_S = 0.3
# What a job waits for, and what a worker or a web process does from time to time, whether there are jobs or not.
WAITING = {"BZPOPMIN", "MONITOR", "INFO", "PING", "HELLO", "CLIENT", "SELECT"}
NAMES = {
    hashlib.sha1(text.encode()).hexdigest(): name
    for name, text in vars(scripts).items()
    if name.isupper() and isinstance(text, str) and not name.startswith("_")
}
# The scripts of the service, ARQ's record of a worker's health, and the lock of who looks for orphans.
PERIODIC = {"HEARTBEAT", "FIND_ORPHANS", "ZCARD", "PSETEX"}
RESCUE = b"n2f:rescue"
_LINE = re.compile(r"\+([\d.]+) \[\d+ ([^\]]+)\] (.*)")
_WORD = re.compile(r'"((?:[^"\\]|\\.)*)"')

REASONS = {
    "CREATE": "the job: limits, record, event, index and queue entry, in one step",
    "CLAIM": "takes due entries with a lease, as many as there are free slots, and reads what ARQ and the stage need",
    "COMMIT": "a step of the job with its fence, events and queue entries: the begin and the end of each stage",
    "RELEASE": "gives back a lease whose entry no commit has removed",
    "RENEW": "keeps the lease of a stage that takes longer than three seconds",
    "PUBLISH": "progress of a running attempt",
    "SPEND": "counts what a call of the LLM took",
    "HLEN": "are there API keys? For each request, since a first one may be created at any time",
    "HMGET": "reads the record with the fields that a stream needs",
    "HGETALL": "what the job's calls of providers took, for `usage` of the result",
    "XREVRANGE": "the last two events, before the snapshot of a new stream, in one round trip with it",
    "SUBSCRIBE": "brings the events of this job to its streams",
    "XRANGE": "the events between the snapshot of a stream and its subscription",
    "UNSUBSCRIBE": "fifty jobs that nobody follows any more",
}


@dataclass
class Sent:
    """A command that a client sent, with its connection, and the commands of its script, if it is one."""

    at: float
    client: str
    words: list[bytes]
    inner: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Its name, or that of the script that it runs."""
        name = self.words[0].decode().upper()
        return NAMES.get(self.words[1].decode(), name) if name in ("EVALSHA", "EVALSHA_RO") else name


async def of_one_job(system: System, job: Callable[[], Awaitable[None]]) -> list[Sent]:
    """Return the commands that are sent while one job runs; what runs from time to time is left out."""
    sent = await recorded(system.redis_url, job)
    return [one for one in sent if one.name not in WAITING | PERIODIC and RESCUE not in one.words]


async def recorded(redis_url: str, job: Callable[[], Awaitable[None]]) -> list[Sent]:
    """Return all commands that clients send while one job runs, in their order."""
    address = urlsplit(redis_url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port, limit=2**24)
    writer.write(b"MONITOR\r\n")
    await reader.readline()
    sent: list[Sent] = []

    async def read() -> None:
        while line := await reader.readline():
            _add(sent, line)

    reading = asyncio.create_task(read())
    await job()
    await asyncio.sleep(SETTLED_S)
    reading.cancel()
    with suppress(asyncio.CancelledError):
        await reading
    writer.close()
    return sent


def _add(sent: list[Sent], line: bytes) -> None:
    match = _LINE.match(line.decode("latin-1"))
    if not match:
        return
    words = [_unescaped(word) for word in _WORD.findall(match[3])]
    if match[2] == "lua" and sent:
        sent[-1].inner.append(words[0].decode().upper())
    else:
        sent.append(Sent(float(match[1]), match[2], words))


def _unescaped(word: str) -> bytes:
    return codecs.escape_decode(word.encode("latin-1"))[0]


def table(sent: Sequence[Sent]) -> Table:
    """List the kinds of commands in the order of their first appearance."""
    rows = []
    for name in dict.fromkeys(one.name for one in sent):
        same = [one for one in sent if one.name == name]
        inner = sum(len(one.inner) for one in same)
        title = f"script `{name.lower()}.lua`" if name in NAMES.values() else f"`{name}`"
        rows.append([title, str(len(same)), str(inner or "–"), REASONS.get(name, "")])
    rows.append(["all", str(len(sent)), str(sum(len(one.inner) for one in sent)), ""])
    return Table(["sent by a process", "times", "commands inside", "why"], rows)
