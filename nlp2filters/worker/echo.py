"""Jobs of the kind `echo`, of the older API: embed a text and return it."""

from nlp2filters.worker.attempt import Attempt, StageResult
from nlp2filters.worker.services import EmbeddingServices


async def embed(attempt: Attempt[EmbeddingServices]) -> StageResult:
    """Embed the text."""
    text: str = attempt.request["text"]
    vectors = await attempt.worker.services.embedder.embed([text])
    return StageResult({"result": {"text": text, "dimensions": vectors.shape[1]}})
