"""Servers that speak the wire formats of embedding APIs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tests.peers.wires import Sent, sent

Vectors = Sequence[Sequence[float]]


@dataclass(frozen=True, eq=False)
class EmbeddingWire:
    """The format of one embedding API: an answer with vectors and a count of tokens, and an error."""

    provider: str
    path: str
    whole: Callable[[Vectors, int], dict[str, Any]]
    error: Callable[[str], dict[str, Any]]

    def good(self, vectors: Vectors, tokens: int = 7) -> Sent:
        return sent(200, self.whole(vectors, tokens))


def _openai(vectors: Vectors, tokens: int) -> dict[str, Any]:
    data = [{"object": "embedding", "index": at, "embedding": list(vector)} for at, vector in enumerate(vectors)]
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    # Nothing promises that the order is that of the texts.
    return {"object": "list", "data": data[::-1], "model": "test-embedding", "usage": usage}


def _ollama(vectors: Vectors, tokens: int) -> dict[str, Any]:
    return {
        "model": "test-embedding",
        "embeddings": [list(vector) for vector in vectors],
        "total_duration": 14143917,
        "load_duration": 1019500,
        "prompt_eval_count": tokens,
    }


OPENAI = EmbeddingWire(
    "openai",
    "/embeddings",
    _openai,
    lambda text: {"error": {"message": text, "type": "invalid_request_error", "param": None, "code": None}},
)
OLLAMA = EmbeddingWire("ollama", "/api/embed", _ollama, lambda text: {"error": text})
WIRES = (OPENAI, OLLAMA)
