"""Derived results: kept per owner, within a quota, and for as long as they are used."""

import pytest
from arq.connections import ArqRedis

from nlp2filters.errors import TooManyBytes
from nlp2filters.storage.derived import Derived
from nlp2filters.storage.redis_keys import Keys

ALL = [f"key-{number}" for number in range(120)]  # more than one read


@pytest.fixture
def derived(redis: ArqRedis, keys: Keys) -> Derived:
    return Derived(redis, keys, kept_s=60, max_bytes=10_000)


async def test_each_owner_has_results_of_its_own(derived: Derived) -> None:
    for key in ALL[:100]:
        await derived.save("anna", key, key.encode())
    assert await derived.load("anna", ALL) == [key.encode() for key in ALL[:100]] + [None] * 20
    assert await derived.load("ben", ALL[:1]) == [None]
    assert await derived.missing("anna", ALL) == set(ALL[100:])


async def test_a_result_is_kept_while_it_is_used(derived: Derived, redis: ArqRedis, keys: Keys) -> None:
    await derived.save("anna", "a", b"1")
    await redis.pexpire(keys.derived("anna", "a"), 1_000)
    assert await derived.missing("anna", ["a"]) == set()
    assert await redis.pttl(keys.derived("anna", "a")) > 50_000
    assert await redis.pttl(keys.added_derived("anna")) > 0


async def test_there_is_a_limit_of_bytes(derived: Derived) -> None:
    await derived.save("anna", "a", b"1" * 9_000)
    await derived.save("anna", "a", b"1" * 9_000)  # which is there: it does not count again
    with pytest.raises(TooManyBytes):
        await derived.save("anna", "b", b"1" * 2_000)
    assert await derived.load("anna", ["a", "b"]) == [b"1" * 9_000, None]
    await derived.save("ben", "b", b"1" * 2_000)


async def test_nothing_is_asked_of_nothing(derived: Derived) -> None:
    assert await derived.missing("anna", []) == set()
    assert await derived.load("anna", []) == []
