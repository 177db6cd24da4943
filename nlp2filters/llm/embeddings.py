"""Embedding APIs: OpenAI's, which many servers offer, and Ollama's; and calling one for any number of texts."""

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Protocol

import orjson

from nlp2filters.core import usage
from nlp2filters.core.usage import Usage
from nlp2filters.errors import InvalidAnswer, ProviderError
from nlp2filters.llm import telemetry
from nlp2filters.llm.http import APICalls, LLMHTTPClient
from nlp2filters.llm.openai import token_counts
from nlp2filters.llm.provider import failure

# A call has at most this many characters, well below the 300,000 tokens that OpenAI accepts.
MAX_CHARACTERS = 100_000
# This is room for 256 vectors of 4,096 numbers.
MAX_BYTES = 32 * 2**20
# At most this many calls are made at once for one request to embed texts.
AT_ONCE = 8
# Some APIs refuse empty texts.
BLANK = "-"

Vector = list[float]


class EmbeddingAPI(Protocol):
    """An embedding API for one model: how its requests are built, and its answers read."""

    path: ClassVar[str]

    def request(self, texts: Sequence[str]) -> Mapping[str, Any]:
        """Build a request for the vectors of texts."""

    def vectors(self, data: Any) -> list[Vector]:
        """Read the vectors in the decoded body of a response, in the order of the texts.

        Raises:
            LookupError, TypeError, AttributeError: the body has another form.
        """

    def usage(self, data: Any) -> Usage:
        """Read the token counts in the decoded body of a response."""


class OpenAIEmbeddings:
    """The API `{base_url}/embeddings`."""

    path: ClassVar[str] = "embeddings"

    def __init__(self, model: str, dimensions: int) -> None:
        self._model, self._dimensions = model, dimensions

    def request(self, texts: Sequence[str]) -> dict[str, Any]:
        """See `EmbeddingAPI`."""
        dimensions = {"dimensions": self._dimensions} if self._dimensions else {}
        return {"model": self._model, "input": list(texts), "encoding_format": "float", **dimensions}

    def vectors(self, data: Any) -> list[Vector]:
        """See `EmbeddingAPI`."""
        by_index = {row["index"]: row["embedding"] for row in data["data"]}
        return [by_index[index] for index in range(len(data["data"]))]

    def usage(self, data: Any) -> Usage:
        """See `EmbeddingAPI`."""
        return usage.tokens(embedded=token_counts(data.get("usage")).get("input_tokens"))


class OllamaEmbeddings:
    """The API `{base_url}/api/embed`. Ollama cuts texts that are too long for the model."""

    path: ClassVar[str] = "api/embed"

    def __init__(self, model: str, dimensions: int) -> None:
        self._model, self._dimensions = model, dimensions

    def request(self, texts: Sequence[str]) -> dict[str, Any]:
        """See `EmbeddingAPI`."""
        dimensions = {"dimensions": self._dimensions} if self._dimensions else {}
        return {"model": self._model, "input": list(texts), "truncate": True, **dimensions}

    def vectors(self, data: Any) -> list[Vector]:
        """See `EmbeddingAPI`."""
        vectors: list[Vector] = data["embeddings"]
        return vectors

    def usage(self, data: Any) -> Usage:
        """See `EmbeddingAPI`."""
        return usage.tokens(embedded=data.get("prompt_eval_count"))


class EmbeddingCalls(APICalls):
    """The calls of one embedding API over HTTP. Open it with `async with`. `name` is the provider's."""

    def __init__(self, name: str, model: str, api: EmbeddingAPI, http: LLMHTTPClient, max_texts: int) -> None:
        super().__init__(name, model, http)
        self._api, self._max_texts = api, max_texts

    async def embed(self, texts: Sequence[str], spent: Counter[str]) -> list[Vector]:
        """Return a vector for each text, in order, from as many calls at once as are useful. `spent` gets their usage.

        Raises:
            ProviderError: a call gave nothing usable; the others are then cancelled.
        """
        slots = asyncio.Semaphore(AT_ONCE)

        async def call(batch: Sequence[str]) -> list[Vector]:
            async with slots:
                return await self._call(batch, spent)

        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(call(batch)) for batch in self._batches(texts)]
        except* ProviderError as errors:
            raise _first(errors) from errors
        return [vector for task in tasks for vector in task.result()]

    def _batches(self, texts: Sequence[str]) -> Iterator[list[str]]:
        batch: list[str] = []
        size = 0
        for text in (text if text.strip() else BLANK for text in texts):
            if batch and (len(batch) == self._max_texts or size + len(text) > MAX_CHARACTERS):
                yield batch
                batch, size = [], 0
            batch.append(text)
            size += len(text)
        if batch:
            yield batch

    async def _call(self, texts: Sequence[str], spent: Counter[str]) -> list[Vector]:
        calls: Counter[str] = Counter()
        with telemetry.call("embeddings", self.name, self.model, self.on_call) as span:
            try:
                vectors = await self._http.retrying(lambda: self._try(texts, calls))
            except ProviderError:
                calls["failed_calls"] = calls["calls"]
                raise
            else:
                calls["failed_calls"] = calls["calls"] - 1
            finally:
                spent.update(calls)
                span.used(calls)
        return vectors

    async def _try(self, texts: Sequence[str], calls: Counter[str]) -> list[Vector]:
        calls["calls"] += 1
        response = await self._http.post(self._api.path, self._api.request(texts), max_bytes=MAX_BYTES)
        if response.status != 200:
            raise failure(response)
        try:
            data = orjson.loads(response.body)
            calls.update(self._api.usage(data))
            vectors = self._api.vectors(data)
            sizes = {len(vector) for vector in vectors}
        except (orjson.JSONDecodeError, LookupError, TypeError, AttributeError) as exc:
            raise InvalidAnswer("The body is not that of embeddings.") from exc
        if len(vectors) != len(texts) or len(sizes) != 1 or sizes == {0}:
            raise InvalidAnswer(
                f"{len(texts)} texts came back as {len(vectors)} vectors of {sorted(sizes)} dimensions."
            )
        return vectors


def _first(errors: BaseExceptionGroup[ProviderError]) -> ProviderError:
    """Return the first error of a group, which may contain groups."""
    error = errors.exceptions[0]
    return _first(error) if isinstance(error, BaseExceptionGroup) else error
