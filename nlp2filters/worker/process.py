"""A worker process: it opens its stage's resources, sends heartbeats, and runs ARQ until it is stopped."""

import asyncio
import logging
import os
import secrets
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, NoReturn

from arq.typing import WorkerSettingsType
from arq.worker import get_kwargs

from nlp2filters.embedding import weights
from nlp2filters.embedding.embedder import Embedder
from nlp2filters.llm import registry
from nlp2filters.llm.provider import LLMProvider
from nlp2filters.settings import Settings
from nlp2filters.storage.heartbeat import Heartbeat
from nlp2filters.storage.redis_keys import Keys
from nlp2filters.storage.store import Store
from nlp2filters.webhooks.client import WebhookClient
from nlp2filters.worker import rescue
from nlp2filters.worker.leased_worker import LeasedWorker
from nlp2filters.worker.parsing.catalogs import CatalogParsers
from nlp2filters.worker.parsing.pool import Pool
from nlp2filters.worker.stages import Resources

# ARQ drops options that it does not know, so these are passed on separately.
LEASED_WORKER_OPTIONS = ("open_key", "lease_s", "slots")

_log = logging.getLogger(__name__)


async def startup(ctx: dict[str, Any]) -> None:
    """Open the stage's resources; `ctx` holds `settings`, `stage` and ARQ's `redis`."""
    async with AsyncExitStack() as stack:
        settings, stage = ctx["settings"], ctx["stage"]
        keys = Keys(settings.key_prefix)
        worker = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(3)}"
        resources = Resources(
            store=Store(ctx["redis"], keys, retention_s=settings.retention_s),
            worker=worker,
            max_attempts=settings.max_attempts,
            faults=settings.faults,
        )
        if stage == "embedding":
            folder = await asyncio.to_thread(weights.locate, settings.model_path, settings.model_cache, progress=False)
            resources.embedder = await Embedder.load(folder, workers=settings.embedding_threads)
            stack.push_async_callback(resources.embedder.close)
            pool = await stack.enter_async_context(Pool(settings.parser_processes))
            resources.parsers = CatalogParsers(pool)
        if stage == "llm":
            resources.provider = await stack.enter_async_context(_provider(settings))
        if stage == "delivery":
            sender = WebhookClient(allow_private=settings.webhook_allow_private, own_hosts=settings.own_hosts)
            resources.sender = await stack.enter_async_context(sender)
            resources.webhook_secrets = settings.webhook_secrets
        heartbeat = Heartbeat(ctx["redis"], keys, stage, worker, timeout_s=settings.heartbeat_timeout_s)
        resources.heartbeat = await stack.enter_async_context(heartbeat)
        await stack.enter_async_context(_rescuing(resources.store, worker, settings.rescue_interval_s))
        ctx["resources"] = resources
        ctx["stack"] = stack.pop_all()
    _log.info("ready", extra={"stage": stage, "worker": worker})


async def shutdown(ctx: dict[str, Any]) -> None:
    """Close what `startup` opened."""
    if stack := ctx.get("stack"):
        await stack.aclose()


async def run(worker_settings: WorkerSettingsType) -> None:
    """Run an ARQ worker in this event loop until SIGTERM or SIGINT has stopped it."""
    options: dict[str, Any] = get_kwargs(worker_settings)
    options |= {name: value for name, value in vars(worker_settings).items() if name in LEASED_WORKER_OPTIONS}
    worker = LeasedWorker(**options)
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


@asynccontextmanager
async def _provider(settings: Settings) -> AsyncIterator[LLMProvider | None]:
    if not settings.llm:
        if settings.lacks_llm_model:
            _log.warning("there is an LLM's key but no LLM_MODEL: the built-in parser answers")
        yield None
        return
    async with registry.create(settings.llm) as provider:
        yield provider


@asynccontextmanager
async def _rescuing(store: Store, worker: str, interval_s: float) -> AsyncIterator[None]:
    """Look for orphans while inside the context, taking turns with the other workers."""
    task = asyncio.create_task(rescue.run(store, worker, interval_s), name="rescue")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
