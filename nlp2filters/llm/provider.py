"""A provider: one LLM API, called over HTTP."""

from collections.abc import Mapping, Sequence
from functools import partial
from types import TracebackType
from typing import Any, Protocol, Self

from nlp2filters.llm import Answer, ChatMessage, Listener
from nlp2filters.llm.gate import Gate
from nlp2filters.llm.http import LLMHTTPClient, LLMResponse, StreamDecoder


class ChatAPI(Protocol):
    """An LLM API for one model: how its requests are built, and its answers read."""

    @property
    def path(self) -> str:
        """The path of its endpoint, below the base URL."""

    @staticmethod
    def headers(api_key: str) -> Mapping[str, str]:
        """Return the headers of every request."""

    def request(self, messages: Sequence[ChatMessage], schema: Mapping[str, Any], *, stream: bool) -> Mapping[str, Any]:
        """Build a request for JSON of the schema. It has `stream` set if the answer can come as a stream."""

    def adapt(self, request: Mapping[str, Any], response: LLMResponse) -> bool:
        """Learn from a response what the server does not accept. Returns True if another request may fare better."""

    def decoder(self, listener: Listener) -> StreamDecoder:
        """Create a decoder of an answer that is streamed."""

    def answer(self, body: bytes) -> Answer:
        """Read the body of a successful response.

        Raises:
            ProviderError: the answer is of no use.
        """


class LLMProvider:
    """A `Provider` that calls an API over HTTP. Open it with `async with`."""

    def __init__(self, name: str, model: str, api: ChatAPI, http: LLMHTTPClient) -> None:
        self.name, self.model = name, model
        self._api, self._http = api, http

    @property
    def gate(self) -> Gate:
        """The gate that its calls pass."""
        return self._http.gate

    async def __aenter__(self) -> Self:
        await self._http.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.__aexit__(kind, exc, trace)

    async def complete(
        self, messages: Sequence[ChatMessage], schema: Mapping[str, Any], listener: Listener | None = None
    ) -> Answer:
        """See `Provider`."""
        return await self._http.retrying(partial(self._try, messages, schema, listener), listener)

    async def _try(
        self, messages: Sequence[ChatMessage], schema: Mapping[str, Any], listener: Listener | None
    ) -> Answer:
        while True:
            request = self._api.request(messages, schema, stream=listener is not None)
            decoder = self._api.decoder(listener) if listener and request.get("stream") else None
            response = await self._http.post(self._api.path, request, decoder)
            if not self._api.adapt(request, response):
                break
        response.check()
        if decoder and response.streamed:
            return decoder.result()
        answer = self._api.answer(response.body)
        if listener:
            listener.on_delta(answer.content)
        return answer
