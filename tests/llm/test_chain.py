"""A chain of providers: who answers, and what it took."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from nlp2filters.core.llm.messages import Message
from nlp2filters.errors import AnswerRefused, BudgetSpent, ProviderRejected, ProviderUnavailable
from nlp2filters.llm import Answer
from nlp2filters.llm.chain import ProviderChain
from nlp2filters.llm.opening import create_chain
from nlp2filters.llm.registry import LLMConfig
from tests.peers import wires
from tests.peers.wires import ANTHROPIC, CHAT, OLLAMA, Peer, Sent, sent

MESSAGES: list[Message] = [{"role": "user", "content": "text"}]
WIRES = (CHAT, ANTHROPIC, OLLAMA)


@pytest.fixture
def peers() -> Iterator[list[Peer]]:
    with ExitStack() as stack:
        yield [stack.enter_context(wires.running(wire.path)) for wire in WIRES]


def chain(peers: list[Peer]) -> ProviderChain:
    return create_chain(
        [
            LLMConfig(provider=wire.provider, base_url=peer.url, api_key="", model=f"{wire.provider}-1", timeout_s=9)
            for wire, peer in zip(WIRES, peers, strict=True)
        ]
    )


async def test_each_request_needs_a_permit(peers: list[Peer]) -> None:
    """A retry is a request, and so is that to the next provider; to be refused one proves nothing about a provider."""
    for wire, peer in zip(WIRES, peers, strict=True):
        peer.script(sent(503, "", retry_after="0"), wire.good("{}"))
    left = 1

    async def permit() -> None:
        nonlocal left
        if not left:
            raise BudgetSpent
        left -= 1

    async with chain(peers) as opened:
        with pytest.raises(BudgetSpent) as refused:
            await opened.complete(MESSAGES, {}, None, permit)
        assert (len(peers[0].requests), peers[1].requests, peers[2].requests) == (1, [], [])
        assert refused.value.usage == {"calls": 1, "failed_calls": 1}
        assert opened.providers["openai"].gate.breaker.failure_rate < 0.2
        left = 2
        peers[0].script(sent(503, "", retry_after="0"), CHAT.good("{}"))
        assert (await opened.complete(MESSAGES, {}, None, permit)).content == "{}"
        assert (left, len(peers[0].requests)) == (0, 2)


async def test_the_first_answers(peers: list[Peer]) -> None:
    peers[0].script(CHAT.good("{}"))
    async with chain(peers) as opened:
        answer = await opened.complete(MESSAGES, {})
        assert (opened.name, opened.model, list(opened.providers)) == (
            "openai",
            "openai-1",
            ["openai", "anthropic", "ollama"],
        )
        assert opened.schema_limits.unions == 16
    assert (answer.provider, answer.model) == (None, "test-1")
    assert set(answer.to_record()) == {"content", "model", "usage"}  # as earlier versions read it
    assert peers[1].requests == peers[2].requests == []


@pytest.mark.parametrize(
    "failure",
    [
        sent(401, {"error": {"message": "no"}}),
        sent(503, "", retry_after="0"),
        sent(404, ""),
        Sent(status=503, headers={"retry-after": "3600"}),
    ],
    ids=["key", "down", "model", "long"],
)
async def test_the_next_answers_for_one_that_fails(peers: list[Peer], failure: Sent) -> None:
    peers[0].script(failure)
    peers[1].script(failure)
    peers[2].script(OLLAMA.good("{}"))
    async with chain(peers) as opened:
        answer = await opened.complete(MESSAGES, {})
    assert answer.provider == "ollama"
    assert Answer.from_record({**answer.to_record(), "newer": 1}) == answer
    assert answer.usage
    assert answer.usage["failed_calls"] == len(peers[0].requests) + len(peers[1].requests)
    assert answer.usage["calls"] == answer.usage["failed_calls"] + 1


async def test_nobody_answers_a_second_time_what_one_refused(peers: list[Peer]) -> None:
    peers[0].script(CHAT.good("{}", "refusal"))
    async with chain(peers) as opened:
        with pytest.raises(AnswerRefused):
            await opened.complete(MESSAGES, {})
    assert peers[1].requests == []


async def test_the_last_failure_is_the_chains(peers: list[Peer]) -> None:
    for peer, status in zip(peers, (503, 503, 401), strict=True):
        peer.script(sent(status, "", retry_after="0"))
    async with chain(peers) as opened:
        with pytest.raises(ProviderRejected) as caught:
            await opened.complete(MESSAGES, {})
        assert caught.value.usage["failed_calls"] == sum(len(peer.requests) for peer in peers)
        with pytest.raises(ProviderUnavailable):
            await opened.providers["openai"].complete(MESSAGES, {})
