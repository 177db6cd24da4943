"""A worker process: it opens its services, sends heartbeats, and runs ARQ until it is stopped."""

import asyncio
import gc
import logging
import os
import secrets
import socket
from contextlib import AsyncExitStack
from functools import partial
from typing import Any, NoReturn

from arq.typing import WorkerSettingsType
from arq.worker import get_kwargs

from nlp2filters import background, tracing
from nlp2filters.settings import Settings
from nlp2filters.storage import rate_limits
from nlp2filters.storage.derived import Derived
from nlp2filters.storage.heartbeat import Activity, Heartbeat
from nlp2filters.storage.redis_keys import Keys
from nlp2filters.storage.store import Store
from nlp2filters.worker import rescue, stages
from nlp2filters.worker.attempt import WorkerContext
from nlp2filters.worker.leased_worker import LeasedWorker
from nlp2filters.worker.stages import WorkerSpec

# ARQ drops options that it does not know, so these are passed on separately.
LEASED_WORKER_OPTIONS = ("open_key", "lease_s", "slots", "reads")

# The garbage collector looks at new objects after so many. At Python's 700 it takes a fifth of an llm worker's CPU.
NEW_OBJECTS = 50_000

_log = logging.getLogger(__name__)


async def startup(ctx: dict[str, Any]) -> None:
    """Open the worker's services; `ctx` holds its `settings`, `spec` and `activity`, and ARQ's `redis`."""
    settings: Settings = ctx["settings"]
    spec: WorkerSpec[Any] = ctx["spec"]
    keys = Keys(settings.key_prefix)
    store = Store(ctx["redis"], keys, retention_s=settings.retention_s)
    name = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(3)}"
    maxmemory = await rate_limits.maxmemory(ctx["redis"])
    async with AsyncExitStack() as stack:
        services = await stack.enter_async_context((await stages.load(spec.open))(settings, store))
        heartbeat = Heartbeat(
            ctx["redis"],
            keys,
            spec.queue,
            name,
            timeout_s=settings.heartbeat_timeout_s,
            counts=store.counts,
            activity=ctx.get("activity", Activity),
        )
        await stack.enter_async_context(heartbeat)
        sweeping = partial(rescue.run, store, name, settings.rescue_interval_s)
        await stack.enter_async_context(background.running(sweeping, "rescue"))
        ctx["worker"] = WorkerContext(
            name,
            store,
            heartbeat,
            services,
            Derived(
                ctx["redis"],
                keys,
                kept_s=settings.derived_retention_s,
                max_bytes=min(settings.max_owner_derived_bytes, maxmemory // 4 or settings.max_owner_derived_bytes),
            ),
            settings.max_attempts,
            min(settings.max_owner_bytes, maxmemory // 2 or settings.max_owner_bytes),
            settings.faults,
            spec.time_limit_s(settings),
            settings.max_put_off_s,
        )
        await ctx["redis"].load_scripts()
        await stages.load_at_hand(spec)
        ctx["stack"] = stack.pop_all()
    gc.freeze()  # What there is now stays until the end, so that nobody needs to look at it again.
    gc.set_threshold(NEW_OBJECTS)
    _log.info("ready", extra={"stage": spec.queue, "worker": name})


async def shutdown(ctx: dict[str, Any]) -> None:
    """Close what `startup` opened."""
    if stack := ctx.get("stack"):
        await stack.aclose()


async def run(worker_settings: WorkerSettingsType) -> None:
    """Run an ARQ worker in this event loop until SIGTERM or SIGINT has stopped it."""
    options: dict[str, Any] = get_kwargs(worker_settings)
    options |= {name: value for name, value in vars(worker_settings).items() if name in LEASED_WORKER_OPTIONS}
    worker = LeasedWorker(**options)
    worker.ctx["activity"] = worker.activity
    with tracing.recording(worker.ctx["spec"].queue, os.environ):
        try:
            await worker.async_run()
        except asyncio.CancelledError:
            _log.info("stopped")
        finally:
            await worker.close()


async def run_process(worker_settings: WorkerSettingsType) -> NoReturn:
    """Call `run`, then end the process at once.

    A normal exit would wait for threads that still read long texts, although their jobs have been handed back.
    """
    await run(worker_settings)
    logging.shutdown()
    os._exit(0)
