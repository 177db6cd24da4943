"""The large parts of requests in Redis: a catalog, a scope, or the reading that a text refines.

Each is stored once per owner, under the SHA-256 of its JSON, however many jobs use it. A job's request refers to it:
`{"text": …, "parts": {"catalog": "<sha-256>"}}`. A small part stays in the request. Requests of earlier versions
contain all parts; `attach` and `detach` accept both forms.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from redis.asyncio import Redis

from nlp2filters.errors import PartGone
from nlp2filters.storage.redis_keys import Keys

NAMES = ("catalog", "scope", "earlier")
# A separate key takes about as many bytes.
MAX_INLINE_BYTES = 512
# These are measured: see tests/api/test_bytes.py.
JOB_BYTES, BYTES_PER_CHARACTER = 10_000, 60
# The result has a copy of the scope in its filter, and one in the parameters of each dialect.
BYTES_PER_BYTE_OF_SCOPE, BYTES_PER_BYTE_OF_SCOPE_AND_DIALECT = 2, 4


@dataclass(frozen=True, slots=True)
class Part:
    """A part as JSON, with its SHA-256."""

    content: bytes
    digest: str

    @classmethod
    def of(cls, data: Any) -> "Part":
        """Encode a part."""
        content = orjson.dumps(data)
        return cls(content, hashlib.sha256(content).hexdigest())


@dataclass(frozen=True, slots=True)
class Request:
    """A job's request in stored form: the JSON for its record, and separately stored parts by their SHA-256.

    `dependencies` are further Redis keys that must live as long as the parts. `derived` estimates the bytes that the
    job's stages add (draft, result and events); only extreme catalogs exceed it.
    """

    body: bytes
    parts: Mapping[str, bytes] = field(default_factory=dict)
    dependencies: tuple[str, ...] = ()
    derived: int = JOB_BYTES


def compose(body: Mapping[str, Any], parts: Mapping[str, Part], dependencies: tuple[str, ...] = ()) -> Request:
    """Compose a request: small parts become members of `body`, large ones are stored separately."""
    small = {name: part for name, part in parts.items() if len(part.content) <= MAX_INLINE_BYTES}
    large = {name: part for name, part in parts.items() if name not in small}
    members = {**body, **{name: orjson.Fragment(part.content) for name, part in small.items()}}
    if large:
        members["parts"] = {name: part.digest for name, part in large.items()}
    contents = {part.digest: part.content for part in large.values()}
    scope = parts.get("scope")
    text, scope_bytes = body.get("text", ""), len(scope.content) if scope else 0
    per_byte = BYTES_PER_BYTE_OF_SCOPE + BYTES_PER_BYTE_OF_SCOPE_AND_DIALECT * len(body.get("dialects", ()))
    derived = BYTES_PER_CHARACTER * len(text) + per_byte * scope_bytes
    return Request(orjson.dumps(members), contents, dependencies, JOB_BYTES + derived)


def detach(request: Mapping[str, Any], contents: Mapping[str, bytes], dependencies: tuple[str, ...] = ()) -> Request:
    """Compose a request again from one read from a record; `contents` are its parts by name, as `load` returns them."""
    parts = {name: Part(content, request["parts"][name]) for name, content in contents.items()}
    inline = {name: Part.of(request[name]) for name in NAMES if isinstance(request.get(name), dict)}
    body = {name: value for name, value in request.items() if name not in inline and name != "parts"}
    return compose(body, {**inline, **parts}, dependencies)


async def load(
    redis: Redis, keys: Keys, owner: str, request: Mapping[str, Any], names: Sequence[str] = NAMES
) -> dict[str, bytes]:
    """Load the separately stored parts of a request, among those with the given names, as JSON by name.

    Raises:
        PartGone: a part is no longer kept.
    """
    digests = {name: digest for name, digest in request.get("parts", {}).items() if name in names}
    if not digests:
        return {}
    contents = await redis.mget(keys.part(owner, digest) for digest in digests.values())
    for name, content in zip(digests, contents, strict=True):
        if content is None:
            raise PartGone(name)
    return dict(zip(digests, contents, strict=True))


async def attach(
    redis: Redis, keys: Keys, owner: str, request: Mapping[str, Any], names: Sequence[str] = NAMES
) -> dict[str, Any]:
    """Load the parts of the given names into the request, as its members; raises as `load` does."""
    contents = await load(redis, keys, owner, request, names)
    return {**request, **{name: orjson.loads(content) for name, content in contents.items()}}
