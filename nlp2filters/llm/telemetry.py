"""Reports of calls: their outcome and duration, and OpenTelemetry spans without prompts or answers.

The spans follow the semantic conventions for generative AI. They cost nothing unless the package `opentelemetry-api` is
installed (the extra `otel`) and an SDK is set up.
https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans/
"""

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from nlp2filters.errors import ProviderError, ProviderRejected, ProviderTimeout, ProviderUnavailable, RateLimited

try:
    from opentelemetry import trace
except ModuleNotFoundError:
    trace = None  # type: ignore[assignment]

# The well-known names of providers that differ from ours.
PROVIDERS = {
    "responses": "openai",
    "azure": "azure.ai.openai",
    "gemini": "gcp.gemini",
    "mistral": "mistral_ai",
}
COUNTS = {
    "input_tokens": "gen_ai.usage.input_tokens",
    "embedding_tokens": "gen_ai.usage.input_tokens",
    "output_tokens": "gen_ai.usage.output_tokens",
    "cached_tokens": "gen_ai.usage.cache_read.input_tokens",
    "cache_write_tokens": "gen_ai.usage.cache_creation.input_tokens",
    "audio_seconds": "nlp2filters.audio_seconds",
    "calls": "nlp2filters.calls",
}


# Called with the operation, the provider, the outcome and the seconds of a call with all its tries.
OnCall = Callable[[str, str, str, float], None]

# Outcomes of calls that gave no answer, by the first of these that the error is.
OUTCOMES: Mapping[type[BaseException], str] = {
    RateLimited: "rate_limited",
    ProviderTimeout: "timeout",
    ProviderRejected: "rejected",
    ProviderUnavailable: "unavailable",
    ProviderError: "unusable",
    asyncio.CancelledError: "canceled",
}


def ignore(operation: str, provider: str, outcome: str, seconds: float) -> None:
    """Do nothing with a call."""


class CallSpan:
    """The span of one call with all its tries; without a tracer, of nothing."""

    def __init__(self, span: Any = None) -> None:
        self._span = span

    def answered(self, model: str) -> None:
        """Note the model that answered."""
        self._set("gen_ai.response.model", model)

    def used(self, usage: Mapping[str, int]) -> None:
        """Note the usage of all tries."""
        for name, attribute in COUNTS.items():
            if usage.get(name):
                self._set(attribute, usage[name])

    def fail(self, error: Exception) -> None:
        """Note the kind of error that ended the call. Its text may quote a user, so it is not part of the span."""
        self._set("error.type", type(error).__name__)
        if self._span:
            self._span.set_status(trace.StatusCode.ERROR)

    def _set(self, name: str, value: str | int) -> None:
        if self._span:
            self._span.set_attribute(name, value)


@contextmanager
def call(operation: str, provider: str, model: str, on_call: OnCall = ignore) -> Iterator[CallSpan]:
    """Open the span of a call, and report its outcome: `operation` is `chat`, `embeddings` or `transcription`."""
    began, outcome = time.monotonic(), "answered"
    try:
        with _span(operation, provider, model) as span:
            yield span
    except BaseException as exc:
        outcome = next((name for kind, name in OUTCOMES.items() if isinstance(exc, kind)), "crashed")
        raise
    finally:
        on_call(operation, provider, outcome, time.monotonic() - began)


@contextmanager
def _span(operation: str, provider: str, model: str) -> Iterator[CallSpan]:
    if trace is None:
        yield CallSpan()
        return
    attributes = {
        "gen_ai.operation.name": operation,
        "gen_ai.provider.name": PROVIDERS.get(provider, provider),
        "gen_ai.request.model": model,
    }
    tracer = trace.get_tracer("nlp2filters")
    with tracer.start_as_current_span(
        f"{operation} {model}",
        kind=trace.SpanKind.CLIENT,
        attributes=attributes,
        record_exception=False,
        set_status_on_exception=False,
    ) as span:
        yield CallSpan(span if span.is_recording() else None)
