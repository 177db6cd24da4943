"""What providers take is counted once, for its job, its API key and day, and the service."""

import datetime as dt

import pytest

from nlp2filters.storage.redis_keys import Keys
from nlp2filters.storage.retrying_redis import RetryingRedis
from nlp2filters.storage.spending import Spender, Spending, day_of, seconds_left

NOON = int(dt.datetime(2026, 11, 26, 12, tzinfo=dt.UTC).timestamp() * 1000)
DAY = 86_400_000
ANNA = Spender("job_1", "anna")
USAGE = {"input_tokens": 10, "calls": 1}


@pytest.fixture
def spending(redis: RetryingRedis, keys: Keys) -> Spending:
    return Spending(redis, keys, 60_000)


async def test_calls_add_up_for_the_job_the_key_and_the_service(spending: Spending) -> None:
    assert await spending.add(ANNA, "openai", "gpt", USAGE, 5, NOON) == {**USAGE, "cost_micros": 5}
    both = {"input_tokens": 20, "calls": 2, "cost_micros": 5}
    assert await spending.add(ANNA, "ollama", "embed:1b", USAGE, None, NOON) == both
    assert await spending.of_job("job_1") == both
    assert await spending.of_job("job_2") == {}
    await spending.add(Spender("job_2", "anna"), "openai", "gpt", USAGE, 7, NOON - DAY)
    assert await spending.of_key("anna", NOON, 3) == {
        "2026-11-26": both,
        "2026-11-25": {**USAGE, "cost_micros": 7},
    }
    assert [await spending.cost_today("anna", at) for at in (NOON, NOON - DAY, NOON + DAY)] == [5, 7, 0]
    await spending.count_learnt("openai", "gpt", "temperature")
    counts = {(provider, model, name): total for provider, model, name, total in await spending.counts()}
    assert counts["openai", "gpt", "cost_micros"] == 12
    assert counts["ollama", "embed:1b", "input_tokens"] == 10
    assert counts["openai", "gpt", "learnt:temperature"] == 1


async def test_a_command_that_is_repeated_counts_once(
    spending: Spending, redis: RetryingRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = spending._script.__call__

    async def twice(**arguments: object) -> object:
        await run(**arguments)  # type: ignore[arg-type]
        return await run(**arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(spending, "_script", twice)
    assert await spending.add(ANNA, "openai", "gpt", USAGE, 5, NOON) == {**USAGE, "cost_micros": 5}
    assert await spending.cost_today("anna", NOON) == 5


async def test_calls_without_a_key_are_nobodys(spending: Spending) -> None:
    await spending.add(Spender("job_1"), "openai", "gpt", USAGE, 5, NOON)
    assert await spending.cost_today("anna", NOON) == 0


def test_a_day_ends_at_midnight_in_utc() -> None:
    assert day_of(NOON) == "2026-11-26"
    assert seconds_left(NOON) == 43_200
    assert seconds_left(NOON + DAY // 2 - 1) == 1
