"""Contexts of workers that run in the test's own process."""

from typing import Any, TypeVar

from nlp2filters.storage.blobs.in_redis import RedisBackend
from nlp2filters.storage.blobs.store import Blobs, Quota
from nlp2filters.storage.derived import Derived
from nlp2filters.storage.heartbeat import Heartbeat
from nlp2filters.storage.store import Store
from nlp2filters.storage.vector_index import Indexes
from nlp2filters.worker.attempt import WorkerContext
from nlp2filters.worker.embedding_services import EmbeddingServices
from nlp2filters.worker.llm_services import LLMServices

S = TypeVar("S")


def context(store: Store, services: S, **limits: Any) -> WorkerContext[S]:
    """A worker that sends no heartbeats. `limits` are the last members of its context."""
    heartbeat = Heartbeat(store.redis, store.keys, "test", "w", timeout_s=15)
    return WorkerContext("w", store, heartbeat, services, derived(store), **limits)


def derived(store: Store) -> Derived:
    """Derived results that are kept for a minute."""
    return Derived(store.redis, store.keys, kept_s=60, max_bytes=0)


def embedding(
    store: Store, embedder: Any, parsers: Any = None, files: Blobs | None = None
) -> WorkerContext[EmbeddingServices]:
    """A worker of the stage `embedding`."""
    indexes = Indexes(store.redis, store.keys)
    return context(store, EmbeddingServices(embedder, parsers, indexes, files or blobs(store)))


def blobs(store: Store) -> Blobs:
    """Blobs in Redis, which are kept for a minute."""
    redis, keys = store.redis, store.keys
    return Blobs(RedisBackend(redis, keys, 60), Quota(redis, keys, 60_000, separate=False))


def llm(store: Store, provider: Any, **limits: Any) -> WorkerContext[LLMServices]:
    """A worker of the stage `llm`."""
    return context(store, LLMServices(provider), **limits)
