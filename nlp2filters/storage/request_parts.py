"""The large parts of requests in Redis: a catalog, a scope, the reading that a text goes on from.

Each is kept once per owner, under the SHA-256 of its JSON, however many jobs have it. A job's request names them:
`{"text": …, "parts": {"catalog": "<sha-256>"}}`. A small part stays in the request. Requests of earlier versions hold
every part; `attach` and `detach` take both forms.
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
MAX_INLINE_BYTES = 512  # a key of its own takes about as much
JOB_BYTES, BYTES_PER_CHARACTER, BYTES_PER_BYTE_OF_SCOPE = 10_000, 60, 8  # measured: see tests/api/test_bytes.py


@dataclass(frozen=True, slots=True)
class Part:
    """A part as JSON, and its SHA-256."""

    content: bytes
    digest: str

    @classmethod
    def of(cls, data: Any) -> "Part":
        """Encode a part."""
        content = orjson.dumps(data)
        return cls(content, hashlib.sha256(content).hexdigest())


@dataclass(frozen=True, slots=True)
class Request:
    """A job's request as it is written: the JSON for its record, and the parts to be kept beside it by their SHA-256.

    `kept` are further keys of Redis that the job needs for as long as its parts. `derived` estimates the bytes that the
    job's stages add: draft, result and events. They are seldom more, but with extreme catalogs.
    """

    body: bytes
    parts: Mapping[str, bytes] = field(default_factory=dict)
    kept: tuple[str, ...] = ()
    derived: int = JOB_BYTES


def compose(body: Mapping[str, Any], parts: Mapping[str, Part], kept: tuple[str, ...] = ()) -> Request:
    """Write a request: small parts among the members of `body`, large ones beside it."""
    small = {name: part for name, part in parts.items() if len(part.content) <= MAX_INLINE_BYTES}
    large = {name: part for name, part in parts.items() if name not in small}
    members = {**body, **{name: orjson.Fragment(part.content) for name, part in small.items()}}
    if large:
        members["parts"] = {name: part.digest for name, part in large.items()}
    contents = {part.digest: part.content for part in large.values()}
    scope = parts.get("scope")
    derived = BYTES_PER_CHARACTER * len(body["text"]) + BYTES_PER_BYTE_OF_SCOPE * len(scope.content if scope else b"")
    return Request(orjson.dumps(members), contents, kept, JOB_BYTES + derived)


def detach(request: Mapping[str, Any], contents: Mapping[str, bytes], kept: tuple[str, ...] = ()) -> Request:
    """Write a request again that was read from a record; `contents` are its parts, as `load` gives them by name."""
    parts = {name: Part(content, request["parts"][name]) for name, content in contents.items()}
    inline = {name: Part.of(request[name]) for name in NAMES if isinstance(request.get(name), dict)}
    body = {name: value for name, value in request.items() if name not in inline and name != "parts"}
    return compose(body, {**inline, **parts}, kept)


async def load(
    redis: Redis, keys: Keys, owner: str, request: Mapping[str, Any], names: Sequence[str] = NAMES
) -> dict[str, bytes]:
    """The parts that are kept beside a request, those of the given names, as JSON by name.

    Raises:
        PartGone: one is not there any more.
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
    """The request with the parts of the given names as its members; raises as `load` does."""
    contents = await load(redis, keys, owner, request, names)
    return {**request, **{name: orjson.loads(content) for name, content in contents.items()}}
