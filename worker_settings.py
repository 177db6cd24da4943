"""The workers, one class per queue, in the form that ARQ reads.

`nlp2filters worker llm` runs `LLMWorker` in our own worker (nlp2filters/worker/leased_worker.py): the Procfile does so.
"""

import os
from typing import Any, TypeVar

from nlp2filters.settings import Settings
from nlp2filters.storage import arq_format
from nlp2filters.storage.arq_format import MAIN, QUICK
from nlp2filters.storage.connection import connect
from nlp2filters.storage.redis_keys import Keys
from nlp2filters.worker import process, stages, webhook_delivery
from nlp2filters.worker.leased_worker import Slots

SETTINGS = Settings.read(os.environ)
KEYS = Keys(SETTINGS.key_prefix)

EMBEDDING_SLOTS = 8
QUICK_SLOTS = 16  # of an llm worker, for jobs that need no LLM
DELIVERY_SLOTS = 50

T = TypeVar("T")


def _most_of(slots: int) -> int:
    """Return the slots that one owner may take: four of five, so that there is always one for another."""
    return max(1, slots - max(1, slots // 5))


def _for_stage(stage: str, abandon: Any = stages.abandon) -> Any:
    """Give a class what all workers have in common. ARQ reads a class's own attributes, not inherited ones."""

    def add(cls: type[T]) -> type[T]:
        common = {
            "queue_name": KEYS.queue(stage),
            "open_key": KEYS.open,
            "lease_s": SETTINGS.lease_s,
            "redis_pool": connect(SETTINGS, patience_s=None),
            "ctx": {"settings": SETTINGS, "stage": stage, "on_abandoned": abandon},
            "on_startup": process.startup,
            "on_shutdown": process.shutdown,
            "job_serializer": arq_format.dumps,
            "job_deserializer": arq_format.loads,
            "health_check_key": KEYS.health(f"{stage}:{os.getpid()}"),
            "health_check_interval": 15,
            "job_timeout": 86_400,  # stages have time-outs of their own, and their results wait for Redis
            "job_completion_wait": 20,
            "keep_result": 0,
            "max_tries": 1_000,  # the job's own record counts, see core/jobs.py
            "log_results": False,
        }
        for name, value in common.items():
            setattr(cls, name, value)
        return cls

    return add


@_for_stage("embedding")
class EmbeddingWorker:
    """Embeds texts and drafts filters. CPU-bound: more processes serve more than more jobs per process."""

    functions = (stages.embed, stages.index)
    slots = Slots({MAIN: EMBEDDING_SLOTS}, owner=_most_of(EMBEDDING_SLOTS))


@_for_stage("llm")
class LLMWorker:
    """Waits for LLM answers, many at once."""

    functions = (stages.translate,)
    slots = Slots({MAIN: SETTINGS.llm_concurrency, QUICK: QUICK_SLOTS}, owner=_most_of(SETTINGS.llm_concurrency))


@_for_stage("delivery", webhook_delivery.abandon)
class DeliveryWorker:
    """Calls webhooks, many at once: a receiver may take 15 s to answer."""

    functions = (webhook_delivery.deliver,)
    slots = Slots({MAIN: DELIVERY_SLOTS}, owner=_most_of(DELIVERY_SLOTS), receiver=DELIVERY_SLOTS // 5)
