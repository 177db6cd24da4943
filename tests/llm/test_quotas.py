"""What providers report of their quotas in headers."""

import datetime as dt

import pytest

from nlp2filters.llm import quotas
from nlp2filters.llm.limits import Quota


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("1s", 1), ("6m0s", 360), ("120ms", 0.12), ("1h2m3.5s", 3723.5), ("2d", 172_800), ("7.66", 7.66), ("soon", None)],
)
def test_durations(value: str, seconds: float | None) -> None:
    assert quotas.parse_duration(value) == (None if seconds is None else pytest.approx(seconds))


def openai(requests: int, tokens: int) -> dict[str, str]:
    return {
        "x-ratelimit-limit-requests": "60",
        "x-ratelimit-remaining-requests": str(requests),
        "x-ratelimit-reset-requests": "30s",
        "x-ratelimit-limit-tokens": "10000",
        "x-ratelimit-remaining-tokens": str(tokens),
        "x-ratelimit-reset-tokens": "6m0s",
    }


def test_the_tightest_quota_counts() -> None:
    assert quotas.quota(openai(30, 9_000), tokens=100) == Quota(30, 1.0)  # 30 calls come back in 30 s
    assert quotas.quota(openai(30, 250), tokens=100) == Quota(2, 360 * 100 / 9_750)
    assert quotas.quota({}, tokens=100) is None
    assert quotas.quota({**openai(30, 9_000), "x-ratelimit-remaining-requests": "many"}, tokens=100) == Quota(90, 36.0)


def test_anthropic_names_moments() -> None:
    moment = (dt.datetime.now(dt.UTC) + dt.timedelta(seconds=30)).isoformat().replace("+00:00", "Z")
    headers = {
        "anthropic-ratelimit-requests-limit": "50",
        "anthropic-ratelimit-requests-remaining": "20",
        "anthropic-ratelimit-requests-reset": moment,
    }
    quota = quotas.quota(headers, tokens=100)
    assert quota
    assert quota.calls_left == 20
    assert quota.refill_s == pytest.approx(1, abs=0.2)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7),
        ({"retry-after-ms": "1500", "retry-after": "2"}, 1.5),
        ({"retry-after-ms": "soon", "retry-after": "2"}, 2),
        (openai(0, 9_000), 0.5),
        (openai(5, 9_000), None),
        ({}, None),
    ],
    ids=str,
)
def test_the_wait_that_a_refusal_asks_for(headers: dict[str, str], seconds: float | None) -> None:
    assert quotas.wait_s(headers) == seconds
