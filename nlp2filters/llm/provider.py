"""A provider: one LLM API, called over HTTP."""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import orjson

from nlp2filters.core.llm.messages import Message
from nlp2filters.core.llm.schema_limits import SchemaLimits
from nlp2filters.errors import AnswerRefused, AnswerTruncated, InvalidAnswer, ProviderError
from nlp2filters.llm import Answer, Listener, Permit, rejections, telemetry
from nlp2filters.llm.api import ChatAPI, Features, used
from nlp2filters.llm.capabilities import LearntFeatures
from nlp2filters.llm.http import APICalls, LLMHTTPClient, LLMResponse, Retryable


class LLMProvider(APICalls):
    """A `Provider` that calls an API over HTTP. Open it with `async with`."""

    def __init__(self, name: str, model: str, api: ChatAPI, http: LLMHTTPClient, features: LearntFeatures) -> None:
        super().__init__(name, model, http)
        self._api, self._features = api, features

    @property
    def schema_limits(self) -> SchemaLimits:
        """See `Provider`."""
        return self._features.limits

    async def complete(
        self,
        messages: Sequence[Message],
        schema: Mapping[str, Any],
        listener: Listener | None = None,
        permit: Permit | None = None,
    ) -> Answer:
        """See `Provider`."""
        usage: Counter[str] = Counter()
        with telemetry.call("chat", self.name, self.model, self.on_call) as span:
            try:
                answer = await self._http.retrying(
                    partial(self._try, messages, schema, listener, usage, permit), listener
                )
            except ProviderError as exc:
                usage["failed_calls"] = usage["calls"]
                exc.usage = dict(+usage)
                raise
            finally:
                span.used(usage)
            usage["failed_calls"] = usage["calls"] - 1
            span.answered(answer.model)
        return replace(answer, usage=dict(+usage))

    async def _try(
        self,
        messages: Sequence[Message],
        schema: Mapping[str, Any],
        listener: Listener | None,
        usage: Counter[str],
        permit: Permit | None,
    ) -> Answer:
        """Make one try, which may take several requests to a server that lacks features."""
        digest = hashlib.sha256(orjson.dumps([listener is not None, schema])).hexdigest()
        lacks, first_rejection = self._features.lacks(digest), None
        while True:
            request = self._api.request(messages, schema, lacks, stream=listener is not None)
            if permit:
                await permit()
            try:
                response, answer = await self._call(request, listener, usage)
            except (AnswerRefused, AnswerTruncated, InvalidAnswer):
                self._features.learn(digest, lacks)  # The server understood the request.
                raise
            members = used(self._api.features, request, lacks)
            missing = self._missing(request, members, response, confirmed=self._features.confirmed(digest))
            if not missing:
                break
            first_rejection = first_rejection or response
            lacks |= missing
        if answer:
            self._features.learn(digest, lacks)
            return answer
        if first_rejection and response.status in rejections.STATUSES:
            response = first_rejection  # The features were not to blame, so nothing is learnt.
        raise failure(response)

    async def _call(
        self, request: Mapping[str, Any], listener: Listener | None, usage: Counter[str]
    ) -> tuple[LLMResponse, Answer | None]:
        """Make one request. Returns the response, and the answer if there is one."""
        decoder = self._api.decoder(request, listener) if listener and request.get("stream") else None
        usage["calls"] += 1
        try:
            response = await self._http.post(self._api.path, request, decoder)
            if response.status != 200:
                return response, None
            if decoder and response.streamed:
                answer = decoder.result()
            else:
                answer = self._api.answer(request, response.body)
                if listener:
                    listener.on_delta(answer.content)
        except ProviderError as exc:
            usage.update(exc.usage or (decoder.usage if decoder else {}))
            raise
        except Retryable:
            usage.update(decoder.usage if decoder else {})
            raise
        usage.update(answer.usage or {})
        return response, answer

    def _missing(
        self, request: Mapping[str, Any], members: Features, response: LLMResponse, *, confirmed: bool
    ) -> frozenset[str]:
        """Return the features that the next request should do without; none if another request is of no use.

        `members` are the features that the `request` uses.

        An error that names no member of the request is blamed on a feature only if the server has not lately accepted
        the same features with other texts.
        """
        if response.status not in rejections.STATUSES:
            return frozenset()
        rejection = rejections.read(response.body)
        if rejection.final:
            return frozenset()
        if missing := frozenset(name for name, path in members.items() if rejection.names(path)):
            return missing
        if confirmed or any(path[0] in request for path in rejection.members):
            return frozenset()
        return next((some & members.keys() for some in self._api.unlocated if some & members.keys()), frozenset())


def failure(response: LLMResponse) -> Exception:
    """Return the error that a response stands for, as its status and the error's code say."""
    if final := rejections.read(response.body).final:
        return final(f"{response.status}: {response.message}", response.status)
    try:
        response.check()
    except (Retryable, ProviderError) as exc:
        return exc
    raise AssertionError("a response with an answer is no failure")
