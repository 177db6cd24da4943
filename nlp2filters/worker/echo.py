"""Jobs of the kind `echo`, of the older API: a text passes both queues, and comes back.

embedding   embed the text
llm         pass it on
"""

from nlp2filters.worker.attempt import Attempt, StageResult
from nlp2filters.worker.services import EmbeddingServices, LLMServices


async def embed(attempt: Attempt[EmbeddingServices]) -> StageResult:
    """Embed the text. Jobs that a version before this one created end here."""
    text: str = attempt.request["text"]
    vectors = await attempt.worker.services.embedder.embed([text])
    echoed = {"text": text, "dimensions": vectors.shape[1]}
    return StageResult({"result" if attempt.job.next_stage is None else "echoed": echoed})


async def pass_on(attempt: Attempt[LLMServices]) -> StageResult:
    """Return what was embedded, by this version or the one before."""
    return StageResult({"result": attempt.fields.get("echoed") or attempt.fields["result"]})
