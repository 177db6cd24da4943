"""Cached answers of LLMs in Redis."""

from redis.asyncio import Redis

from nlp2filters.storage.answer_cache import MAX_BYTES, AnswerCache
from nlp2filters.storage.redis_keys import Keys

ANSWER = {"content": "{}", "model": "m"}


async def test_an_answer_is_loaded_under_any_of_its_questions_keys(redis: Redis, keys: Keys) -> None:
    cache = AnswerCache(redis, keys, "a", 60)
    await cache.save("two", ANSWER)
    assert await cache.load(["one", "two", "three"]) == ANSWER
    assert await cache.load(["one", "three"]) is None


async def test_owners_share_nothing(redis: Redis, keys: Keys) -> None:
    await AnswerCache(redis, keys, "a", 60).save("one", ANSWER)
    assert await AnswerCache(redis, keys, "b", 60).load(["one"]) is None


async def test_an_answer_expires(redis: Redis, keys: Keys) -> None:
    await AnswerCache(redis, keys, "a", 60).save("one", ANSWER)
    assert 0 < await redis.ttl(keys.answer("a", "one")) <= 60


async def test_a_huge_answer_is_not_kept(redis: Redis, keys: Keys) -> None:
    cache = AnswerCache(redis, keys, "a", 60)
    await cache.save("one", {"content": "x" * MAX_BYTES, "model": "m"})
    assert await cache.load(["one"]) is None
