"""OpenTelemetry spans of calls, by the semantic conventions for generative AI, without prompts or answers.

They cost nothing unless the package `opentelemetry-api` is installed (the extra `otel`) and an SDK is set up, such as
by `opentelemetry-instrument`. https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans/
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

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
def call(operation: str, provider: str, model: str) -> Iterator[CallSpan]:
    """Open the span of a call: `operation` is `chat`, `embeddings` or `transcription`."""
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
