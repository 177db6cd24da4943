"""The workers, one class per queue, in the form that ARQ reads. They are made from the table in `worker/stages.py`.

`nlp2filters worker llm` runs `LLMWorker` in our own worker (nlp2filters/worker/leased_worker.py): the Procfile does so.
"""

import os
from typing import Any

from nlp2filters.core import kinds
from nlp2filters.settings import Settings
from nlp2filters.storage import arq_format
from nlp2filters.storage.connection import connect
from nlp2filters.storage.redis_keys import Keys
from nlp2filters.worker import process, stages
from nlp2filters.worker.stages import WorkerSpec

SETTINGS = Settings.read(os.environ)
KEYS = Keys(SETTINGS.key_prefix)

kinds.load(SETTINGS.extra_kinds)
stages.add(SETTINGS.extra_kinds)


def _worker_class(spec: WorkerSpec[Any]) -> type:
    """Make the class of a worker. ARQ reads a class's own attributes, not inherited ones."""
    attributes = {
        "__doc__": f"The worker of the queue `{spec.queue}`.",
        "queue_name": KEYS.queue(spec.queue),
        "open_key": KEYS.open,
        "lease_s": SETTINGS.lease_s,
        "redis_pool": connect(SETTINGS, patience_s=None),
        "functions": stages.functions_of(spec),
        "slots": stages.slots_of(spec, SETTINGS),
        "reads": stages.reads_of(spec, KEYS),
        "ctx": {"settings": SETTINGS, "spec": spec, "on_abandoned": stages.abandon},
        "on_startup": process.startup,
        "on_shutdown": process.shutdown,
        "job_serializer": arq_format.dumps,
        "job_deserializer": arq_format.loads,
        "health_check_key": KEYS.health(f"{spec.queue}:{os.getpid()}"),
        "health_check_interval": 15,
        "job_timeout": 86_400,  # Stages have timeouts of their own, and their results wait for Redis.
        "job_completion_wait": 20,
        "keep_result": 0,
        "max_tries": 1_000,  # The job's own record counts, see core/jobs.py.
        "log_results": False,
    }
    return type(f"{spec.title}Worker", (), attributes)


WORKERS = {queue: _worker_class(spec) for queue, spec in stages.workers().items()}
# ARQ finds each class by its name: EmbeddingWorker, LLMWorker, DeliveryWorker.
globals().update({worker.__name__: worker for worker in WORKERS.values()})
