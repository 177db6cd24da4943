"""The kind `analysis` with a witness: `EXTRA_KINDS=tests.kinds.observed_analysis` notes each text that is embedded.

A trial that kills workers sees in these notes what was embedded again, and if its vector was there already.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from nlp2filters.core.embedding_model import MODEL
from nlp2filters.core.kinds import KINDS
from nlp2filters.core.parts import digest_of
from nlp2filters.storage.redis_keys import Keys
from nlp2filters.worker.analysis import WORK
from nlp2filters.worker.embedding_services import EmbeddingServices
from nlp2filters.worker.parts import PartAttempt
from nlp2filters.worker.stages import EMBEDDING
from tests.kinds.wordcount import runs_key

KEPT_S = 3_600


def counts_key(keys: Keys, job_id: str) -> str:
    """A hash: the number of runs of parts that have `begun`, and `ended`, one way or the other."""
    return f"{keys.prefix}:test-counts:{job_id}"


@dataclass(frozen=True)
class Witness:
    """An embedder that notes what it is asked for. `late` is 1 if the owner had the vector already."""

    attempt: PartAttempt[EmbeddingServices]

    async def embed(self, texts: Sequence[str], **options: Any) -> Any:
        """Embed as the worker's own embedder does, after a note in the stream of the job's runs."""
        job, worker = self.attempt.job, self.attempt.worker
        for digest in (digest_of(MODEL, text) for text in texts):
            late = not await worker.derived.missing(job.owner, [digest])
            await worker.store.redis.xadd(runs_key(worker.store.keys, job.id), {"digest": digest, "late": int(late)})
        await worker.store.redis.expire(runs_key(worker.store.keys, job.id), KEPT_S)
        return await worker.services.embedder.embed(texts, **options)


async def run_part(attempt: PartAttempt[EmbeddingServices]) -> bytes:
    """Run a part as the kind itself does, with a witness; its begin and its end are counted."""
    worker = attempt.worker
    counts = counts_key(worker.store.keys, attempt.job.id)
    services = replace(worker.services, embedder=Witness(attempt))  # type: ignore[arg-type]
    await worker.store.redis.hincrby(counts, "begun", 1)  # type: ignore[misc]
    await worker.store.redis.expire(counts, KEPT_S)
    try:
        return await WORK.run_part(replace(attempt, worker=replace(worker, services=services)))
    finally:
        await worker.store.redis.hincrby(counts, "ended", 1)  # type: ignore[misc]


KIND = KINDS["analysis"]
STAGES = {"embedding": EMBEDDING.split_stage(replace(WORK, run_part=run_part))}
