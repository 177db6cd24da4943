"""Waits between tries, and their limits."""

import pytest

from nlp2filters.retry import Backoff, Retries, RetryBudget, parse_retry_after

BACKOFF = Backoff(first_s=0.2, max_s=10.0)


def test_waits_grow_at_random() -> None:
    assert all(0 <= BACKOFF.wait_s(failures) <= 10 for failures in range(2000))
    assert all(BACKOFF.wait_s(0) <= 0.2 for _ in range(100))
    assert max(BACKOFF.wait_s(9) for _ in range(100)) > 5


def test_a_wait_that_the_peer_asks_for_is_honoured() -> None:
    assert 7 <= (Retries(BACKOFF, time_limit_s=60, jitter_s=0.2).next_wait_s(7) or 0) <= 7.2
    assert Retries(BACKOFF, time_limit_s=60).next_wait_s(7) == 7


def test_no_wait_goes_beyond_the_time_limit() -> None:
    assert Retries(BACKOFF, time_limit_s=5).next_wait_s(7) is None
    assert Retries(BACKOFF, time_limit_s=-0.1).next_wait_s() is None


def test_tries_are_limited() -> None:
    retries = Retries(BACKOFF, time_limit_s=60, max_tries=3)
    assert [retries.next_wait_s() is None for _ in range(3)] == [False, False, True]


def test_calls_share_a_budget() -> None:
    budget = RetryBudget(initial=2)
    waits = [Retries(BACKOFF, time_limit_s=60, budget=budget).next_wait_s() for _ in range(3)]
    assert [wait is None for wait in waits] == [False, False, True]


def test_a_retry_that_is_not_made_costs_nothing() -> None:
    budget = RetryBudget(initial=1)
    assert Retries(BACKOFF, time_limit_s=5, budget=budget).next_wait_s(7) is None
    assert budget.withdraw()


def test_retries_are_rationed() -> None:
    budget = RetryBudget(initial=2, per_success=0.5)
    assert [budget.withdraw() for _ in range(3)] == [True, True, False]
    budget.deposit()
    assert not budget.withdraw()
    budget.deposit()
    assert budget.withdraw()


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7),
        (" 7 ", 7),
        ("1.5", 1.5),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0),
        ("Wed, 21 Oct 2015 07:28:00", 0),
        ("Fri, 99 Dec 2100 23:59:59 GMT", None),
        ("-1", None),
        ("soon", None),
        ("٧", None),
        ("9" * 400, None),
        ("", None),
        (None, None),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str | None, seconds: float | None) -> None:
    assert parse_retry_after(value) == seconds


def test_a_date_is_the_seconds_until_then() -> None:
    assert (parse_retry_after("Fri, 31 Dec 2100 23:59:59 GMT") or 0) > 86_400
