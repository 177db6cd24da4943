"""Answers of LLMs, by owner and by a digest of all that they depend on (see `core/llm/answer_keys.py`)."""

from collections.abc import Sequence
from typing import Any

import orjson
from redis.asyncio import Redis

from nlp2filters.storage import scripts
from nlp2filters.storage.redis_keys import Keys

# Longer answers are rare, and not kept.
MAX_BYTES = 32_000


class AnswerCache:
    """The cached answers of one owner, of use to one job. Each is kept for `ttl_s` from when it was given."""

    def __init__(self, redis: Redis, keys: Keys, owner: str, ttl_s: int, job_id: str | None = None) -> None:
        self._redis, self._keys, self._owner, self._ttl_s = redis, keys, owner, ttl_s
        self._guards = [keys.job(job_id)] if job_id else []

    async def load(self, digests: Sequence[str]) -> dict[str, Any] | None:
        """Load the answer that is stored under the first of the digests that has one."""
        contents = await self._redis.mget([self._keys.answer(self._owner, digest) for digest in digests])
        content = next(filter(None, contents), None)
        return orjson.loads(content) if content else None

    async def save(self, digest: str, answer: dict[str, Any]) -> None:
        """Store an answer, unless the job was deleted meanwhile. One that is stored already is replaced."""
        content = orjson.dumps(answer)
        if len(content) <= MAX_BYTES:
            names = [self._keys.answer(self._owner, digest), *self._guards]
            script = self._redis.register_script(scripts.WRITE_WHILE_KEPT)
            await script(keys=names, args=[1000 * self._ttl_s, "SET", content])
