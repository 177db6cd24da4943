"""Flame graphs of the processes under load, by py-spy, into docs/flames/: where the CPU time of a job goes.

FLAMES_BEFORE names a checkout of an earlier version, whose graphs go into docs/flames/before/.
"""

import asyncio
import os
import re
from collections.abc import Mapping
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
    profiler = (await asyncio.to_thread(python_of, "profiler")).parent / "py-spy"
    for folder, checkout in _checkouts().items():
        await _record_all(profiler, checkout, folder)
    rows = [[name, f"{(FOLDER / f'{name}.svg').stat().st_size / 1024:.0f} KB"] for name in PROCESSES]
    return Report({"flames": Table(["flame graph", "size"], rows)}, rounds=None)


def _checkouts() -> Mapping[Path, Path]:
    """Return the checkouts to record, by the folders for their graphs."""
    checkouts = {FOLDER: ROOT}
    if before := os.environ.get("FLAMES_BEFORE"):
        checkouts[FOLDER / "before"] = Path(before).resolve()
    for folder in checkouts:
        folder.mkdir(exist_ok=True)
    return checkouts


async def _record_all(profiler: Path, checkout: Path, folder: Path) -> None:
    """Record each process of the checkout's service under load."""
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(llm.serving())
        code = {"PYTHONPATH": str(checkout), "PYTHONSAFEPATH": "1"}  # Python would look in the present folder first.
        service = await stack.enter_async_context(ours({**llm.settings(url), **code}))
        loading = asyncio.create_task(_load(service))
        await asyncio.sleep(2)
        paths = {name: folder / f"{name}.svg" for name in PROCESSES}
        await asyncio.gather(*(_record(profiler, path, service.processes[name]) for name, path in paths.items()))
        loading.cancel()
        await asyncio.gather(loading, return_exceptions=True)
    for path in paths.values():
        _tidy(path, checkout)


async def _load(service: System) -> None:
    """Keep jobs for the LLM under way."""
    async with HTTP(service.port) as http:

        async def run(first: int) -> None:
            at = first
            while True:
                await BY_LLM(http, at, POLL_S)
                at += AT_ONCE

        await asyncio.gather(*(run(at) for at in range(AT_ONCE)))


async def _record(profiler: Path, path: Path, pid: int) -> None:
    options = ["--nonblocking", "--subprocesses", "--duration", str(SECONDS), "--rate", str(RATE), "--function"]
    command = [str(profiler), "record", "--pid", str(pid), *options, "--output", str(path)]
    process = await asyncio.create_subprocess_exec(*command, stdout=-3, stderr=-1)
    _, errors = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"py-spy could not record {path.stem}: {errors.decode()}")


def _tidy(path: Path, checkout: Path) -> None:
    """Take this machine's folders out of a graph: its title and labels have commands. Refuse one that is too large."""
    graph = re.sub(r"(process \d+:(?:&quot;)?)/[^\s<]*", r"\1python", path.read_text())
    for folder in (checkout, ROOT):
        graph = graph.replace(f"{folder}/", "")
    path.write_text(graph)
    if len(graph) > MAX_BYTES:
        raise RuntimeError(f"{path} has more than {MAX_BYTES:,} bytes: sample for fewer seconds.")
