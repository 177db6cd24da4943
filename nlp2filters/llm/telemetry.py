"""Reports of calls: their outcome and duration, and OpenTelemetry spans without prompts or answers.

The spans follow the semantic conventions for generative AI. They cost nothing unless traces are recorded.
https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans/
"""

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from nlp2filters import tracing
from nlp2filters.errors import ProviderError, ProviderRejected, ProviderTimeout, ProviderUnavailable, RateLimited

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
    """The span of one call with all its tries."""

    def __init__(self, span: tracing.Span) -> None:
        self._span = span

    def answered(self, model: str) -> None:
        """Note the model that answered."""
        self._span.set({"gen_ai.response.model": model})

    def used(self, usage: Mapping[str, int]) -> None:
        """Note the usage of all tries."""
        self._span.set({attribute: usage[name] for name, attribute in COUNTS.items() if usage.get(name)})


@contextmanager
def call(operation: str, provider: str, model: str, on_call: OnCall = ignore) -> Iterator[CallSpan]:
    """Open the span of a call, and report its outcome: `operation` is `chat`, `embeddings` or `transcription`."""
    began, outcome = time.monotonic(), "answered"
    try:
        with tracing.span(f"{operation} {model}", "CLIENT", _attributes(operation, provider, model)) as span:
            yield CallSpan(span)
    except BaseException as exc:
        outcome = next((name for kind, name in OUTCOMES.items() if isinstance(exc, kind)), "crashed")
        raise
    finally:
        on_call(operation, provider, outcome, time.monotonic() - began)


def _attributes(operation: str, provider: str, model: str) -> tracing.Attributes:
    return {
        "gen_ai.operation.name": operation,
        "gen_ai.provider.name": PROVIDERS.get(provider, provider),
        "gen_ai.request.model": model,
    }
