"""Access control: API keys, and short-lived tokens for streams.

A key is `n2f_<id>_<secret>`. The id identifies the key's record; only the SHA-256 of the secret is stored. The secret
is 256 random bits, so a plain hash is enough: it cannot be guessed.
"""

import hashlib
import hmac
import secrets
from collections.abc import Awaitable, Collection, Iterable
from dataclasses import dataclass, replace
from typing import Any, cast

import orjson
from redis.asyncio import Redis

from nlp2filters.core.jobs import ANONYMOUS
from nlp2filters.storage.redis_keys import Keys

SCOPES = {
    "jobs:read": "see the owner's jobs, batches and catalogs, and follow them",
    "jobs:write": "submit, cancel, retry and delete jobs and batches",
    "catalogs:write": "write and delete the owner's catalogs",
    "admin": "all of these, and read the service's metrics",
}
TOKEN_S = 600


@dataclass(frozen=True, slots=True)
class Caller:
    """The authenticated caller, who sees the jobs of `owner`. If `limited`, the limits per owner apply.

    `key_id` is the id of the caller's API key, or of the key that created the caller's stream token.
    """

    owner: str
    scopes: frozenset[str]
    limited: bool = True
    key_id: str | None = None

    def may(self, scope: str) -> bool:
        """Return True if the caller has the scope."""
        return scope in self.scopes or "admin" in self.scopes


LOCAL_CALLER = Caller(ANONYMOUS, frozenset({"admin"}), limited=False)


@dataclass(frozen=True, slots=True)
class ApiKey:
    """The record of an API key. Times are ms since 1970."""

    id: str
    name: str
    owner: str
    scopes: tuple[str, ...]
    digest: str
    created_at: int
    revoked_at: int | None = None


class ApiKeys:
    """The API keys in Redis."""

    def __init__(self, redis: Redis, keys: Keys) -> None:
        self._redis = redis
        self._name = keys.api_keys

    async def create(self, name: str, owner: str, scopes: Iterable[str], now: int) -> tuple[ApiKey, str]:
        """Create a key. Returns its record, and the key itself, which is not stored and cannot be shown again."""
        id_, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
        api_key = ApiKey(id_, name, owner, tuple(scopes), _digest(secret), now)
        await self._put(api_key)
        return api_key, f"n2f_{id_}_{secret}"

    async def listing(self) -> list[ApiKey]:
        """List all keys, including revoked ones, oldest first."""
        reply = await cast(Awaitable[dict[bytes, bytes]], self._redis.hgetall(self._name))
        return sorted((_read(data) for data in reply.values()), key=lambda api_key: api_key.created_at)

    async def revoke(self, id_: str, now: int) -> ApiKey | None:
        """Revoke a key from now on. Returns None if there is no key with this id."""
        api_key = await self._get(id_)
        if api_key is None or api_key.revoked_at:
            return api_key
        api_key = replace(api_key, revoked_at=now)
        await self._put(api_key)
        return api_key

    async def any(self) -> bool:
        """Return True if a key was ever created here: then every caller needs one."""
        return bool(await cast(Awaitable[int], self._redis.hlen(self._name)))

    async def caller(self, key: str) -> Caller | None:
        """Return the caller that the key authenticates; None if it is not valid."""
        prefix, _, rest = key.partition("_")
        id_, _, secret = rest.partition("_")
        api_key = await self._get(id_) if prefix == "n2f" and id_.isalnum() else None
        expected = api_key.digest if api_key and not api_key.revoked_at else "0" * 64
        if not hmac.compare_digest(expected, _digest(secret)) or api_key is None:
            return None
        return Caller(api_key.owner, frozenset(api_key.scopes), key_id=api_key.id)

    async def revoked(self, ids: Collection[str]) -> set[str]:
        """Return the ids whose keys are no longer valid."""
        if not ids:
            return set()
        names = sorted(ids)
        reply = await cast(Awaitable[list[bytes | None]], self._redis.hmget(self._name, names))
        return {id_ for id_, data in zip(names, reply, strict=True) if not data or _read(data).revoked_at}

    async def _get(self, id_: str) -> ApiKey | None:
        data = await cast(Awaitable[bytes | None], self._redis.hget(self._name, id_))
        return _read(data) if data else None

    async def _put(self, api_key: ApiKey) -> None:
        await cast(Awaitable[int], self._redis.hset(self._name, api_key.id, orjson.dumps(api_key).decode()))


class StreamTokens:
    """Tokens for browsers' EventSource and WebSocket, which send no headers: for one job or batch, for ten minutes."""

    def __init__(self, redis: Redis, keys: Keys) -> None:
        self._redis = redis
        self._keys = keys

    async def create(self, creator: Caller, subject: str) -> str:
        """Create a token for following the job or batch `subject` of its creator."""
        token = secrets.token_urlsafe(32)
        value = orjson.dumps({"owner": creator.owner, "subject": subject, "key": creator.key_id})
        await self._redis.set(self._keys.token(_digest(token)), value, ex=TOKEN_S)
        return token

    async def caller(self, token: str, subject: str) -> Caller | None:
        """Return the caller that may follow `subject` with the token; None if it is not valid for that."""
        data = await self._redis.get(self._keys.token(_digest(token)))
        access: dict[str, Any] = orjson.loads(data) if data else {}
        if access.get("subject") != subject:
            return None
        return Caller(access["owner"], frozenset({"jobs:read"}), key_id=access.get("key"))


def _read(data: bytes) -> ApiKey:
    values = orjson.loads(data)
    return ApiKey(**{**values, "scopes": tuple(values["scopes"])})


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
