"""RQ's worker, a process that forks for every job."""

import asyncio
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from redis import Redis
from rq import Queue

from bench.peers import measuring
from bench.peers.measuring import Peer
from bench.peers.rq_jobs import SOCKET, work


class _Receiver(asyncio.DatagramProtocol):
    def datagram_received(self, data: bytes, addr: object) -> None:
        id_, began = data.decode().split()
        measuring.ARRIVALS.add(id_, float(began))


@asynccontextmanager
async def peer(url: str) -> AsyncIterator[Peer]:
    queue, path = Queue("bench", connection=Redis.from_url(url)), str(Path(tempfile.mkdtemp()) / "socket")
    await asyncio.get_running_loop().create_datagram_endpoint(_Receiver, local_addr=path, family=socket.AF_UNIX)
    pids: list[int] = []

    async def enqueue(id_: str) -> None:
        queue.enqueue(work, id_, result_ttl=60)

    @asynccontextmanager
    async def working() -> AsyncIterator[None]:
        command = [str(Path(sys.executable).parent / "rq"), "worker", "--url", url, "--quiet", "bench"]
        process = await asyncio.to_thread(
            subprocess.Popen, command, env={**os.environ, SOCKET: path, "PYTHONWARNINGS": "ignore"}
        )
        pids.append(process.pid)
        try:
            yield
        finally:
            process.terminate()
            await asyncio.to_thread(process.wait)
            pids.clear()

    def cpu_s() -> float:
        """Return the CPU seconds of the worker and of the forks that have ended."""
        if not pids:
            return 0.0
        fields = Path(f"/proc/{pids[0]}/stat").read_text().rpartition(")")[2].split()
        return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")

    yield Peer(enqueue, working, cpu_s)
