"""Flame graphs of the processes under load, by py-spy, into docs/flames/: where the CPU time of a job goes."""

import asyncio
import sys
from contextlib import AsyncExitStack
from pathlib import Path

from bench import llm
from bench.http import HTTP
from bench.peers.environments import ROOT, python_of
from bench.pipeline import AT_ONCE, BY_LLM, POLL_S
from bench.report import DOCS, Report, Table
from bench.service import System, ours
from bench.sizes import size

FOLDER = DOCS / "flames"
SECONDS = size(12, 3)
RATE = 200
MAX_BYTES = 300_000
PROCESSES = ("web", "embedding", "llm")


async def main() -> Report:
    FOLDER.mkdir(exist_ok=True)
    profiler = (await asyncio.to_thread(python_of, "profiler")).parent / "py-spy"
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(llm.serving())
        service = await stack.enter_async_context(ours(llm.settings(url)))
        loading = asyncio.create_task(_load(service))
        await asyncio.sleep(2)
        await asyncio.gather(*(_record(profiler, name, service.processes[name]) for name in PROCESSES))
        loading.cancel()
        await asyncio.gather(loading, return_exceptions=True)
    rows = [[name, f"{(FOLDER / f'{name}.svg').stat().st_size / 1024:.0f} KB"] for name in PROCESSES]
    return Report({"flames": Table(["flame graph", "size"], rows)}, rounds=None)


async def _load(service: System) -> None:
    """Keep jobs for the LLM under way."""
    async with HTTP(service.port) as http:

        async def run(first: int) -> None:
            at = first
            while True:
                await BY_LLM(http, at, POLL_S)
                at += AT_ONCE

        await asyncio.gather(*(run(at) for at in range(AT_ONCE)))


async def _record(profiler: Path, name: str, pid: int) -> None:
    path = FOLDER / f"{name}.svg"
    options = ["--nonblocking", "--subprocesses", "--duration", str(SECONDS), "--rate", str(RATE), "--function"]
    command = [str(profiler), "record", "--pid", str(pid), *options, "--output", str(path)]
    process = await asyncio.create_subprocess_exec(*command, stdout=-3, stderr=-1)
    _, errors = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"py-spy could not look at {name}: {errors.decode()}")
    # The title has the whole command, with folders of this machine.
    path.write_text(path.read_text().replace(f"{ROOT}/", "").replace(f"{Path(sys.executable).parent}/", ""))
    if path.stat().st_size > MAX_BYTES:
        raise RuntimeError(f"{path} has more than {MAX_BYTES:,} bytes: sample for fewer seconds.")
