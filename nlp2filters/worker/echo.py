"""Jobs of the kind `echo`, of the older API: a text passes both queues, and comes back.

embedding   embed the text
llm         pass it on
"""

from typing import TYPE_CHECKING

from nlp2filters.worker.attempt import Attempt, StageResult

if TYPE_CHECKING:  # Workers of other queues use a part of this module only.
    from nlp2filters.worker.embedding_services import EmbeddingServices
    from nlp2filters.worker.llm_services import LLMServices


async def embed(attempt: Attempt["EmbeddingServices"]) -> StageResult:
    """Embed the text. Jobs that a version before this one created end here."""
    text: str = attempt.request["text"]
    vectors = await attempt.worker.services.embedder.embed([text])
    echoed = {"text": text, "dimensions": vectors.shape[1]}
    return StageResult({"result" if attempt.job.next_stage is None else "echoed": echoed})


async def pass_on(attempt: Attempt["LLMServices"]) -> StageResult:
    """Return what was embedded, by this version or the one before."""
    return StageResult({"result": attempt.fields.get("echoed") or attempt.fields["result"]})
