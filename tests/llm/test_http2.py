"""Connections to a real server over TLS, which offers HTTP/2 or not."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from nlp2filters.errors import ProviderUnavailable
from nlp2filters.llm.connections import CALLS_PER_CONNECTION
from nlp2filters.llm.opening import create
from nlp2filters.llm.provider import LLMProvider
from nlp2filters.llm.registry import LLMConfig
from tests.llm.listening import Heard
from tests.peers import http2
from tests.peers.http2 import Server
from tests.peers.wires import CHAT

TEXT = '{"a": "größer als 3 €, 🚗"}'


@pytest.fixture(params=[["h2", "http/1.1"], ["http/1.1"]], ids=["HTTP/2", "HTTP/1.1"])
async def server(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Server]:
    async with http2.running(tmp_path, request.param) as server:
        server.events = [event if isinstance(event, str) else json.dumps(event) for event in CHAT.stream(TEXT, "stop")]
        monkeypatch.setenv("SSL_CERT_FILE", str(server.authority))
        yield server


def provider_of(server: Server) -> LLMProvider:
    return create(LLMConfig(provider="openai", base_url=server.url, api_key="sk-test", model="m", timeout_s=30))


async def call(provider: LLMProvider, count: int) -> list[str]:
    answers = await asyncio.gather(*[provider.complete([], {}, Heard()) for _ in range(count)])
    return [answer.content for answer in answers]


async def test_calls_share_connections_where_the_server_speaks_http2(server: Server) -> None:
    """From the first call on: so a worker with 200 calls does not begin with 200 TLS handshakes."""
    count = 2 * CALLS_PER_CONNECTION
    async with provider_of(server) as provider:
        assert await call(provider, count) == count * [TEXT]
        if server.versions == {"2"}:
            assert len(server.connections) <= 2
        else:
            assert server.versions == {"1.1"}
            assert len(server.connections) > 2


async def test_connections_are_used_again(server: Server) -> None:
    async with provider_of(server) as provider:
        for _ in range(5):
            assert await call(provider, 1) == [TEXT]
        assert len(server.connections) == 1


async def test_a_certificate_that_nobody_knows_is_refused(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    async with provider_of(server) as provider:
        with pytest.raises(ProviderUnavailable, match="CERTIFICATE_VERIFY_FAILED"):
            await call(provider, 1)
    assert server.connections == set()
