"""The child process that reads a stranger's table: its limits, and its end."""

import asyncio
import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import duckdb
import pytest

from nlp2filters.core.media_types import CSV, PARQUET
from nlp2filters.errors import UploadRefused
from nlp2filters.file_reading.orders import Order, Report
from nlp2filters.file_reading.process import run
from nlp2filters.table_inference import TableOptions, infer_table
from tests.file_readers import forks_of, is_alive, servers_of

LINES = b"".join(b"%d,item %d,%d.5\n" % (number, number % 50, number % 97) for number in range(200_000))
OPTIONS = TableOptions("things")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "folder" / "table.csv"
    path.parent.mkdir()
    path.write_bytes(b"id,item,size\n" + LINES)
    return path


async def test_it_reports_and_answers(path: Path) -> None:
    reports: list[Report] = []
    result = await run(Order(path, partial(infer_table, media_type=CSV, options=OPTIONS)), reports.append)
    assert (result["rows"], len(result["catalog"]["fields"])) == (200_000, 3)
    assert [report.rows for report in reports] == sorted(report.rows for report in reports)
    assert all(0 < report.share <= 1 for report in reports)


async def test_a_table_may_not_take_all_cpu_time(path: Path) -> None:
    with path.open("ab") as file:
        for _ in range(10):
            file.write(LINES)
    with pytest.raises(UploadRefused) as caught:
        await run(
            Order(path, partial(infer_table, media_type=CSV, options=OPTIONS), cpu_limit_s=2), lambda report: None
        )
    assert caught.value.problem["type"] == "/problems/table-too-complex"


async def test_a_small_table_that_unpacks_to_more_than_the_memory(path: Path) -> None:
    path = path.with_suffix(".parquet")
    duckdb.sql(f"COPY (SELECT repeat('x', 1_000_000) AS a FROM range(1_800)) TO '{path}' (COMPRESSION zstd)")
    assert path.stat().st_size < 1_000_000
    with pytest.raises(UploadRefused):
        await run(
            Order(path, partial(infer_table, media_type=PARQUET, options=OPTIONS), memory_limit=2**30),
            lambda report: None,
        )


async def test_it_ends_with_its_caller(path: Path) -> None:
    started = asyncio.Event()
    task = asyncio.create_task(
        run(Order(path, partial(infer_table, media_type=CSV, options=OPTIONS)), lambda report: started.set())
    )
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_it_deletes_the_table_and_ends_when_its_worker_is_killed(path: Path) -> None:
    worker = await asyncio.create_subprocess_exec(sys.executable, "-c", WORKER, str(path), stdout=subprocess.PIPE)
    assert worker.stdout
    assert await worker.stdout.readline() == b"reads\n"
    readers = forks_of(servers_of(worker.pid))
    assert len(readers) == 1
    worker.kill()
    await worker.communicate()
    async with asyncio.timeout(30):
        while path.parent.exists() or any(map(is_alive, readers)):
            await asyncio.sleep(0.02)


async def test_another_server_takes_over(path: Path) -> None:
    """The kernel may kill the server that children are forked from, as it kills what takes too much memory."""
    order = Order(path, partial(infer_table, media_type=CSV, options=OPTIONS))
    await run(order)
    for server in servers_of(os.getpid()):
        os.kill(server, signal.SIGKILL)
        while is_alive(server):
            await asyncio.sleep(0.02)
    assert (await run(order))["rows"] == 200_000


WORKER = """
import asyncio, sys
from functools import partial
from pathlib import Path
from nlp2filters.core.media_types import CSV
from nlp2filters.file_reading.orders import Order
from nlp2filters.file_reading.process import run
from nlp2filters.table_inference import TableOptions, infer_table

read = partial(infer_table, media_type=CSV, options=TableOptions("things"))
asyncio.run(run(Order(Path(sys.argv[1]), read), lambda report: print("reads", flush=True)))
"""
