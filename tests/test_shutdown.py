"""Processes that are told to stop: what clients see of it, and what is not waited for."""

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from arq import create_pool
from arq.connections import RedisSettings

from nlp2filters.storage import arq_format
from nlp2filters.storage.redis_keys import Keys
from tests.service import ROOT, STOP_TIMEOUT_S, Service, started

BUSY = """
import asyncio, os, sys, time
import worker_settings
from nlp2filters.cli.main import main

async def compute(ctx):
    print("computing", flush=True)
    await asyncio.to_thread(time.sleep, 600)  # as a thread does that reads a long text on a starved machine

worker_settings.DeliveryWorker.functions = (compute,)
worker_settings.DeliveryWorker.job_completion_wait = 1
main(["worker", "delivery"])
"""


async def test_a_worker_does_not_wait_for_a_thread_that_computes(redis_url: str, keys: Keys) -> None:
    environment = {**os.environ, "REDIS_URL": redis_url, "KEY_PREFIX": keys.prefix, "LOG_LEVEL": "ERROR"}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", BUSY, cwd=ROOT, env=environment, stdout=asyncio.subprocess.PIPE
    )
    settings, queue_name = RedisSettings.from_dsn(redis_url), keys.queue("delivery")
    pool = await create_pool(settings, default_queue_name=queue_name, job_serializer=arq_format.dumps)
    try:
        await pool.enqueue_job("compute")
        assert process.stdout
        async with asyncio.timeout(60):
            assert await process.stdout.readline() == b"computing\n"
            process.terminate()
            assert await process.wait() == 0
    finally:
        await pool.aclose()
        if process.returncode is None:
            process.kill()


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with started(tmp_path, "web", "embedding") as service:
        yield service


def test_streams_end_so_that_clients_reconnect_elsewhere(service: Service) -> None:
    job_id = service.submit("8 cylinders")  # no llm worker: it will not end
    lines: list[str] = []
    first = threading.Event()

    def follow() -> None:
        with service.client.stream("GET", f"/v1/jobs/{job_id}/events", timeout=60) as response:
            for line in response.iter_lines():
                lines.append(line)
                first.set()

    follower = threading.Thread(target=follow)
    follower.start()
    assert first.wait(20)
    service.processes["web"].send_signal(signal.SIGTERM)
    service.processes["web"].wait(STOP_TIMEOUT_S)
    follower.join(5)
    assert not follower.is_alive()  # ended in good order, not by a broken connection
    assert "event: done" not in lines
    cursor = next(line.removeprefix("id: ") for line in reversed(lines) if line.startswith("id: "))

    service.start("web", "llm")
    service.wait_until_answering()
    headers = {"Last-Event-ID": cursor}
    with service.client.stream("GET", f"/v1/jobs/{job_id}/events", timeout=60, headers=headers) as response:
        assert "event: done" in list(response.iter_lines())
