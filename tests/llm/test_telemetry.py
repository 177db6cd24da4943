"""Spans of calls by the semantic conventions for generative AI, and nothing at all without OpenTelemetry."""

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from nlp2filters.core.llm.messages import Message
from nlp2filters.errors import ProviderRejected
from nlp2filters.llm.opening import create, create_embeddings
from nlp2filters.llm.registry import EmbeddingConfig, LLMConfig
from tests.peers import embeddings, wires
from tests.peers.wires import ANTHROPIC, Peer, sent

SECRET = "what a user wrote"
MESSAGES: list[Message] = [{"role": "user", "content": SECRET}]
EXPORTER = InMemorySpanExporter()


@pytest.fixture(scope="module", autouse=True)
def _provider() -> None:
    """Set up the SDK, which a process can do once."""
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(EXPORTER))
    trace.set_tracer_provider(provider)


@pytest.fixture
def peer() -> Iterator[Peer]:
    EXPORTER.clear()
    with wires.running(ANTHROPIC.path) as peer:
        yield peer


def config(peer: Peer) -> LLMConfig:
    return LLMConfig(provider="anthropic", base_url=peer.url, api_key="", model="claude-test", timeout_s=9)


async def test_an_answer_is_a_span(peer: Peer) -> None:
    peer.script(sent(503, "", retry_after="0"), ANTHROPIC.good())
    async with create(config(peer)) as provider:
        await provider.complete(MESSAGES, {})
    (span,) = EXPORTER.get_finished_spans()
    assert (span.name, span.kind, span.status.status_code) == (
        "chat claude-test",
        trace.SpanKind.CLIENT,
        trace.StatusCode.UNSET,
    )
    assert dict(span.attributes or {}) == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "anthropic",
        "gen_ai.request.model": "claude-test",
        "gen_ai.response.model": "test-1",
        "gen_ai.usage.input_tokens": 1518,
        "gen_ai.usage.output_tokens": 70,
        "gen_ai.usage.cache_read.input_tokens": 1425,
        "nlp2filters.calls": 2,
    }


async def test_a_failure_is_a_span_without_words_of_users(peer: Peer) -> None:
    peer.script(sent(401, ANTHROPIC.error(SECRET)))
    async with create(config(peer)) as provider:
        with pytest.raises(ProviderRejected):
            await provider.complete(MESSAGES, {})
    (span,) = EXPORTER.get_finished_spans()
    assert span.status.status_code == trace.StatusCode.ERROR
    assert (span.attributes or {})["error.type"] == "ProviderRejected"
    assert SECRET not in span.to_json()


async def test_embeddings_are_spans() -> None:
    EXPORTER.clear()
    with wires.running(embeddings.OPENAI.path) as peer:
        peer.script(embeddings.OPENAI.good([[1.0]], 3))
        config = EmbeddingConfig(provider="gemini", base_url=peer.url, api_key="", model="e", dimensions=0, timeout_s=9)
        async with create_embeddings(config) as calls:
            await calls.embed([SECRET], Counter())
    (span,) = EXPORTER.get_finished_spans()
    assert span.name == "embeddings e"
    assert (span.attributes or {})["gen_ai.provider.name"] == "gcp.gemini"
    assert (span.attributes or {})["gen_ai.usage.input_tokens"] == 3
    assert SECRET not in span.to_json()


def test_nothing_needs_opentelemetry() -> None:
    code = (
        "import sys; sys.modules['opentelemetry'] = None\n"
        "from nlp2filters.llm import telemetry\n"
        "with telemetry.call('chat', 'openai', 'm') as span:\n"
        "    span.used({'input_tokens': 1}); span.answered('m')\n"
        "print('done')"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "done\n"
