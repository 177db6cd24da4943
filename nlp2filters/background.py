"""Background work of a process, such as renewing leases and sending heartbeats."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

RESTART_S = 5.0

_log = logging.getLogger(__name__)


@asynccontextmanager
async def running(work: Callable[[], Awaitable[None]], name: str) -> AsyncIterator[None]:
    """Do the work while inside the context.

    An error, which is a bug of ours, is logged, and the work restarts: the process depends on it.
    """

    async def repeat() -> None:
        while True:
            try:
                return await work()
            except Exception:
                _log.exception("%s failed, and restarts in %.0f s", name, RESTART_S)
            await asyncio.sleep(RESTART_S)

    task = asyncio.create_task(repeat(), name=name)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
