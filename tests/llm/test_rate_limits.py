"""Many calls at once to a provider that limits their rate, or is out of service."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator

import pytest
from starlette.responses import JSONResponse, Response

from nlp2filters.errors import ProviderRejected, ProviderUnavailable, RateLimited
from nlp2filters.llm import Answer
from nlp2filters.llm.opening import create
from nlp2filters.llm.provider import LLMProvider
from nlp2filters.llm.registry import LLMConfig
from tests.llm.listening import Heard
from tests.peers import limited
from tests.peers.limited import Server, failing, refusal, refusing_for

CALLS = 200


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with limited.running() as server:
        yield server


@pytest.fixture
async def provider(server: Server) -> AsyncIterator[LLMProvider]:
    async with create(config(server)) as provider:
        yield provider


def config(server: Server, **more: float) -> LLMConfig:
    settings = {"timeout_s": 30.0, **more}
    return LLMConfig(provider="openai", base_url=server.url, api_key="", model="test", **settings)  # type: ignore[arg-type]


async def calls(provider: LLMProvider, count: int, *, stream: bool = False) -> list[Answer | BaseException]:
    """Make so many calls at once."""
    return await asyncio.gather(
        *[provider.complete([], {}, Heard() if stream else None) for _ in range(count)], return_exceptions=True
    )


def outcomes(results: list[Answer | BaseException]) -> Counter[str]:
    return Counter(type(result).__name__ for result in results)


async def test_a_rate_limit_is_waited_out(server: Server, provider: LLMProvider) -> None:
    """Five seconds of refusals, and answers that take one: from a cold start, and again with what was learnt."""
    server.begin(refusing_for(5), latency_s=1.0)
    assert outcomes(await calls(provider, CALLS)) == {"Answer": CALLS}
    assert server.requests <= 2.2 * CALLS
    server.begin(refusing_for(5), latency_s=1.0)
    assert outcomes(await calls(provider, CALLS)) == {"Answer": CALLS}
    assert server.requests <= 1.2 * CALLS


@pytest.mark.parametrize("wait_s", [None, 1])
async def test_a_limit_of_calls_at_once_is_kept(server: Server, provider: LLMProvider, wait_s: int | None) -> None:
    """Twenty calls at once, with and without a wait that tells nothing: hardly one is refused after the first."""
    server.begin(lambda *_: refusal(wait_s) if server.running >= 20 else None, latency_s=0.3)
    assert outcomes(await calls(provider, CALLS)) == {"Answer": CALLS}
    assert server.requests <= 2.2 * CALLS
    at_first = server.requests
    assert outcomes(await calls(provider, CALLS)) == {"Answer": CALLS}
    assert server.requests - at_first <= 1.2 * CALLS


async def test_nobody_calls_before_the_moment_that_the_provider_named(server: Server, provider: LLMProvider) -> None:
    arrivals: list[float] = []

    def refuse_once(number: int, elapsed_s: float) -> Response | None:
        arrivals.append(time.monotonic())
        return refusal(1) if number <= 20 else None

    server.begin(refuse_once)
    assert outcomes(await calls(provider, 20)) == {"Answer": 20}
    first, *_ = arrivals[20:]
    assert first - arrivals[19] >= 0.99
    assert len(arrivals) == 40


async def test_a_wait_in_milliseconds_is_honoured(server: Server, provider: LLMProvider) -> None:
    server.begin(lambda number, _: refusal(30, **{"retry-after-ms": "50"}) if number == 1 else None)
    async with asyncio.timeout(20):
        assert outcomes(await calls(provider, 1)) == {"Answer": 1}


async def test_who_would_wait_too_long_is_told_at_once(server: Server) -> None:
    async with create(config(server, patience_s=5)) as provider:
        server.begin(lambda *_: refusal(3_600))
        results = await calls(provider, 50)
        assert outcomes(results) == {"RateLimited": 50}
        assert all(3_500 < result.wait_s <= 3_600 for result in results if isinstance(result, RateLimited))
        assert server.requests == 50
        assert outcomes(await calls(provider, 50)) == {"RateLimited": 50}
        assert server.requests == 50  # nobody asks again meanwhile


async def test_a_quota_that_is_reported_is_never_exceeded(server: Server, provider: LLMProvider) -> None:
    """Twenty calls a second, as the headers say; the bucket is full again after a second."""
    left, at = 20.0, 0.0

    def bucket(number: int, elapsed_s: float) -> Response | None:
        nonlocal left, at
        left, at = min(20.0, left + 20 * (elapsed_s - at)), elapsed_s
        if left < 1:
            return refusal(1)
        left -= 1
        server.headers = {
            "x-ratelimit-limit-requests": "20",
            "x-ratelimit-remaining-requests": str(int(left)),
            "x-ratelimit-reset-requests": f"{(20 - left) / 20:.3f}s",
        }
        return None

    server.begin(bucket)
    assert outcomes(await calls(provider, 1)) == {"Answer": 1}
    assert outcomes(await calls(provider, 60)) == {"Answer": 60}
    assert server.requests <= 1.05 * 61


async def test_an_account_without_money_is_no_rate_limit(server: Server, provider: LLMProvider) -> None:
    error = {"error": {"message": "You exceeded your current quota", "code": "insufficient_quota"}}
    server.begin(lambda *_: JSONResponse(error, 429))
    with pytest.raises(ProviderRejected):
        await provider.complete([], {})
    assert server.requests == 1


async def test_an_outage_gets_hardly_more_requests_than_there_are_calls(server: Server, provider: LLMProvider) -> None:
    server.begin(failing)
    results = await calls(provider, CALLS)
    assert all(isinstance(result, ProviderUnavailable) for result in results)
    assert server.requests <= 1.1 * CALLS
    assert provider.gate.breaker.state(provider.gate.now) == "open"
    server.begin(failing)
    results = await calls(provider, CALLS)
    assert all(isinstance(result, ProviderUnavailable) for result in results)
    assert server.requests == 0


async def test_one_after_the_other_an_outage_is_noticed_too(server: Server, provider: LLMProvider) -> None:
    server.begin(failing)
    for _ in range(50):
        with pytest.raises(ProviderUnavailable):
            await provider.complete([], {})
    assert server.requests <= 55


async def test_a_provider_that_is_back_is_called_again(server: Server, provider: LLMProvider) -> None:
    server.begin(failing)
    await calls(provider, 50)
    gate = provider.gate
    server.begin(lambda *_: None)
    gate.clock_ahead_s = gate.breaker.open_until - time.time() + 0.01  # as if the pause was over
    results = await calls(provider, 10)
    assert outcomes(results)["Answer"] == 1  # the one that tries whether it is back
    assert gate.breaker.state(gate.now) == "closed"
    assert outcomes(await calls(provider, 10)) == {"Answer": 10}


async def test_a_rate_limit_opens_no_breaker(server: Server) -> None:
    async with create(config(server, patience_s=0.5)) as provider:
        server.begin(lambda *_: refusal(0.1))
        await calls(provider, CALLS)
        assert provider.gate.breaker.state(provider.gate.now) == "closed"


async def test_streams_that_break_off_end_as_an_answer_or_an_error(server: Server, provider: LLMProvider) -> None:
    """Half of them break: a server at work is no outage, so calls are tried again, and few fail three times."""
    server.begin(lambda *_: None, breaks=2)
    results = await calls(provider, CALLS, stream=True)
    assert all(isinstance(result, Answer | ProviderUnavailable) for result in results)
    assert outcomes(results)["Answer"] >= 0.7 * CALLS
    assert server.requests <= 2 * CALLS
    assert provider.gate.breaker.state(provider.gate.now) == "closed"


async def test_a_server_that_breaks_off_every_stream_is_left_alone_in_the_end(
    server: Server, provider: LLMProvider
) -> None:
    server.begin(lambda *_: None, breaks=1)
    for _ in range(3):
        results = await calls(provider, CALLS, stream=True)
        assert outcomes(results) == {"ProviderUnavailable": CALLS}
    assert server.requests <= 1.5 * CALLS
    assert provider.gate.breaker.state(provider.gate.now) == "open"


async def test_a_call_that_is_given_up_leaves_its_place_to_others(server: Server, provider: LLMProvider) -> None:
    server.begin(lambda number, _: refusal(1) if number == 1 else None)
    waiting = [asyncio.ensure_future(provider.complete([], {})) for _ in range(20)]
    while not server.requests:
        await asyncio.sleep(0.01)
    for call in waiting[:10]:
        call.cancel()
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert outcomes(list(results[10:])) == {"Answer": 10}


@pytest.mark.parametrize(
    "text",
    [
        "Rate limit reached for requests: 'response_format and stream are not supported, max_tokens neither'",
        "Too many requests for temperature max_completion_tokens stream",
        "429: service unavailable, broken connection, timeout",
    ],
)
async def test_words_in_a_refusal_change_nothing_for_others(server: Server, provider: LLMProvider, text: str) -> None:
    server.begin(lambda number, _: refusal(0, text) if number == 1 else None)
    assert outcomes(await calls(provider, 1, stream=True)) == {"Answer": 1}
    assert provider.gate.breaker.state(provider.gate.now) == "closed"
    assert outcomes(await calls(provider, 20, stream=True)) == {"Answer": 20}
    assert server.requests == 22
