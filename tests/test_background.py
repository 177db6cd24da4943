"""Work in the background begins again after a fault, and ends with its context."""

import asyncio

import pytest

from nlp2filters import background


async def test_work_that_fails_is_logged_and_begins_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(background, "RESTART_S", 0.001)
    begun, again = 0, asyncio.Event()

    async def work() -> None:
        nonlocal begun
        begun += 1
        if begun < 3:
            raise ZeroDivisionError(f"fault {begun}")
        again.set()
        await asyncio.Event().wait()

    async with background.running(work, "counting"):
        async with asyncio.timeout(20):
            await again.wait()
    assert begun == 3
    assert [record.exc_info[1].args for record in caplog.records if record.exc_info and record.exc_info[1]] == [
        ("fault 1",),
        ("fault 2",),
    ]
    assert "counting failed" in caplog.text


async def test_work_is_cancelled_at_the_end_of_the_context() -> None:
    canceled = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            canceled.set()
            raise

    async with background.running(work, "waiting"):
        await asyncio.sleep(0)
    assert canceled.is_set()


async def test_work_that_is_done_stays_done() -> None:
    begun = 0

    async def work() -> None:
        nonlocal begun
        begun += 1

    async with background.running(work, "once"):
        for _ in range(10):
            await asyncio.sleep(0)
    assert begun == 1
