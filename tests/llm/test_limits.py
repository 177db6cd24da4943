"""The learnt limit, against simulated providers: how many requests and how much time it takes beyond what is needed."""

import math
from dataclasses import replace

import pytest

from nlp2filters.llm.limits import FORGET_S, Limit, Load
from tests.llm.simulated import KINDS, LATENCIES_S, AtOnce, at_once, measure


@pytest.mark.parametrize("latency_s", LATENCIES_S)
@pytest.mark.parametrize("name", KINDS)
def test_each_kind_of_limit(name: str, latency_s: float) -> None:
    cold, known = measure(KINDS[name], latency_s)
    assert cold.requests <= 2.2
    assert cold.time <= 1.5
    assert known.requests <= 1.2
    # A bucket of 100 that has filled up meanwhile is found out by and by: it has taken 20 calls per second of late.
    assert known.time <= (1.6 if "bucket of 100" in name else 1.5)


@pytest.mark.parametrize("latency_s", [0.3, 3.0])
@pytest.mark.parametrize(
    "name",
    [
        *("closed for 5 s, names 2 s", "20 per 1 s", "100 per 5 s", "bucket of 20, 20 per s, names whole seconds"),
        *("20 at once, names 1 s", "20 at once, names 2 s", "100 at once, names 1 s"),
    ],
)
def test_workers_that_share_a_limit(name: str, latency_s: float) -> None:
    """Each knows its own calls only, and has its share of them beforehand: so two are not quite as good as one."""
    cold, known = measure(KINDS[name], latency_s, workers=2)
    assert cold.requests <= 2.2
    assert cold.time <= 1.75
    assert known.requests <= 1.3
    assert known.time <= 1.75


def test_a_provider_that_refuses_nothing_has_no_limit() -> None:
    kind = at_once(100, None)
    cold, _ = measure(replace(kind, provider=lambda now: AtOnce(1_000), cold_s=lambda took_s: took_s), 0.5)
    assert cold.requests == 1
    assert cold.time == pytest.approx(1)


def refused_at(now: float, *, in_flight: int = 100, wait_s: float | None = 1.0) -> Limit:
    """What the first refusal teaches."""
    return Limit().refused(now, now - 0.1, in_flight - 1, Load(in_flight, in_flight), wait_s)


def test_nobody_calls_before_the_moment_that_was_named_and_then_one_tries() -> None:
    limit = refused_at(10)
    assert not limit.allows(10.9, Load(0, 0))
    assert limit.allows(11, Load(0, 0))
    assert not limit.allows(11, Load(1, 1))
    assert limit.accepted(11.2, 11, 0).allows(11.2, Load(1, 0))


def test_a_provider_that_was_closed_is_not_called_slowly_afterwards() -> None:
    limit = refused_at(10, in_flight=1, wait_s=2.0)
    for number in range(5):
        assert limit.allows(12.2 + 0.2 * number, Load(0, 0))
        limit = limit.accepted(12.3 + 0.2 * number, 12.2 + 0.2 * number, 0)


def test_a_limit_is_forgotten() -> None:
    limit = refused_at(0).accepted(1.5, 1.1, 0)
    assert not limit.allows(2, Load(100, 100))
    assert limit.allows(FORGET_S + 1, Load(100, 100))
    assert math.isinf(Limit().window)


@pytest.mark.parametrize("wait_s", [0.0, 0.2, None])
def test_a_wait_that_is_too_short_grows(wait_s: float | None) -> None:
    limit, waits = refused_at(0, in_flight=1, wait_s=wait_s), []
    for _ in range(8):
        now = limit.opens_at + 0.02
        limit = limit.refused(now, now - 0.02, 0, Load(1, 1), wait_s)
        waits.append(limit.opens_at - now)
    assert waits == sorted(waits)
    assert waits[-1] > 10 * waits[0] or waits[-1] > 2
    assert limit.opens_at < 1.6 * now


def test_workers_learn_from_each_other() -> None:
    paused = refused_at(10, in_flight=50, wait_s=5.0)
    for merged in (Limit().merged(paused), paused.merged(Limit()), Limit.from_json(paused.to_json())):
        assert merged == paused
    reopened = paused.accepted(15.5, 15.1, 0)
    assert not paused.merged(reopened).probing
    assert not reopened.merged(paused).probing
    later = reopened.refused(20, 19.9, 39, Load(40, 40), 1.0)
    assert reopened.merged(later) == later.merged(reopened) == later


def test_workers_that_are_refused_in_the_same_round_keep_their_own_counts_and_the_longest_wait() -> None:
    one, other = refused_at(10, in_flight=50, wait_s=1.0), refused_at(10.2, in_flight=10, wait_s=3.0)
    for mine, theirs in ((one, other), (other, one)):
        merged = mine.merged(theirs)
        assert (merged.quota, merged.at_once) == (mine.quota, mine.at_once)
        assert (merged.cut_at, merged.opens_at) == (10.2, 13.2)


def test_what_another_version_wrote_can_be_read() -> None:
    assert Limit.from_json({"opens_at": 3.0, "window": 3.0, "paced": True, "a_new_member": 1}) == Limit(opens_at=3.0)
    assert refused_at(10).to_json()["window"] == refused_at(10).window  # Version 0.1 goes by it.
