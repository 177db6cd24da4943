"""The stateful test of jobs in its small edition; `make chaos` runs it 2,000 times."""

import asyncio
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.job_machine import JobMachine


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


@pytest.mark.timeout(600)
def test_whatever_happens_no_job_is_lost(redis_url: str, loop: asyncio.AbstractEventLoop) -> None:
    JobMachine.url, JobMachine.loop = redis_url, loop
    run_state_machine_as_test(
        JobMachine,
        settings=settings(max_examples=60, stateful_step_count=40, suppress_health_check=list(HealthCheck)),
    )
