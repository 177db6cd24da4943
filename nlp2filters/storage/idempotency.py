"""Idempotency keys: a request with one is carried out only once."""

import hashlib
from dataclasses import dataclass

from redis.asyncio import Redis

from nlp2filters.errors import IdempotencyKeyReused
from nlp2filters.storage.redis_keys import Keys

# A key is remembered for a day.
TTL_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """An idempotency key, with the SHA-256 of its request as `fingerprint`."""

    key: str
    fingerprint: str

    @property
    def digest(self) -> str:
        """The key in the form that names of Redis keys contain."""
        return hashlib.sha256(self.key.encode()).hexdigest()

    def value_for(self, subject: str) -> str:
        """Return the value under which Redis remembers that this request has created the job or batch `subject`."""
        return f"{self.fingerprint}:{subject}"

    def subject_of(self, value: str) -> str:
        """Return the id of the job or batch that the request created, by the value that Redis remembers.

        Raises:
            IdempotencyKeyReused: the key stands for another request.
        """
        fingerprint, _, subject = value.partition(":")
        if fingerprint != self.fingerprint:
            raise IdempotencyKeyReused(self.key)
        return subject


class IdempotencyKeys:
    """The idempotency keys of all owners. The script that creates jobs and batches writes them."""

    def __init__(self, redis: Redis, keys: Keys) -> None:
        self._redis = redis
        self._keys = keys

    async def exists(self, owner: str, key: IdempotencyKey) -> bool:
        """Return True if the owner's key has created a job or batch, for whatever request."""
        return bool(await self._redis.exists(self._keys.once(owner, key.digest)))

    async def subject_of(self, owner: str, key: IdempotencyKey) -> str | None:
        """Return the id of the job or batch that the owner's key created, even if it is gone; None for a new key.

        Raises:
            IdempotencyKeyReused: the key stands for another request.
        """
        value = await self._redis.get(self._keys.once(owner, key.digest))
        return key.subject_of(value.decode()) if value else None
