"""Text embedding by an API: unit vectors of texts."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from nlp2filters.errors import InvalidAnswer
from nlp2filters.llm.embeddings import EmbeddingCalls
from nlp2filters.llm.model_api import ModelAPI

PROBE = "dimensions"


class ApiEmbedder(ModelAPI[EmbeddingCalls]):
    """An embedding model behind an API. Open it with `async with`."""

    def __init__(self, calls: EmbeddingCalls) -> None:
        super().__init__(calls)
        self._dimensions = 0

    async def space(self, spent: Counter[str]) -> str:
        """Return the name of the space of its vectors: provider, model and dimensions. The first time, it asks the API.

        Raises:
            ProviderError: the API gave no answer.
        """
        if not self._dimensions:
            await self.embed([PROBE], spent)
        return f"{self.provider}/{self.model}@{self._dimensions}"

    async def embed(self, texts: Sequence[str], spent: Counter[str]) -> NDArray[np.float32]:
        """Embed the texts as unit vectors of shape (n, dimensions), in order. `spent` gets the usage of the calls.

        Raises:
            ProviderError: the API gave no usable answer, or vectors of other dimensions than before.
        """
        if not texts:
            return np.empty((0, self._dimensions), np.float32)
        try:
            vectors = np.asarray(await self._calls.embed(texts, spent), np.float32)
        except (TypeError, ValueError) as exc:
            raise InvalidAnswer("The API's vectors are not made of numbers.") from exc
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        if not np.isfinite(lengths).all() or not lengths.all():
            raise InvalidAnswer("The API's vectors have no length.")
        self._dimensions = self._dimensions or vectors.shape[1]
        if vectors.shape[1] != self._dimensions:
            raise InvalidAnswer(f"The API's vectors have {vectors.shape[1]} dimensions, and had {self._dimensions}.")
        unit: NDArray[np.float32] = vectors / lengths
        return unit
